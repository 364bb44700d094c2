"""What happened, told on the bus: the outbox emptied in order, each entry at least once, with an id of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from sqlalchemy import delete, select

from hub.booking import events
from hub.store.database import Database
from hub.store.tables import outbox

AT_ONCE = 200
"""Entries of one round."""


class Writer(Protocol):
    """The bus (`vdx.bus.Bus`)."""

    async def write(self, subject: str, data: bytes, headers: dict[str, str] | None = None) -> object:
        """Store a message."""


class Relay:
    """Tells what the outbox holds; `follow` puts a room that has changed on the bus anew, before it is told of."""

    def __init__(self, database: Database, bus: Writer, name: str, follow: Callable[[int], Awaitable[None]]) -> None:
        self._database = database
        self._bus = bus
        self._name = name
        self._follow = follow

    async def round(self) -> int:
        """Tell what waits; gives how many. Raises `BusError`, `AwayError`; what was told before is not told again."""
        async with self._database.read() as connection:
            ready = (outbox.c.subject != events.AUDIT_SUBJECT) | outbox.c.chained  # the journal comes first
            statement = select(outbox).where(ready).order_by(outbox.c.id).limit(AT_ONCE)
            waiting = list((await connection.execute(statement)).mappings())
        told: list[int] = []
        try:
            for entry in waiting:
                await self._tell(entry["id"], entry["subject"], entry["message"])
                told.append(entry["id"])
        finally:
            if told:
                async with self._database.write() as connection:
                    await connection.execute(delete(outbox).where(outbox.c.id.in_(told)))
        return len(told)

    async def _tell(self, number: int, subject: str, message: dict[str, Any]) -> None:
        if subject == events.ROOM_SUBJECT and message["event"] == "UPDATE":
            await self._follow(message["id"])
        headers = {"Nats-Msg-Id": f"{self._name}-{number}"}
        await self._bus.write(f"vdx.{subject}.{self._name}", msgspec.json.encode(message), headers)
