"""Health checks made at times, with a mixing server that dials the room through the edge where one is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from hub.booking.healthcheck import Examiner
from hub.domain.healthcheck import Looked
from vdx.bus import BusError
from vdx.bus.kinds import Question
from vdx.nodes import Node
from vdx.probe import PROBE, Probe, Probed

MEDIA = "media"


class Asker(Protocol):
    """The bus (`vdx.bus.Bus`)."""

    async def ask(
        self, question: Question[Probe, Probed], record: Probe, about: str = "", seconds: float = ...
    ) -> Probed:
        """Ask a node to dial."""


class Caller:
    """Has the least booked mixing server call an address."""

    def __init__(self, bus: Asker, nodes: Mapping[str, Node]) -> None:
        self._bus = bus
        self._nodes = nodes

    async def dial(self, address: str) -> Looked | None:
        """Call `address`; None where there is no mixing server."""
        if not self._nodes:
            return None
        node = min(self._nodes.values(), key=lambda each: (each.booked, each.name))
        probe = Probe(address, name="Health check")
        try:
            heard = await self._bus.ask(PROBE, probe, node.name, probe.patience)
        except BusError as error:
            return Looked(MEDIA, well=False, message=f"{node.name}: {error}")
        message = "" if heard.healthy else f"{node.name}: {heard.status} {heard.why}".strip()
        return Looked(MEDIA, heard.healthy, message, heard.first_media)


class Schedule:
    """Makes a check every so many minutes."""

    def __init__(self, examiner: Examiner, minutes: int, now: Callable[[], datetime]) -> None:
        self._examiner = examiner
        self._every = timedelta(minutes=minutes)
        self._now = now
        self._next: datetime | None = None

    async def round(self) -> int:
        """Make a check if it is time; gives 0, as no other waits. Raises `AwayError`."""
        now = self._now()
        if self._next is None or not self._next - self._every <= now < self._next:
            self._next = now + self._every
            await self._examiner.check()
        return 0
