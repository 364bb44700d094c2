from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mixer.wire import Scene, Tile
from mixer.worker.adaptation import remb, tmmbr
from mixer.worker.asking import ENOUGH, PATIENCE, UNBOUNDED, Wish, enough, request, rows

LEAST = ENOUGH[0][1]


def test_a_place_asks_for_what_fills_it() -> None:
    assert [enough(high) for high in (0, 90, 91, 180, 360, 361, 720)] == [128, 128, 256, 256, 384, UNBOUNDED, UNBOUNDED]
    small = Scene("a", 1280, 720, (Tile(0, 0, 320, 180, "anna"), Tile(0, 0, 100, 90, "bent", "content")))
    large = Scene("b", 1280, 720, (Tile(0, 0, 640, 360, "anna"), Tile(0, 0, 100, 90)))
    assert rows((small, large)) == {("anna", "video"): 360, ("bent", "content"): 90}


def test_who_has_just_come_is_asked_at_once_and_who_becomes_large_too() -> None:
    wish = Wish()
    assert wish.kbps == UNBOUNDED
    assert wish.tell(256, UNBOUNDED, 0)
    assert wish.kbps == 256
    assert wish.tell(UNBOUNDED, UNBOUNDED, 1)
    assert wish.kbps == UNBOUNDED


def test_two_who_speak_in_turn_are_not_asked_for_another_picture_each_time() -> None:
    wish = Wish()
    wish.tell(UNBOUNDED, UNBOUNDED, 0)
    for turn in range(1, 10):
        at = turn * PATIENCE
        assert not wish.tell(256, UNBOUNDED, at)
        wish.look(at + PATIENCE - 1)
        assert wish.kbps == UNBOUNDED
        assert not wish.tell(UNBOUNDED, UNBOUNDED, at + PATIENCE - 1)
    wish.tell(256, UNBOUNDED, 100 * PATIENCE)
    wish.look(101 * PATIENCE)
    assert wish.kbps == 256


def test_a_line_is_heeded_at_once_both_ways() -> None:
    wish = Wish()
    wish.tell(UNBOUNDED, UNBOUNDED, 0)
    assert wish.tell(UNBOUNDED, 700, 1)
    assert wish.kbps == 700
    assert wish.tell(UNBOUNDED, 900, 2)
    assert wish.kbps == 900


@given(st.lists(st.tuples(st.integers(0, 1080), st.integers(64, 20_000), st.integers(0, 2 * PATIENCE)), max_size=30))
def test_nobody_is_asked_for_less_than_he_understands_or_than_his_place_needs(
    told: list[tuple[int, int, int]],
) -> None:
    wish, now = Wish(), 0
    for high, line, later in told:
        now += later
        before = wish.kbps
        changed = wish.tell(enough(high), line, now)
        assert changed == (wish.kbps != before)
        assert min(enough(high), line) <= wish.kbps <= line
        assert wish.kbps >= min(LEAST, line)
        wish.look(now + PATIENCE)
        assert wish.kbps == min(enough(high), line)
        now += PATIENCE


@given(st.integers(64, UNBOUNDED))
def test_what_is_asked_is_read_as_it_was_meant(kbps: int) -> None:
    for kind, read, at in (("tmmbr", tmmbr, 12), ("remb", remb, 12)):
        packet = request(kind, kbps, ours=1, theirs=2, name="room")
        assert len(packet) % 4 == 0
        while packet[1] not in {205, 206}:
            packet = packet[4 * int.from_bytes(packet[2:4], "big") + 4 :]
        asked = read(packet[at:])
        assert asked is not None
        assert kbps * 0.99 <= asked <= kbps
