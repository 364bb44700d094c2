"""Pools kept full: all that is missing at once, and what is too much taken away."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import rooms as work
from hub.booking import templates as template_work
from hub.booking.office import Office
from hub.domain.model import Organisation
from hub.domain.words import ProvisionStatus
from hub.store import classes, organisations, rooms, templates
from hub.store.database import Database

MAX_POOL = 500
"""Rooms of one pool: numbers and records are finite, whatever is configured."""


class Pools:
    """Fills the pools of organisations whose rooms we make."""

    def __init__(self, database: Database, office: Office) -> None:
        self._database = database
        self._office = office

    async def round(self) -> int:
        """Make what is missing and let go what is too much; gives how many rooms. Raises `AwayError`."""
        async with self._database.read() as connection:
            pooled = await organisations.pooled(connection)
        outside = set(self._office.settings.provisioning.outside)
        return sum([await self._fill(each) for each in pooled if each.code not in outside])

    async def _fill(self, organisation: Organisation) -> int:
        async def work_(connection: AsyncConnection) -> int:
            await organisations.lock(connection, organisation)
            free = await rooms.free(connection, [organisation.code])
            missing = min(organisation.pool_size or 0, MAX_POOL) - len(free)
            if missing > 0:
                template = await templates.pool(connection, organisation)
                if template is None:
                    levels = await classes.levels(connection, organisation.code)
                    template = await template_work.choose(connection, self._office, levels, None)
                for _ in range(missing):
                    await work.make_for_pool(connection, self._office, organisation, template, None)
            surplus = free[missing:] if missing < 0 else []
            for room in surplus:
                await self._let_go(connection, room.id)
            return max(missing, 0) + len(surplus)

        return await self._database.retry(work_, work.AGAIN)

    async def _let_go(self, connection: AsyncConnection, number: int) -> None:
        room = await rooms.by_id(connection, number, lock=True)
        if room is None or room.meeting is not None or room.reservation_id is not None:
            return  # somebody has just taken it
        if room.status is ProvisionStatus.AWAITS_PROVISION:
            await rooms.remove(connection, room.id)
            return
        status = ProvisionStatus.STARTING_TO_DEPROVISION
        await rooms.change(connection, replace(room, status=status, provision_timestamp=self._office.now()))
