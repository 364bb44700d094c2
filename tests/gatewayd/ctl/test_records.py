"""`gatewayctl records`: times as people write them, and the table."""

from __future__ import annotations

import argparse
import time

import pytest

from gatewayd.ctl.records import listed, moment
from vdx.record import CallRecord, PartyRecord

CALLER = PartyRecord("sdn", "hospital", "or-1", "tls")
CALLEE = PartyRecord("internet", "clinic", "bob", "udp")


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604_800)])
def test_how_long_ago(text: str, seconds: int) -> None:
    before = time.time()
    assert before - seconds <= moment(text) <= time.time() - seconds


@pytest.mark.parametrize("text", ["1970-01-02", "1970-01-02T00:00Z", "1970-01-02T01:00+01:00"])
def test_a_moment_is_utc_unless_it_says_otherwise(text: str) -> None:
    assert moment(text) == 86_400


@pytest.mark.parametrize("text", ["", "yesterday", "5", "h", "9999999d"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        moment(text)


def test_records_are_listed() -> None:
    answered = CallRecord(
        "a" * 13,
        CALLER,
        CALLEE,
        "2026-01-01T10:00:00.000Z",
        None,
        "2026-01-01T10:00:02.500Z",
        "2026-01-01T10:30:02.500Z",
        2.5,
        200,
        "callee",
        "bye",
    )
    refused = CallRecord(
        "b" * 13,
        CALLER,
        CALLEE,
        "2026-01-01T10:00:00.000Z",
        None,
        None,
        "2026-01-01T10:00:09.000Z",
        None,
        486,
        "x",
        "y",
    )
    lines = listed([answered, refused]).splitlines()
    assert " ".join(lines[1].split()) == (
        "aaaaaaaaaaaaa 2026-01-01 10:30:02 or-1 (hospital) bob (clinic) 200 2.5 s 30:00 callee bye"
    )
    assert lines[2].split()[-5:] == ["486", "-", "-", "x", "y"]
    assert listed([]) == "no call has ended in that time"
