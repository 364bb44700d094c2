"""Servers that were dead a moment ago are tried last (RFC 3263 4.3 and RFC 3261 21.5.4 ask for it)."""

from __future__ import annotations

from collections.abc import Hashable

COOL_DOWN = 60.0
"""Seconds: a failover costs a caller up to 32 s where a server is silent, so it is not paid for each call again."""

MAX_DEAD = 10_000
"""Places remembered; the oldest is forgotten."""


class Cooldown:
    """Which places failed, and until when they are left in peace; times in seconds."""

    def __init__(self) -> None:
        self._until: dict[Hashable, float] = {}

    def failed(self, place: Hashable, now: float, seconds: float = COOL_DOWN) -> None:
        """Note a failure; `seconds` where the server says itself when it will be back."""
        self._until.pop(place, None)
        if len(self._until) >= MAX_DEAD:
            self._until.pop(next(iter(self._until)))
        self._until[place] = now + min(seconds, COOL_DOWN)

    def alive(self, place: Hashable) -> None:
        """Note that it answered."""
        self._until.pop(place, None)

    def dead(self, place: Hashable, now: float) -> bool:
        """Tell whether a place is to be left in peace."""
        until = self._until.get(place)
        if until is None:
            return False
        if until <= now:
            del self._until[place]
            return False
        return True

    def __len__(self) -> int:
        """Count the places that failed lately."""
        return len(self._until)
