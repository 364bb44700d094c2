"""The bus as `b2bua` uses it: rooms and mixing servers kept in memory, and the records of ended calls sent on.

Theory of operation. Each site version says where the bus is. What it says is prepared with the last known state from
disk, so calls are routed whether the bus is there or not; `run` holds the connection. No call waits for anything here.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from b2bua.call.rooms import BusRooms
from b2bua.going import Going
from b2bua.vault import VaultError, read
from vdx.dialplan import RoomBus
from vdx.record import CallRecord

if TYPE_CHECKING:
    from b2bua.backlog import Past
    from b2bua.link import Link


class RoomLink:
    """The way to the bus, by the active site version; `folder` holds the last known state, None: nowhere.

    `past` reads records that are on disk; `going` tells of the calls that go on.
    """

    def __init__(self, folder: Path | None, past: Past, going: Going) -> None:
        self._going = going
        self._folder = folder
        self._past = past
        self._link: Link | None = None
        self._prepared: Link | None = None
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
            from b2bua.link import Link  # noqa: PLC0415 - dear, and an appliance alone has no bus

            self._prepared = Link(told, self._folder, self._past, self._going)
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
