"""Agreements as elements with their times: what the kernel opens and closes by itself. Pure.

An agreement that is in force is one element of ``open`` whose timeout is its end. One that is still to come stands in
``open`` as well, and in ``early`` until its start: a packet must be in the one and not in the other. So both its start
and its end come by the kernel's clock alone, whoever else is dead. What opens again after a pause has elements of its
own, under a second key (``AGAIN``): the kernel holds the time that runs, or comes next, and the one after it. Only a
third has to be written, at ``next_change``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from nft.elements import Element, Operation, Put, Remove
from nft.number import passing_mark
from nft.policy.parts import TABLE
from nft.policy.tables import Cell, Class, Offer, Tables, Window
from nft.policy.words import MAX_COMMENT, told
from nft.schema import MARK, Field, Key, Shape, Value

CLASSID = Field("classid", 23, 4, MARK.pack, MARK.unpack)
"""The type of ``meta priority``: a scratch register of each packet beside its mark, in host order like it."""


class Shapes(NamedTuple):
    """The two maps of a version: their keys are offer and client class, numbers that mean something to it alone."""

    open: Shape
    early: Shape


OF_NONE = Shapes(
    Shape(TABLE, "open", (MARK, CLASSID), MARK, timeout=0, statement="counter;"),
    Shape(TABLE, "early", (MARK, CLASSID), timeout=0),
)
"""As they are declared; ``nft.policy.parts`` gives those of a version their names."""

Place: TypeAlias = tuple[Offer, Class]
"""What the element of an agreement is found by."""

AGAIN = 1 << 31
"""Bit of the client class, which is far smaller, in the keys of every other time of a place: none has to move."""

TURNS = 2
"""Times of a place that the kernel holds at once: each more is another look-up for what is shut."""

DRIFT, SLACK = 2.0, 1e-4
"""By how much an element may miss its time before it is written anew: seconds, and a part of what is left.

The kernel counts ticks from when it has taken the transaction, which may be seconds after the time was worked out. What
is years away need not be exact yet: it gets so as it comes near, and until then keeps its counter.
"""

LONGEST = 100 * 366 * 86400.0
"""Seconds of the longest timeout that is written: the kernel counts nanoseconds in 64 bits, some 584 years.

What is further away gets this one, and anew once half of it is over.
"""


@dataclass(frozen=True, slots=True)
class Opening:
    """What one client class may use of one offer, and when: seconds since 1970. ``key`` is that of its elements."""

    key: Key
    mark: int
    starts: int
    ends: int
    ids: tuple[str, ...]

    @property
    def comment(self) -> str:
        """What its element tells of its origin."""
        return label(self.ids)


def label(ids: Iterable[str]) -> str:
    """Return the comment of an element that agreements keep open, cut where the kernel's limit is."""
    words = " ".join(ids)
    if len(words.encode()) <= MAX_COMMENT:
        return told(words)
    return told(words).encode()[: MAX_COMMENT - 3].decode(errors="ignore") + "..."


def keys(place: Place) -> tuple[Key, Key]:
    """Return the keys of a place's elements: its times take turns."""
    offer, client = place
    return (offer, client), (offer, client | AGAIN)


def openings(
    tables: Tables, zones: Mapping[str, int], now: float, places: Iterable[Place] | None = None
) -> list[Opening]:
    """Return what is open at a time or opens next, and what follows it, of ``places`` or of all.

    ``zones`` are their numbers.
    """
    found = []
    cells = tables.cells if places is None else {each: tables.cells[each] for each in places if each in tables.cells}
    for place, cell in cells.items():
        turns, mark = keys(place), passing_mark(zones[cell.target])
        for turn, window in _ahead(cell, now)[:TURNS]:
            found.append(Opening(turns[turn % TURNS], mark, window.starts, window.ends, window.ids))
    return found


def next_change(tables: Tables, now: float) -> int | None:
    """Return when there is room for a time that the kernel does not hold yet; None where it holds all of them."""
    ahead = (_ahead(cell, now) for cell in tables.cells.values() if len(cell.windows) > TURNS)
    return min((times[0][1].ends for times in ahead if len(times) > TURNS), default=None)


def _ahead(cell: Cell, now: float) -> list[tuple[int, Window]]:
    """Return the times that are not over, with their numbers."""
    return [(turn, window) for turn, window in enumerate(cell.windows) if window.ends > now]


def changes(
    shapes: Shapes, there: Iterable[Element], early: Iterable[Element], wanted: Iterable[Opening], now: float
) -> list[Operation]:
    """Return the transaction from what the kernel holds (of ``open`` and ``early``) to what is wanted.

    What is there in time stays untouched and keeps its counter. Deletions come first: a path whose start was moved is
    closed before it is open.
    """
    aims = {each.key: each for each in wanted}
    later = {key: each for key, each in aims.items() if each.starts > now}
    gone: list[Operation] = []
    fresh: list[Operation] = []
    held = {element.key: element for element in there}
    for key, element in held.items():
        aim = aims.get(key)
        if aim is None or not _same(element, aim.mark, aim.comment, aim.ends - now):
            gone.append(Remove(shapes.open, key))
    kept = {element.key: element for element in early}
    for key, element in kept.items():
        aim = later.get(key)
        if aim is None or not _in_time(element, aim.starts - now):
            gone.append(Remove(shapes.early, key))
    removed = {(each.shape.name, each.key) for each in gone}
    for key, aim in later.items():
        if key not in kept or (shapes.early.name, key) in removed:
            fresh.append(Put(shapes.early, key, timeout=lasting(aim.starts - now)))
    for key, aim in aims.items():
        if key not in held or (shapes.open.name, key) in removed:
            fresh.append(Put(shapes.open, key, aim.mark, lasting(aim.ends - now), aim.comment))
    return [*gone, *fresh]


def additions(operations: Iterable[Operation]) -> list[Operation]:
    """Return those of ``changes`` that open what was shut: before others are done, they take nothing from a flow."""
    listed = list(operations)
    gone = {each.key for each in listed if isinstance(each, Remove)}
    return [each for each in listed if each.key not in gone]


def lasting(left: float) -> float:
    """Return the timeout of an element whose time comes in so many seconds."""
    return min(left, LONGEST)


def _same(element: Element, mark: Value, comment: str, left: float) -> bool:
    return element.data == mark and element.comment == comment and _in_time(element, left)


def _in_time(element: Element, left: float) -> bool:
    if element.expires is None:
        return False
    if left > LONGEST:
        return element.expires > LONGEST / 2
    return abs(element.expires - left) <= DRIFT + SLACK * max(0.0, left)
