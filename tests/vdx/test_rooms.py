from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdx.rooms import Aliases, Room, pin_digest, pin_fits

ONE = "11111111-2222-3333-4444-555555555555"
TWO = "22222222-2222-3333-4444-555555555555"
KEY = bytes(range(32))


def room(uuid: str, *aliases: str) -> Room:
    return Room(uuid=uuid, aliases=aliases)


def test_a_pin_fits_its_own_room_and_key_only() -> None:
    digest = pin_digest(KEY, ONE, "4711")
    assert pin_fits(KEY, ONE, "4711", digest)
    assert not pin_fits(KEY, ONE, "4712", digest)
    assert not pin_fits(KEY, TWO, "4711", digest)
    assert not pin_fits(bytes(32), ONE, "4711", digest)
    assert not pin_fits(KEY, ONE, "", pin_digest(KEY, ONE, ""))
    assert "4711" not in digest
    with pytest.raises(ValueError, match="it needs 32"):
        pin_digest(b"short", ONE, "4711")


def test_a_record_is_checked_when_it_is_read() -> None:
    written = msgspec.json.encode(Room(uuid=ONE, aliases=("1234",), host_pin=pin_digest(KEY, ONE, "4711")))
    assert msgspec.json.decode(written, type=Room).aliases == ("1234",)
    for wrong in ({"uuid": "1"}, {"aliases": ["a b"]}, {"host_pin": "4711"}, {"most": 0}, {"owner": "a.b"}):
        record = {"uuid": ONE, "aliases": ["1234"], **wrong}
        with pytest.raises(msgspec.ValidationError, match=f"\\$.{next(iter(wrong))}"):
            msgspec.convert(record, type=Room)


def test_an_alias_of_two_rooms_is_one_of_them_until_that_is_gone() -> None:
    aliases = Aliases([room(TWO, "Ward", "900"), room(ONE, "ward")])
    found = aliases.find("WARD")
    assert found is not None
    assert found.uuid == ONE
    aliases.put(room(ONE, "other"))
    found = aliases.find("ward")
    assert found is not None
    assert found.uuid == TWO
    aliases.drop(TWO)
    assert aliases.find("ward") is None
    assert aliases.find("900") is None


ROOMS = st.lists(st.tuples(st.sampled_from((ONE, TWO)), st.none() | st.lists(st.sampled_from("aAbB"), max_size=3)))


@given(ROOMS)
def test_aliases_are_those_of_the_rooms_that_are_left(steps: list[tuple[str, list[str] | None]]) -> None:
    aliases = Aliases()
    rooms: dict[str, Room] = {}
    for uuid, names in steps:
        if names is None:
            aliases.drop(uuid)
            rooms.pop(uuid, None)
        else:
            rooms[uuid] = room(uuid, *names)
            aliases.put(rooms[uuid])
    for name in "ab":
        holders = [uuid for uuid, one in rooms.items() if name in {alias.casefold() for alias in one.aliases}]
        found = aliases.find(name)
        assert (found.uuid if found else None) == (min(holders) if holders else None)
