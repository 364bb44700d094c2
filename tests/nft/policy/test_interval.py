"""Arithmetic on intervals against the same on plain sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nft.policy.interval import IntervalMap, Intervals, contains, difference, intersection, normal, partition, union

TOP = 40
SETS = st.sets(st.integers(0, TOP))


def of(values: set[int]) -> Intervals:
    return normal((value, value) for value in values)


def plain(intervals: Intervals) -> set[int]:
    return {value for first, last in intervals for value in range(first, last + 1)}


@given(SETS, SETS)
def test_the_operations_are_those_of_sets(a: set[int], b: set[int]) -> None:
    x, y = of(a), of(b)
    assert union(x, y) == of(a | b)
    assert intersection(x, y) == of(a & b)
    assert difference(x, y) == of(a - b)
    assert [contains(x, value) for value in range(TOP)] == [value in a for value in range(TOP)]


@given(st.integers(0, 400), st.sets(st.integers(0, 400), min_size=100))
def test_a_short_set_meets_a_long_one(value: int, many: set[int]) -> None:
    short: Intervals = ((value, value + 3),)
    assert plain(intersection(short, of(many))) == many & set(range(value, value + 4))
    assert intersection(of(many), short) == intersection(short, of(many))


@given(st.lists(SETS, max_size=4))
def test_a_partition_tells_for_every_value_who_holds_it(sets: list[set[int]]) -> None:
    found = partition((number, of(each)) for number, each in enumerate(sets))
    for value in range(TOP + 2):
        holders = frozenset(number for number, each in enumerate(sets) if value in each)
        assert found.get(value) == (holders or None)


def test_neighbours_of_one_value_are_one_interval() -> None:
    made = IntervalMap.of([(1, 2, "a"), (3, 4, "a"), (6, 7, "a"), (8, 9, "b")])
    assert list(made) == [(1, 4, "a"), (6, 7, "a"), (8, 9, "b")]
    assert len(made) == 3
