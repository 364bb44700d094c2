"""Sources of a stream that have fallen silent for good. Pure.

The engine takes such a source away in the thread that notices, and breaks where a packet of it comes in that moment:
after a machine stood still, or a network was away, every stream of the room would be dead. So it is taken away here,
a while after it was noticed, and not if it has come back.
"""

from __future__ import annotations

PATIENCE = 3_000_000_000
"""Nanoseconds that packets which waited anywhere may take to come after all."""


class Absent:
    """Sources by number; `gone` and `came` are called in threads of the stream. Times: nanoseconds."""

    def __init__(self) -> None:
        self._since: dict[int, int] = {}

    def gone(self, source: int, now: int) -> None:
        """Note that nothing has come of a source for long."""
        self._since[source] = now

    def came(self, source: int) -> None:
        """Note that something came."""
        self._since.pop(source, None)

    def due(self, now: int) -> tuple[int, ...]:
        """Give those that are to be taken away now, once."""
        found = tuple(source for source, since in list(self._since.items()) if now - since >= PATIENCE)
        return tuple(source for source in found if self._since.pop(source, None) is not None)
