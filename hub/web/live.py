"""How many are in a room now, as the edges tell on the bus."""

from __future__ import annotations

from uuid import UUID

from vdx.bus import Watch
from vdx.placed import PlacedCalls


class Presence:
    """Counts the calls into a room."""

    def __init__(self, calls: Watch[PlacedCalls]) -> None:
        self._calls = calls

    def count(self, room: UUID) -> int | None:
        """Give how many calls are in a room; None while the bus cannot say."""
        if not self._calls.synced:
            return None
        ident = str(room)
        return sum(call.room == ident for page in self._calls.records.values() for call in page.calls)
