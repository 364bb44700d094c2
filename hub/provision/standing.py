"""Rooms that are always there, put on the bus: whatever has changed at once, and everything once after the start.

Theory of operation. A room's `revision` counts its changes, `provided` is the revision that the bus has. A round puts
those that are apart, and writes down what it has put; a room that changed meanwhile stays apart. After the start all
are compared with the bus, page by page: it may have lost some while we were away.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from hub.domain.standing import StandingRoom
from hub.provision.reconciler import RoomRecords
from hub.provision.record import DEFAULT_PARTICIPANTS
from hub.store import standing as store
from hub.store.database import Database
from vdx.bus import Conflict
from vdx.rooms import MOST_PARTICIPANTS, Room, pin_digest

AT_ONCE = 200
"""Rooms of one round."""


def record(room: StandingRoom, key: bytes) -> Room:
    """Write a room as the record that mixing servers read. Where guests are not allowed their PIN is the hosts'."""
    ident = str(room.uuid)
    host = pin_digest(key, ident, _digits(room.host_pin))
    return Room(
        uuid=ident,
        aliases=room.aliases,
        name=room.name,
        host_pin=host,
        guest_pin=pin_digest(key, ident, _digits(room.guest_pin)) if room.allow_guests else host,
        most=min(room.max_participants or DEFAULT_PARTICIPANTS, MOST_PARTICIPANTS),
        klass=room.use.value,
        field=room.field.value if room.field else "",
        organisation=room.organisation[:64],
        host_view=room.host_view.value,
        guest_view=room.guest_view.value,
        quality=room.quality.value,
        theme=room.theme or "",
        language=room.language.value,
    )


class Standing:
    """Brings rooms that are always there in line with the database."""

    def __init__(self, database: Database, bucket: RoomRecords, key: bytes) -> None:
        self._database = database
        self._bucket = bucket
        self._key = key
        self._compared: UUID | None = None  # up to here, since the start
        self._all = False

    async def round(self) -> int:
        """Put what has changed; gives how many rooms were looked at. Raises `BusError`, `AwayError`."""
        async with self._database.read() as connection:
            found = await store.due(connection, AT_ONCE)
            page = [] if found or self._all else await store.page(connection, self._compared, AT_ONCE)
        for room in found:
            await self._bring(room)
            async with self._database.write() as connection:
                await store.provided(connection, room)
        for room in page:
            await self._bring(room)
            self._compared = room.uuid
        self._all = self._all or not (found or page)
        return len(found) + len(page)

    async def _bring(self, room: StandingRoom) -> None:
        ident = str(room.uuid)
        if room.deleted_time is not None:
            await self._bucket.delete(ident)
            return
        wanted = record(room, self._key)
        while True:
            found = await self._bucket.get(ident)
            try:
                if found is None:
                    await self._bucket.create(ident, wanted)
                elif (kept := msgspec.structs.replace(wanted, owner=found.record.owner)) != found.record:
                    await self._bucket.update(ident, kept, found.revision)
            except Conflict:  # a node has just entered itself
                continue
            return


def _digits(pin: int | None) -> str:
    return "" if pin is None else str(pin)
