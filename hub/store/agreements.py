"""Statements about agreements: whose rooms a provider may handle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.model import Organisation
from hub.store.tables import agreements as table
from hub.store.tables import organisations


@dataclass(frozen=True, slots=True)
class Agreement:
    """A provider may handle the rooms of an organisation and all below it, from `begins` to before `ends`.

    `provider` is the code of the organisation in the provider's tokens.
    """

    id: int
    provider: str
    organisation: str
    begins: datetime
    ends: datetime

    def holds(self, now: datetime) -> bool:
        """Tell whether it counts now."""
        return self.begins <= now < self.ends


async def add(connection: AsyncConnection, agreement: Agreement, organisation: Organisation) -> int:
    """Add an agreement, whose `id` is ignored; gives its number."""
    values = {
        "provider": agreement.provider,
        "organisation_id": organisation.id,
        "begins": agreement.begins,
        "ends": agreement.ends,
    }
    return int((await connection.execute(insert(table).values(values).returning(table.c.id))).scalar_one())


async def end(connection: AsyncConnection, number: int, now: datetime) -> None:
    """Let an agreement end now, or before it begins."""
    await connection.execute(update(table).where(table.c.id == number, table.c.ends > now).values(ends=now))


async def by_id(connection: AsyncConnection, number: int) -> Agreement | None:
    """Find an agreement."""
    found = await _read(connection, _select().where(table.c.id == number))
    return found[0] if found else None


async def of_provider(connection: AsyncConnection, provider: str) -> list[Agreement]:
    """List the agreements of a provider, also those that don't hold now."""
    return await _read(connection, _select().where(table.c.provider == provider))


async def of_organisations(connection: AsyncConnection, codes: Sequence[str]) -> list[Agreement]:
    """List the agreements that organisations have."""
    return await _read(connection, _select().where(organisations.c.code.in_(codes)))


def _select() -> Select[int, str, str, datetime, datetime]:
    columns = table.c.id, table.c.provider, organisations.c.code, table.c.begins, table.c.ends
    return select(*columns).join(organisations, table.c.organisation_id == organisations.c.id).order_by(table.c.id)


async def _read(connection: AsyncConnection, statement: Select[int, str, str, datetime, datetime]) -> list[Agreement]:
    found = await connection.execute(statement)
    return [Agreement(number, provider, code, begins, ends) for number, provider, code, begins, ends in found]
