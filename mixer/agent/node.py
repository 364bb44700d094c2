"""This server's place on the bus: its record with a lease, the rooms it holds, orders from afar.

A room is claimed by writing this node's name into its record, with compare-and-set: of two servers that are called for
one room at once, one holds it, and the other says so. Without a bus, or while it is away, a server goes on alone with
what it last knew.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from mixer.agent.config import Config
from mixer.agent.directory import Directory
from vdx.bus import Address, Answering, Bucket, Bus, BusDown, BusError, Conflict, Gone, Lease, Outbox, Put, Watch
from vdx.bus.replica import Change
from vdx.journal import fields
from vdx.meetings import STEER, Steer, Steered
from vdx.nodes import NODE_LEASE, NODE_RENEWAL, NODES, Node
from vdx.probe import PROBE, Probe, Probed
from vdx.quality import QUALITY, QualityReport
from vdx.rooms import ROOMS, Room

log = logging.getLogger("mixer.node")

Facts = Callable[[], tuple[int, int, int, bool]]
"""Capacity and use in twelfths of a port, running rooms, and whether the server drains."""


class Alone:
    """A server without a bus: every room is its own."""

    state = "none"

    async def claim(self, room: Room) -> str:
        """Take a room."""
        del room
        return ""

    def release(self, uuid: str) -> None:
        """Let go of a room."""

    def report(self, report: QualityReport) -> None:
        """Tell nobody."""


class Membership:
    """A server on the bus; `run` is its task."""

    def __init__(self, config: Config, directory: Directory) -> None:
        assert config.bus is not None  # noqa: S101 - whoever has no bus takes `Alone`
        self.room_changed: Callable[[Room], None] = lambda _: None
        self.room_gone: Callable[[str], None] = lambda _: None
        self._config = config
        self._directory = directory
        bus = config.bus
        self.bus = Bus(Address(bus.servers, config.name, bus.credentials, bus.trust))
        state = Path(config.state_dir)
        self._rooms = Watch(ROOMS, state, self._heard)
        self._nodes = Watch(NODES, state)
        self._bucket = Bucket(self.bus, ROOMS)
        self._lease = Lease(Bucket(self.bus, NODES), config.name, NODE_LEASE)
        self._holder = secrets.token_hex(8)
        self._releasing: set[asyncio.Task[None]] = set()
        for room in self._rooms.records.values():  # as they were when this server last ran
            directory.put(room)
        self.bus.add(self._rooms)
        self.bus.add(self._nodes)
        self._reports = Outbox(self.bus, QUALITY)
        self.bus.add(self._reports)

    def answer(self, steer: Callable[[Steer], Awaitable[Steered]], probe: Callable[[Probe], Awaitable[Probed]]) -> None:
        """Let `steer` answer orders about this server, and `probe` make the calls that the hub asks for."""
        self.bus.add(Answering(STEER, steer, self._config.name))
        self.bus.add(Answering(PROBE, probe, self._config.name))

    def report(self, report: QualityReport) -> None:
        """Tell how the media of a participation was."""
        self._reports.post(f"{report.node}.{report.participant}.{report.began:.3f}", report)

    @property
    def state(self) -> str:
        """How the bus does, in a word."""
        return "connected" if self.bus.connected else "apart"

    async def claim(self, room: Room) -> str:
        """Take a room; gives "" where it is ours, or the name of the server that holds it."""
        name = self._config.name
        known = self._rooms.records.get(room.uuid)
        if known is None:  # a room of a file beside the bus
            return ""
        for _ in range(2):
            if known.owner == name:
                return ""
            if known.owner and known.owner in self._nodes.records:
                return known.owner
            try:
                found = await self._bucket.get(room.uuid)
                if found is None:
                    return ""
                known = found.record
                if not known.owner or known.owner not in self._nodes.records:
                    await self._bucket.update(room.uuid, msgspec.structs.replace(known, owner=name), found.revision)
                    return ""
            except Conflict:
                continue
            except BusError as error:
                log.warning("room.unclaimed: %s; it is held all the same", error, extra=fields(room=room.uuid))
                return ""
        return known.owner if known.owner != name else ""

    def release(self, uuid: str) -> None:
        """Let go of a room that has ended."""
        task = asyncio.create_task(self._release(uuid))
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)

    async def _release(self, uuid: str) -> None:
        try:
            found = await self._bucket.get(uuid)
            if found is not None and found.record.owner == self._config.name:
                free = msgspec.structs.replace(found.record, owner="")
                await self._bucket.update(uuid, free, found.revision)
        except BusError as error:
            log.info("room.unreleased: %s", error, extra=fields(room=uuid))

    async def run(self, facts: Facts) -> None:
        """Hold the connection and renew the record, until cancelled; then the record is taken back."""
        holding = asyncio.create_task(self.bus.run(), name="bus")
        try:
            while True:
                try:
                    await self._lease.renew(self._record(facts))
                except BusDown:
                    pass
                except BusError as error:
                    log.warning("node.unannounced: %s", error)
                done, _ = await asyncio.wait({holding}, timeout=NODE_RENEWAL if self.bus.connected else 0.25)
                for task in done:
                    task.result()
        finally:
            try:
                await self._lease.release()
            except BusError as error:
                log.info("node.unreleased: %s", error)
            holding.cancel()
            await asyncio.gather(holding, *self._releasing, return_exceptions=True)

    def _record(self, facts: Facts) -> Node:
        capacity, used, rooms, draining = facts()
        sip = self._config.sip[0]
        return Node(
            name=self._config.name,
            holder=self._holder,
            address=sip.address,
            port=sip.port,
            transport=sip.transport,
            site=self._config.site,
            capacity=capacity,
            used=used,
            load=os.getloadavg()[0] / (os.cpu_count() or 1),
            draining=draining,
            rooms=rooms,
        )

    def _heard(self, change: Change[Room]) -> None:
        if isinstance(change, Put):
            self._directory.put(change.record)
            self.room_changed(change.record)
        elif isinstance(change, Gone):
            self._directory.drop(change.record.uuid)
            self.room_gone(change.record.uuid)
