"""Exact arithmetic on sets of integers kept as intervals: addresses of one IP version, or kinds of traffic. Pure.

An ``Intervals`` is a sorted tuple of (first, last), both included; no two touch or overlap, so equal sets are equal
tuples.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

Interval: TypeAlias = tuple[int, int]
Intervals: TypeAlias = tuple[Interval, ...]
T = TypeVar("T")
Name = TypeVar("Name", bound=Hashable)

SMALL = 16
"""How much shorter one set must be than another to look its intervals up instead of walking through both."""


def normal(intervals: Iterable[Interval]) -> Intervals:
    """Return the set that intervals in any order cover together."""
    merged: list[Interval] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            if last > merged[-1][1]:
                merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return tuple(merged)


def union(*sets: Intervals) -> Intervals:
    """Return what is in any of the sets."""
    if len(sets) == 1:
        return sets[0]
    return normal(interval for each in sets for interval in each)


def intersection(a: Intervals, b: Intervals) -> Intervals:
    """Return what is in both."""
    if len(a) > len(b):
        a, b = b, a
    found: list[Interval] = []
    if len(a) * SMALL < len(b):
        for low, high in a:
            j = max(0, bisect_right(b, (low, float("inf"))) - 1)
            while j < len(b) and b[j][0] <= high:
                if b[j][1] >= low:
                    found.append((max(low, b[j][0]), min(high, b[j][1])))
                j += 1
        return tuple(found)
    i = j = 0
    while i < len(a) and j < len(b):
        first, last = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if first <= last:
            found.append((first, last))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def difference(a: Intervals, b: Intervals) -> Intervals:
    """Return what is in ``a`` and not in ``b``."""
    left: list[Interval] = []
    j = 0
    for first, last in a:
        at = first
        while j < len(b) and b[j][1] < at:
            j += 1
        k = j
        while k < len(b) and b[k][0] <= last:
            if b[k][0] > at:
                left.append((at, b[k][0] - 1))
            at = b[k][1] + 1
            k += 1
        if at <= last:
            left.append((at, last))
    return tuple(left)


def contains(intervals: Intervals, value: int) -> bool:
    """Tell whether a value is in the set."""
    at = bisect_right(intervals, (value, float("inf"))) - 1
    return at >= 0 and intervals[at][1] >= value


@dataclass(frozen=True, slots=True)
class IntervalMap(Generic[T]):
    """Values of disjoint intervals in their order; what is in none has no value."""

    firsts: tuple[int, ...]
    lasts: tuple[int, ...]
    values: tuple[T, ...]

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, T]]) -> IntervalMap[T]:
        """Make a map of sorted, disjoint rows; neighbours of the same value become one."""
        merged: list[tuple[int, int, T]] = []
        for first, last, value in rows:
            if merged and merged[-1][2] == value and merged[-1][1] + 1 == first:
                merged[-1] = (merged[-1][0], last, value)
            else:
                merged.append((first, last, value))
        return cls(tuple(r[0] for r in merged), tuple(r[1] for r in merged), tuple(r[2] for r in merged))

    def get(self, key: int) -> T | None:
        """Return the value of a key, None where it has none."""
        at = bisect_right(self.firsts, key) - 1
        return self.values[at] if at >= 0 and key <= self.lasts[at] else None

    def __len__(self) -> int:
        return len(self.firsts)

    def __iter__(self) -> Iterator[tuple[int, int, T]]:
        return iter(zip(self.firsts, self.lasts, self.values, strict=True))


def partition(named: Iterable[tuple[Name, Intervals]]) -> IntervalMap[frozenset[Name]]:
    """Cut the line where membership changes: each stretch has the names of all sets that hold it."""
    events: list[tuple[int, bool, Name]] = []
    for name, intervals in named:
        for first, last in intervals:
            events.append((first, True, name))
            events.append((last + 1, False, name))
    events.sort(key=lambda event: event[0])
    rows: list[tuple[int, int, frozenset[Name]]] = []
    known: dict[frozenset[Name], frozenset[Name]] = {}
    active: set[Name] = set()
    index = 0
    while index < len(events):
        at = events[index][0]
        while index < len(events) and events[index][0] == at:
            _, enters, name = events[index]
            (active.add if enters else active.discard)(name)
            index += 1
        if active:
            members = frozenset(active)
            rows.append((at, events[index][0] - 1, known.setdefault(members, members)))
    return IntervalMap.of(rows)
