"""What the bus hears of calls that go on: which of them hold ports, and which were refused.

Both are gathered: a part of the connection each (`vdx.bus.Bus.add`), which looks every few seconds and never keeps a
call waiting.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping

from nats.aio.client import Client

from b2bua.call.holding import Holding
from b2bua.going import Refused
from vdx import ports
from vdx.bus import Bucket, Bus, BusError, Outbox
from vdx.nodes import Node
from vdx.placed import CALL_LEASE, CALL_RENEWAL, CALLS, PUBLISH_SECONDS, PlacedCall, PlacedCalls, pages
from vdx.refusals import ADMISSIONS, GATHER_SECONDS, AdmissionReport, Refusals
from vdx.rooms import Room

log = logging.getLogger("bus")


def placed(held: Iterable[Holding], rooms: Mapping[str, Room], nodes: Mapping[str, Node]) -> list[PlacedCall]:
    """Say what calls take, by the quality of their room: of HD where it is not known."""
    names = {node.address: node.name for node in nodes.values()}
    found = []
    for one in held:
        room = rooms.get(one.room)
        quality: ports.Quality = room.quality if room is not None else "hd"
        found.append(
            PlacedCall(
                call=one.call,
                since=one.since,
                room=one.room,
                node=names.get(one.address, ""),
                twelfths=ports.cost(quality if one.video else "audio"),
            )
        )
    return found


class Placing:
    """Writes the edge's pages of the bucket `calls`."""

    def __init__(self, bus: Bus, calls: Callable[[], list[PlacedCall]]) -> None:
        self._edge = bus.address.name
        self._bucket = Bucket(bus, CALLS)
        self._calls = calls
        self._written: dict[str, tuple[PlacedCalls, float]] = {}

    async def follow(self, client: Client) -> None:
        """Write what has changed, and all from time to time, for as long as the connection stands."""
        del client
        self._written.clear()  # somebody may have been told by a server that is gone
        while True:
            try:
                await self._tell(time.monotonic())
            except BusError as error:
                log.warning("calls.untold: %s", error)
            await asyncio.sleep(PUBLISH_SECONDS)

    async def _tell(self, now: float) -> None:
        fresh = pages(self._edge, self._calls())
        for key, page in fresh.items():
            before = self._written.get(key)
            if before is None or before[0] != page or now - before[1] >= CALL_RENEWAL:
                await self._bucket.put(key, page, CALL_LEASE)
                self._written[key] = page, now
        for key in [key for key in self._written if key not in fresh]:
            await self._bucket.delete(key)
            del self._written[key]


class Refusing:
    """Sends what was refused to the stream `admissions`."""

    def __init__(self, bus: Bus, refused: Callable[[], Refused], wall: Callable[[], float] = time.time) -> None:
        self.outbox = Outbox(bus, ADMISSIONS)
        self._edge = bus.address.name
        self._refused = refused
        self._wall = wall

    async def follow(self, client: Client) -> None:
        """Look every GATHER_SECONDS for as long as the connection stands; what was refused meanwhile waits."""
        del client
        while True:
            self._look()
            await asyncio.sleep(GATHER_SECONDS)

    def _look(self) -> None:
        refused = self._refused()
        if refused:
            kinds = tuple(Refusals(*what, count) for what, count in sorted(refused.items()))
            report = AdmissionReport(self._wall(), kinds)
            self.outbox.post(f"{self._edge}.{secrets.token_hex(8)}", report)
