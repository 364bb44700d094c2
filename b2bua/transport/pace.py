"""When datagrams are read: each as it comes, or all that came in a short while. Pure: counts and times in.

What a network card does with its interrupts: a program that is woken for every datagram finds its caches cold each
time, which costs more than the datagram. So when many come it looks at a fixed interval, and does all it finds in one
go; when few come it reacts at once.
"""

from __future__ import annotations

from b2bua.transport.limits import BUSY_DATAGRAMS, PACE_SECONDS


class Pace:
    """Whether datagrams are many, by what came in the last whole window or has come in this one already."""

    def __init__(self) -> None:
        self.busy = False
        self._began = 0.0
        self._count = 0

    def came(self, count: int, now: float) -> None:
        """Note how many were read; where the pace is `busy`, also that there was none."""
        age = now - self._began
        if age >= PACE_SECONDS:
            self.busy = self._count >= BUSY_DATAGRAMS and age < 2 * PACE_SECONDS
            self._began, self._count = now, 0
        self._count += count
        if self._count >= BUSY_DATAGRAMS:
            self.busy = True
