"""Names that have to be looked up before a call goes on, and what waits for them.

Sans-IO: a shell takes `lookups()`, asks the DNS beside the calls, and brings each answer to `located`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

from b2bua.locate import Destination, LocateError, Query
from b2bua.sip import Leg
from vdx.dialplan import HostTarget

MAX_WAITING = 1_000
"""Calls whose names are being looked up at once: five seconds of 200 a second."""

Found = Mapping[HostTarget, tuple[Destination, ...] | LocateError]
"""Where names lead, or why they lead nowhere."""

T = TypeVar("T")


class Lookup(NamedTuple):
    """Names to look up for one call; the answer goes to `located` with the same number."""

    number: int
    queries: dict[HostTarget, Query]


class Names(Generic[T]):
    """What is to be looked up, and who goes on with what is found; `len` counts those who wait."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Callable[[Found, float], T], Leg]] = {}
        self._lookups: list[Lookup] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def look_up(self, queries: dict[HostTarget, Query], then: Callable[[Found, float], T], leg: Leg) -> bool:
        """Have names looked up for a leg, and go on; False where too many wait already."""
        if len(self._waiting) >= MAX_WAITING:
            return False
        self._number += 1
        self._waiting[self._number] = (then, leg)
        self._lookups.append(Lookup(self._number, queries))
        return True

    def lookups(self) -> list[Lookup]:
        """Give what is to be looked up since the last call."""
        lookups, self._lookups = self._lookups, []
        return lookups

    def leg(self, number: int) -> Leg | None:
        """Give the leg that waits for these names; None where nobody does any more."""
        waiting = self._waiting.get(number)
        return waiting[1] if waiting is not None else None

    def located(self, number: int, found: Found, now: float) -> T | None:
        """Go on with what waited for these names; gives what came of it, None where nobody waits any more."""
        waiting = self._waiting.pop(number, None)
        return waiting[0](found, now) if waiting is not None else None
