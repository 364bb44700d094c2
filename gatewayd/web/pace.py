"""How often somebody may ask. Pure: the clock is handed in.

Each key (an address, a name) has a bucket that fills with time; a request takes one from it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_KEYS = 10_000
"""Keys that are remembered; the ones that were not seen for the longest time are forgotten, and begin anew."""


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `burst` at once, and `rate` a second on average."""

    burst: float
    rate: float


PER_SOURCE = Pace(200, 50)
"""A page that looks every two seconds asks once; a script that reads everything asks forty times. IPv6: a /64."""

PER_NAME = Pace(100, 20)
"""The same for one token or person, wherever the requests come from."""

CHANGES = Pace(30, 1)
"""Changes of one name: each is a line of the journal, and nobody pushes more than one a second for long."""

FAILURES = Pace(10, 1 / 30)
"""Wrong tokens from one source: a person mistypes, a program that guesses finds nothing in 256 bits."""


class Paces:
    """The buckets of one pace; `clock` gives seconds."""

    def __init__(self, pace: Pace, clock: Callable[[], float]) -> None:
        self._pace = pace
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Give the seconds until a key has something left; 0 where it has."""
        left = self._left(key)
        return 0.0 if left >= 1 else (1 - left) / self._pace.rate

    def take(self, key: str) -> float:
        """Take one; gives 0, or the seconds until there is one, and then nothing is taken."""
        if wait := self.wait(key):
            return wait
        self._buckets[key] = (self._left(key) - 1, self._clock())
        self._buckets.move_to_end(key)
        if len(self._buckets) > MAX_KEYS:
            self._buckets.popitem(last=False)
        return 0.0

    def _left(self, key: str) -> float:
        left, at = self._buckets.get(key, (self._pace.burst, self._clock()))
        return min(self._pace.burst, left + (self._clock() - at) * self._pace.rate)
