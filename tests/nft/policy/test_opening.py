"""Agreements as elements: what is written when, and what is left alone."""

from __future__ import annotations

from dataclasses import replace

from nft.elements import Element, Put, Remove
from nft.number import passing_mark
from nft.policy.compile import compile_policy, merged
from nft.policy.model import Policy
from nft.policy.opening import DRIFT, LONGEST, OF_NONE, Opening, changes, label, next_change, openings
from nft.policy.tables import Class, Offer, Window
from tests.nft.policy.world import DAY, EDGE, NOW, POLICY, agreement

OPEN, EARLY = OF_NONE
ZONES = {zone.name: zone.index for zone in EDGE.zones}


def with_agreements(*agreements: object) -> Policy:
    return replace(POLICY, agreements=replace(POLICY.agreements, agreements=agreements))  # type: ignore[arg-type] # they are


def test_what_is_in_force_is_open_until_its_end() -> None:
    tables = compile_policy(with_agreements(agreement("a-1", "ward-7", "vdx-sip", NOW - DAY, NOW + DAY)))
    (one,) = openings(tables, ZONES, NOW)
    assert changes(OF_NONE, [], [], [one], NOW) == [Put(OPEN, one.key, passing_mark(3), DAY, "a-1")]


def test_what_is_to_come_waits_in_the_kernel() -> None:
    tables = compile_policy(with_agreements(agreement("a-1", "ward-7", "vdx-sip", NOW + DAY, NOW + 2 * DAY)))
    (one,) = openings(tables, ZONES, NOW)
    assert changes(OF_NONE, [], [], [one], NOW) == [
        Put(EARLY, one.key, timeout=DAY),
        Put(OPEN, one.key, passing_mark(3), 2 * DAY, "a-1"),
    ]


def test_the_very_second_of_its_start_is_in_force() -> None:
    assert len(changes(OF_NONE, [], [], [opening(NOW)], NOW)) == 1
    assert len(changes(OF_NONE, [], [], [opening(NOW + 1)], NOW)) == 2


def test_what_is_over_is_not_written() -> None:
    tables = compile_policy(with_agreements(agreement("a-1", "ward-7", "vdx-sip", NOW - 2 * DAY, NOW)))
    assert openings(tables, ZONES, NOW) == []
    assert next_change(tables, NOW) is None


def test_what_opens_again_after_a_pause_is_in_the_kernel_as_well() -> None:
    first = agreement("a-1", "ward-7", "vdx-sip", NOW - DAY, NOW + DAY)
    second = agreement("a-2", "ward-7", "vdx-sip", NOW + 2 * DAY, NOW + 3 * DAY)
    tables = compile_policy(with_agreements(first, second))
    one, other = openings(tables, ZONES, NOW)
    assert [one.ids, other.ids] == [("a-1",), ("a-2",)]
    assert changes(OF_NONE, [], [], [one, other], NOW) == [
        Put(EARLY, other.key, timeout=2 * DAY),
        Put(OPEN, one.key, passing_mark(3), DAY, "a-1"),
        Put(OPEN, other.key, passing_mark(3), 3 * DAY, "a-2"),
    ]
    assert openings(tables, ZONES, NOW + DAY) == [other], "its elements need not move when the first is over"
    assert next_change(tables, NOW) is None


def test_only_a_third_time_has_to_be_written_when_there_is_room() -> None:
    times = [
        agreement(f"a-{day}", "ward-7", "vdx-sip", NOW + day * DAY, NOW + (day + 1) * DAY) for day in (-1, 1, 3, 5)
    ]
    tables = compile_policy(with_agreements(*times))
    assert [one.ids for one in openings(tables, ZONES, NOW - 1)] == [("a--1",), ("a-1",)]
    assert next_change(tables, NOW - 1) == NOW
    held_, fresh = openings(tables, ZONES, NOW)
    assert (held_.ids, fresh.ids) == (("a-1",), ("a-3",))
    assert held_ == openings(tables, ZONES, NOW - 1)[1]
    assert held_.key != fresh.key
    assert next_change(tables, NOW) == NOW + 2 * DAY
    assert next_change(tables, NOW + 2 * DAY) is None


