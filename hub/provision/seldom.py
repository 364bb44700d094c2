"""Duties that are done at times: trials warned of, what is kept too long forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

EVERY = timedelta(minutes=10)
"""Between two times: warnings and lifetimes count in days."""


class Seldom:
    """Does a step once in `EVERY`, and again at once while there is more of it to do."""

    def __init__(self, step: Callable[[], Awaitable[int]], now: Callable[[], datetime]) -> None:
        self._step = step
        self._now = now
        self._next: datetime | None = None

    async def round(self) -> int:
        """Do the step if it is time; gives how much was done."""
        now = self._now()
        if self._next is not None and self._next - EVERY <= now < self._next:  # a clock set back does not stop it
            return 0
        done = await self._step()
        if not done:
            self._next = now + EVERY
        return done
