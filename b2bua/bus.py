"""The bus as `b2bua` uses it: rooms and mixing servers kept in memory, and the records of ended calls sent on.

Theory of operation. Each site version says where the bus is. What it says is prepared with the last known state from
disk, so calls are routed whether the bus is there or not; `run` holds the connection. No call waits for anything here.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from b2bua.backlog import Backlog, Past
from b2bua.call.rooms import BusRooms
from b2bua.placing import Going, Placing, Refusing, placed
from b2bua.vault import VaultError, path_of, read
from vdx.bus import Address, Bus, Change, Gone, Happening, Outbox, Put, Watch
from vdx.dialplan import RoomBus
from vdx.nodes import NODES, Node
from vdx.placed import PlacedCall
from vdx.record import CallRecord
from vdx.rooms import ROOMS, Aliases, Room

RECORDS: Happening[CallRecord] = Happening("records", CallRecord)


class _Link:
    """One place on the bus, and what is known from there."""

    def __init__(self, told: RoomBus, folder: Path | None, past: Past, going: Going) -> None:
        trust = Path(told.trust) if told.trust else None
        address = Address(told.servers, told.name, path_of(told.secrets), trust, told.server_name or None)
        self.told = told
        self.bus = Bus(address)
        self.watched = Watch(ROOMS, folder, self._room)
        self.nodes: Watch[Node] = Watch(NODES, folder)
        self.outbox = Outbox(self.bus, RECORDS, self._sent)
        self._going = going
        refusing = Refusing(self.bus, going.refused)
        placing = Placing(self.bus, self._placed)
        self.rooms = BusRooms(Aliases(self.watched.records.values()), self.nodes.records, self._age)
        for part in (self.watched, self.nodes, self.outbox, placing, refusing, refusing.outbox):
            self.bus.add(part)
        self.backlog = Backlog(folder / "records.mark", past, self.outbox, self.ident) if folder else None
        if self.backlog is not None:
            self.bus.add(self.backlog)

    def ident(self, record: CallRecord) -> str:
        """Name a record among those of all edges."""
        return f"{self.told.name}.{record.call}"

    def _sent(self, record: CallRecord) -> None:
        if self.backlog is not None:
            self.backlog.sent(record)

    def _placed(self) -> list[PlacedCall]:
        return placed(self._going.held(), self.watched.records, self.nodes.records)

    def _room(self, change: Change[Room]) -> None:
        if isinstance(change, Put):
            self.rooms.aliases.put(change.record)
        elif isinstance(change, Gone):
            self.rooms.aliases.drop(change.record.uuid)

    def _age(self) -> float | None:
        ages = (self.watched.age, self.nodes.age)
        return None if None in ages else max(age for age in ages if age is not None)


class RoomLink:
    """The way to the bus, by the active site version; `folder` holds the last known state, None: nowhere.

    `past` reads records that are on disk; `going` tells of the calls that go on.
    """

    def __init__(self, folder: Path | None, past: Past, going: Going) -> None:
        self._going = going
        self._folder = folder
        self._past = past
        self._link: _Link | None = None
        self._prepared: _Link | None = None
        self._changed = asyncio.Event()

    def prepare(self, told: RoomBus | None) -> tuple[BusRooms | None, tuple[str, ...]]:
        """Take in what a version says: its rooms, and what stands against it, one sentence each."""
        self._prepared = None
        if told is None:
            return None, ()
        if self._link is not None and self._link.told == told:
            self._prepared = self._link
            return self._link.rooms, ()
        try:
            read(told.secrets)
            self._prepared = _Link(told, self._folder, self._past, self._going)
        except VaultError as error:
            return None, (str(error),)
        return self._prepared.rooms, ()

    def activate(self) -> None:
        """Follow what was prepared."""
        if self._link is not self._prepared:
            self._link = self._prepared
            self._changed.set()

    def keep(self, record: CallRecord) -> None:
        """Send the record of an ended call to the hub; the same call twice is one."""
        if self._link is not None:
            self._link.outbox.post(self._link.ident(record), record)

    async def run(self) -> None:
        """Hold the connection that the active version asks for, until cancelled."""
        while True:
            self._changed.clear()
            changed = asyncio.create_task(self._changed.wait())
            link = self._link
            running = asyncio.create_task(link.bus.run()) if link is not None else None
            try:
                await asyncio.wait({changed, running} if running else {changed}, return_when=asyncio.FIRST_COMPLETED)
                if running is not None and running.done():
                    running.result()
            finally:
                tasks = [task for task in (changed, running) if task is not None]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                if link is not None and link.backlog is not None:
                    link.backlog.close()

    def facts(self) -> dict[str, str | int | float]:
        """Give how the bus is, for the status."""
        if (link := self._link) is None:
            return {}
        age = link.rooms.age()
        known = "nothing known yet" if age is None else "connected" if age == 0 else f"away, known {age:.0f} s ago"
        return {
            "bus": known,
            "rooms": len(link.watched.records),
            "mixing servers": len(link.nodes.records),
            "records waiting for the bus": len(link.outbox),
            "records lost to the bus": link.outbox.lost,
        }