def test_windows_that_touch_are_one() -> None:
    assert merged([Window(5, 9, ("b",)), Window(1, 5, ("a",)), Window(10, 12, ("c",))]) == (
        Window(1, 9, ("a", "b")),
        Window(10, 12, ("c",)),
    )


def opening(starts: int = NOW - 1, ends: int = NOW + 100, ids: tuple[str, ...] = ("a-1",)) -> Opening:
    return Opening((Offer(1), Class(2)), passing_mark(3), starts, ends, ids)


KEY = opening().key


def held(left: float = 100, comment: str = "a-1", mark: int = passing_mark(3)) -> Element:
    return Element(KEY, mark, 1000.0, left, comment=comment)


def test_what_is_there_in_time_is_left_alone() -> None:
    assert changes(OF_NONE, [held(100 + DRIFT / 2)], [], [opening()], NOW) == []
    waiting = opening(NOW + 50)
    assert changes(OF_NONE, [held()], [Element(KEY, expires=50 - DRIFT / 2)], [waiting], NOW) == []


def test_what_is_far_away_need_not_be_exact_until_it_comes_near() -> None:
    far = opening(ends=NOW + 1000 * DAY)
    late = held(1000 * DAY + 60)
    assert changes(OF_NONE, [late], [], [far], NOW) == []
    assert changes(OF_NONE, [replace(late, expires=60.0 + DAY)], [], [replace(far, ends=NOW + DAY)], NOW) != []


def test_what_the_kernel_cannot_time_gets_the_longest_timeout_and_a_new_one_at_half() -> None:
    forever = opening(starts=NOW - 1, ends=NOW + 8000 * 366 * DAY)
    (put,) = changes(OF_NONE, [], [], [forever], NOW)
    assert isinstance(put, Put)
    assert put.timeout == LONGEST
    assert changes(OF_NONE, [held(LONGEST)], [], [forever], NOW) == []
    assert changes(OF_NONE, [held(LONGEST * 0.6)], [], [forever], NOW) == []
    assert changes(OF_NONE, [held(LONGEST * 0.4)], [], [forever], NOW) == [Remove(OPEN, KEY), put]


def test_a_start_that_the_kernel_cannot_time_stays_shut() -> None:
    far = opening(starts=NOW + 7000 * 366 * DAY, ends=NOW + 7500 * 366 * DAY)
    shut, opened = changes(OF_NONE, [], [], [far], NOW)
    assert isinstance(shut, Put)
    assert isinstance(opened, Put)
    assert (shut.shape, shut.timeout, opened.shape, opened.timeout) == (EARLY, LONGEST, OPEN, LONGEST)
    early = Element(KEY, expires=LONGEST * 0.9)
    assert changes(OF_NONE, [held(LONGEST * 0.9)], [early], [far], NOW) == []


def test_what_differs_is_written_anew_in_one_transaction() -> None:
    put = Put(OPEN, KEY, passing_mark(3), 100, "a-1")
    for wrong in (held(100 + 2 * DRIFT), held(comment="a-0"), held(mark=passing_mark(2))):
        assert changes(OF_NONE, [wrong], [], [opening()], NOW) == [Remove(OPEN, KEY), put]
    assert changes(OF_NONE, [], [], [opening()], NOW) == [put]
    assert changes(OF_NONE, [held()], [], [], NOW) == [Remove(OPEN, KEY)]


def test_a_start_that_is_moved_shuts_before_it_opens() -> None:
    waiting = opening(NOW + 50)
    early = Put(EARLY, KEY, timeout=50)
    assert changes(OF_NONE, [held()], [], [waiting], NOW) == [early]
    assert changes(OF_NONE, [held()], [Element(KEY, expires=10)], [waiting], NOW) == [Remove(EARLY, KEY), early]
    assert changes(OF_NONE, [held()], [Element(KEY, expires=10)], [opening()], NOW) == [Remove(EARLY, KEY)]
    assert changes(OF_NONE, [], [], [waiting], NOW)[0] == early


def test_a_comment_holds_as_many_names_as_fit() -> None:
    assert label(["a-1", "a-2"]) == "a-1 a-2"
    long = label([f"agreement-{number}" for number in range(100)])
    assert len(long) == 127
    assert long.endswith("...")
