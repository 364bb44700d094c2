from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdx.bus.errors import BadRecord, BusError
from vdx.bus.kinds import Happening, Kind, Question, checked_key, decode, encode
from vdx.bus.limits import MAX_RECORD
from vdx.bus.walk import seconds


class Thing(msgspec.Struct, frozen=True):
    text: str


THINGS: Kind[Thing] = Kind("things", Thing)


def test_names_on_the_server() -> None:
    assert (THINGS.stream, THINGS.told) == ("KV_things", "vdx.kv.things.>")
    assert THINGS.subject("edge1.c7") == "$KV.things.edge1.c7"
    assert Happening("records", Thing).subject("edge1") == "vdx.records.edge1"
    assert Question("steer", Thing, Thing).subject("mixer1") == "vdx.ask.steer.mixer1"
    assert Question("port", Thing, Thing).subject() == "vdx.ask.port"


@pytest.mark.parametrize("key", ["", "a b", "a*", ">", "a..b", ".a", "a.", "æ", "a\r\nPUB x", "a/b", "k" * 129])
def test_no_key_reaches_beyond_its_bucket(key: str) -> None:
    with pytest.raises(BusError, match="no key of the bus"):
        THINGS.subject(key)


@given(st.text())
def test_a_key_is_one_subject_or_none(key: str) -> None:
    try:
        subject = f"$KV.things.{checked_key(key)}"
    except BusError:
        return
    assert not set(subject) & set(" \t\r\n*>")
    assert all(subject.split("."))


def test_programs_of_different_age_can_meet() -> None:
    assert decode(b'{"text": "a", "new": [1]}', Thing) == Thing("a")
    with pytest.raises(BadRecord, match=r"no Thing: Expected `str`, got `int` - at `\$.text`"):
        decode(b'{"text": 1}', Thing)


def test_no_record_is_longer_than_the_bus_carries() -> None:
    with pytest.raises(BusError, match="longer than the bus carries"):
        encode(Thing("x" * MAX_RECORD))
    with pytest.raises(BadRecord, match="longer than the bus carries"):
        decode(b" " * (MAX_RECORD + 1), Thing)


@pytest.mark.parametrize(
    ("span", "found"), [("15", 15.0), ("1m0s", 60.0), ("1h0m0s", 3600.0), ("90", 90.0), ("never", None), ("", None)]
)
def test_spans_as_the_server_writes_them(span: str, found: float | None) -> None:
    assert seconds(span) == found
