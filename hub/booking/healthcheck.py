"""The hub looked at from outside: a meeting made, its room waited for and dialled, and the meeting ended; all timed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from hub.booking import meetings
from hub.booking.office import Office
from hub.booking.surroundings import Step
from hub.domain.booking import Booking
from hub.domain.healthcheck import PROJECT, Check, Looked
from hub.domain.model import Caller, SchedulingInfo
from hub.domain.words import ProvisionStatus, Role
from hub.errors import HubError
from hub.settings import HealthCheck
from hub.store import healthcheck as store
from hub.store import rooms
from hub.store.database import Database

POLL_SECONDS = 0.5

Dial = Callable[[str], Awaitable[Looked | None]]
"""Calls an address as a participant would; None where nobody is there who could."""


@dataclass(slots=True)
class Examiner:
    """Makes health checks; `dial` None: rooms are not called. `beside`: looks at what the hub leans on, by name."""

    database: Database
    office: Office
    settings: HealthCheck
    dial: Dial | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    beside: Mapping[str, Step] = field(default_factory=dict)
    _parts: list[Looked] = field(default_factory=list)

    async def check(self) -> Check:
        """Make one check and write it down; raises `AwayError` where even that cannot be done."""
        self._parts = []
        began = self.office.now()
        settings = self.settings
        caller = Caller(settings.organisation, settings.email, frozenset({Role.PLANNER}))
        wanted = Booking("Health check", began, began + timedelta(hours=1), project_code=PROJECT)
        made: UUID | None = None

        async def book() -> str:
            nonlocal made
            made = (await meetings.create(self.database, self.office, caller, wanted)).uuid
            return ""

        async def end(uuid: UUID) -> str:
            change = meetings.Change({"end_time": self.office.now()})
            await self.database.retry(lambda connection: meetings.change(connection, self.office, caller, uuid, change))
            return ""

        await self._look("booking", book)
        if made is not None:
            await self._look("provisioning", lambda uuid=made: self._provided(uuid))  # type: ignore[misc]
            if self._parts[-1].well and self.dial is not None:
                await self._called(made, self.dial)
            await self._look("ending", lambda uuid=made: end(uuid))  # type: ignore[misc]
        for name, step in self.beside.items():
            await self._look(name, step)
        check = Check(began, made, tuple(self._parts))
        async with self.database.write() as connection:
            await store.add(connection, check)
        return check

    async def _look(self, name: str, step: Step) -> None:
        began = self.clock()
        try:
            message = await step()
        except HubError as error:
            self._parts.append(Looked(name, well=False, message=str(error)))
        else:
            self._parts.append(Looked(name, not message, message, self.clock() - began))

    async def _provided(self, uuid: UUID) -> str:
        ends = self.clock() + self.settings.patience_seconds
        while (room := await self._room(uuid)) is not None and room.status is not ProvisionStatus.PROVISIONED_OK:
            if self.clock() >= ends:
                return f"the room was {room.status.name} after {self.settings.patience_seconds} s"
            await self.sleep(POLL_SECONDS)
        return "" if room else "the meeting has no room"

    async def _called(self, uuid: UUID, dial: Dial) -> None:
        room = await self._room(uuid)
        called = await dial(room.uri_with_domain) if room and room.uri_with_domain else None
        if called is not None:
            self._parts.append(called)

    async def _room(self, uuid: UUID) -> SchedulingInfo | None:
        async with self.database.read() as connection:
            return await rooms.by_uuid(connection, uuid)
