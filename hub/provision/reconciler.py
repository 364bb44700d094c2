"""What is due is done: rooms put on the bus before they open, changed with their meeting, taken away after it.

Theory of operation. Nothing is remembered here: every round asks the database what should be and makes it so on the
bus, then writes the state back. Each step may be done twice, and a program that ends in between is taken up by the next
round. When the bus is away nothing changes its state; rounds go on, with pauses that grow.

    AWAITS_PROVISION, due      record put                      PROVISIONED_OK
    PROVISIONED_OK, changed    record put again                (its outbox entry says so)
    PROVISIONED_OK, over       ended with its meeting: record taken away, DEPROVISION_OK
                               else STARTING_TO_DEPROVISION, and DEPROVISION_OK when no node holds it any more
    *_PROBLEMS                 tried again after a pause
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import rooms as work
from hub.booking.office import Office
from hub.domain.model import Caller, SchedulingInfo
from hub.domain.words import ProvisionStatus as S
from hub.domain.words import Role
from hub.errors import HubError
from hub.provision.record import record
from hub.store import rooms
from hub.store.database import Database
from vdx.bus import BusError, Conflict, Versioned
from vdx.rooms import Room

AT_ONCE = 200
"""Rooms of one round: the full hour of a large region has a thousand, and each takes a round trip to the bus."""

LINGER = timedelta(hours=8)
"""How long people may stay in a room after its meeting, where the booking does not end it."""

PROBLEM_PAUSE = timedelta(seconds=30)
"""Until a room that could not be made or removed is tried again."""

log = logging.getLogger("hub.provision")


class RoomRecords(Protocol):
    """The bucket of rooms on the bus (`vdx.bus.Bucket`)."""

    async def get(self, key: str) -> Versioned[Room] | None:
        """Give a record."""

    async def create(self, key: str, record: Room) -> int:
        """Write a record where there is none."""

    async def update(self, key: str, record: Room, revision: int) -> int:
        """Write a record in place of a known one."""

    async def delete(self, key: str, revision: int | None = None) -> None:
        """Take a record away."""


class Reconciler:
    """Brings rooms on the bus in line with the database."""

    def __init__(self, database: Database, office: Office, bucket: RoomRecords, key: bytes) -> None:
        self._database = database
        self._office = office
        self._bucket = bucket
        self._key = key

    async def round(self) -> int:
        """Do what is due; gives how many rooms changed their state. Raises `BusError`, `AwayError`."""
        now, ours = self._office.now(), self._office.ours()
        async with self._database.read() as connection:
            due = await rooms.to_provision(connection, ours, now)
            due += await rooms.in_status(connection, ours, S.AWAITS_PROVISION, pooled=True, most=AT_ONCE)
            over = await rooms.to_deprovision(connection, ours, now)
            over += await rooms.in_status(connection, ours, S.STARTING_TO_DEPROVISION, most=AT_ONCE)
            failed = await rooms.in_status(connection, ours, S.PROVISION_PROBLEMS, S.DEPROVISION_PROBLEMS, most=AT_ONCE)
        again = [
            room for room in failed if room.provision_timestamp and room.provision_timestamp + PROBLEM_PAUSE <= now
        ]
        due += [room for room in again if room.status is S.PROVISION_PROBLEMS]
        over += [room for room in again if room.status is S.DEPROVISION_PROBLEMS]
        changed = [await self._try(self._provide, room, S.PROVISION_PROBLEMS) for room in due[:AT_ONCE]]
        changed += [await self._try(self._remove, room, S.DEPROVISION_PROBLEMS) for room in over[:AT_ONCE]]
        return sum(changed)

    async def follow(self, number: int) -> None:
        """Put a room that is on the bus there again, as it is now; raises `BusError`, `AwayError`."""
        async with self._database.read() as connection:
            room = await rooms.by_id(connection, number)
        if room is not None and room.status is S.PROVISIONED_OK and room.provision_vmr_id:
            await self._put(room, room.provision_vmr_id)

    async def _try(self, step: Callable[[SchedulingInfo], Awaitable[bool]], room: SchedulingInfo, problem: S) -> bool:
        try:
            return await step(room)
        except (BusError, HubError):
            raise
        except ValueError as error:  # this one room cannot be; the others can
            log.warning("room.refused uuid=%s: %s", room.uuid, error)
            await self._report(room, problem, description=str(error)[:200])
            return True

    async def _provide(self, room: SchedulingInfo) -> bool:
        ident = room.provision_vmr_id or str(room.uuid)
        await self._put(room, ident)
        return await self._report(room, S.PROVISIONED_OK, vmr_id=ident)

    async def _put(self, room: SchedulingInfo, ident: str) -> None:
        wanted = record(room, ident, self._key)
        while True:
            found = await self._bucket.get(ident)
            try:
                if found is None:
                    await self._bucket.create(ident, wanted)
                elif (kept := _kept(wanted, found.record)) != found.record:
                    await self._bucket.update(ident, kept, found.revision)
            except Conflict:  # a node has just entered itself
                continue
            return

    async def _remove(self, room: SchedulingInfo) -> bool:
        ident = room.provision_vmr_id or str(room.uuid)
        meeting = room.meeting
        lingers = meeting is not None and not room.end_meeting_on_end_time
        over = meeting is None or meeting.end_time + LINGER <= self._office.now()
        if lingers and not over:
            found = await self._bucket.get(ident)
            if found is not None and found.record.owner:
                if room.status is S.STARTING_TO_DEPROVISION:
                    return False
                return await self._report(room, S.STARTING_TO_DEPROVISION)
        await self._bucket.delete(ident)
        return await self._report(room, S.DEPROVISION_OK)

    async def _report(
        self, room: SchedulingInfo, status: S, description: str | None = None, vmr_id: str | None = None
    ) -> bool:
        """Write a state back, unless the room has changed its state meanwhile."""

        async def write(connection: AsyncConnection) -> bool:
            current = await rooms.by_id(connection, room.id, lock=True)
            if current is None or current.status is not room.status:
                return False
            await work.reported(connection, self._office, OURSELVES, current, status, description, vmr_id)
            return True

        return await self._database.retry(write)


OURSELVES = Caller(None, "hub", frozenset({Role.PROVISIONER_USER}))
"""Who reports on rooms that we make ourselves."""


def _kept(wanted: Room, found: Room) -> Room:
    """Give the wanted record with what the node that holds the room has written into it."""
    return msgspec.structs.replace(wanted, owner=found.owner)
