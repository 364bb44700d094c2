"""Lock-outs: who has entered wrong PINs, or numbers, too often. One for all rooms of a server. Pure.

Counted are wrong entries of one source, and of all sources of its domain together: whoever varies the user part gains
little, and a hospital whose people mistype is not shut out by one of them.
"""

from __future__ import annotations

from collections import OrderedDict, deque

WINDOW = 1800.0
"""Seconds that a wrong entry is remembered, and a lock-out lasts at most: time enough to ask for the right PIN."""

FROM_ONE = 6
"""Wrong entries of one source in the window: two calls with three tries each, 288 tries a day. Every lock-out is
logged, so that a night of guessing among 9,000 PINs is seen in the morning."""

FROM_DOMAIN = 60
"""Wrong entries of one domain: a large institution at the full hour has some."""

MAX_SOURCES = 10_000
"""Sources remembered; the ones that were wrong longest ago are forgotten first."""


class Guard:
    """Wrong entries by source, an address such as `room7@hospital.example`."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def wrong(self, source: str, now: float) -> None:
        """Note a wrong entry."""
        for key in _keys(source):
            times = self._wrong.setdefault(key, deque(maxlen=FROM_DOMAIN))
            times.append(now)
            self._wrong.move_to_end(key)
        while len(self._wrong) > MAX_SOURCES:
            self._wrong.popitem(last=False)

    def locked(self, source: str, now: float) -> bool:
        """Tell whether this source has to wait."""
        one, domain = _keys(source)
        return self._count(one, now) >= FROM_ONE or self._count(domain, now) >= FROM_DOMAIN

    def _count(self, key: str, now: float) -> int:
        times = self._wrong.get(key)
        if times is None:
            return 0
        while times and times[0] <= now - WINDOW:
            times.popleft()
        if not times:
            del self._wrong[key]
        return len(times)


def _keys(source: str) -> tuple[str, str]:
    source = source.casefold()
    return source, f"@{source.rpartition('@')[2]}"
