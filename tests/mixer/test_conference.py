"""The conference package is well-formed whatever people call themselves, and discreet with those who wait."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from mixer.conference import document
from mixer.room import Entry, Phase, Role, RoomSettings

SPACE = "{urn:ietf:params:xml:ns:conference-info}"


def entry(name: str, phase: Phase = Phase.INSIDE) -> Entry:
    return Entry(
        "ab12", name, "x@y.example", Role.HOST, phase, 0.0, *(False,) * 5, video=True, encrypted=False
    )  # fmt: skip


def read(*entries: Entry, full: bool = True, name: str = "") -> ET.Element:
    settings = RoomSettings("1000", name)
    said = document("sip:1000@mixer.example", settings, entries, 3, locked=True, full=full)
    return ET.fromstring(said)  # noqa: S314 - our own document


@given(st.text(max_size=30), st.text(max_size=30))
def test_it_is_well_formed_whatever_people_call_themselves(name: str, room: str) -> None:
    tree = read(entry(name), name=room)
    assert tree.get("version") == "3"
    assert tree.findtext(f"{SPACE}conference-state/{SPACE}locked") == "true"
    assert len(list(tree.iter(f"{SPACE}user"))) == 1


def test_who_still_waits_learns_no_names() -> None:
    tree = read(entry("Anna"), entry("Bo", Phase.LOBBY), full=False)
    assert list(tree.iter(f"{SPACE}user")) == []
    assert tree.findtext(f"{SPACE}conference-state/{SPACE}user-count") == "1"


def test_those_in_the_lobby_are_not_told_of() -> None:
    tree = read(entry("Anna"), entry("Bo", Phase.LOBBY))
    assert [user.findtext(f"{SPACE}display-text") for user in tree.iter(f"{SPACE}user")] == ["Anna"]
