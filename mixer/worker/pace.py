"""How often something may be done: key pictures at most once a second, complaints every ten. Pure."""

from __future__ import annotations

INTERVAL = 1_000_000_000
"""Nanoseconds between two key pictures: each costs as much as ten others, and a flood of requests is an attack."""


class Gate:
    """Let requests through one at a time; one that was put off serves all who asked meanwhile. Times: nanoseconds."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._asked = False

    def ask(self) -> None:
        """Note that somebody wants one."""
        self._asked = True

    def due(self, now: int) -> bool:
        """Say whether one must be made now; it is then taken as made."""
        if not self._asked or (self._last is not None and now - self._last < INTERVAL):
            return False
        self._last = now
        self._asked = False
        return True


COMPLAINT_INTERVAL = 10_000_000_000
"""Nanoseconds between two complaints about what may fail with every picture or block of sound."""


class Complaint:
    """Say whether it is time to complain again; times are nanoseconds."""

    def __init__(self) -> None:
        self._last: int | None = None

    def due(self, now: int) -> bool:
        """Say whether to complain now; it is then taken as done."""
        if self._last is not None and now - self._last < COMPLAINT_INTERVAL:
            return False
        self._last = now
        return True
