"""Statements about addresses: whose rooms have them, and under whose domains they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.model import Organisation
from hub.domain.owners import Address
from hub.domain.words import ProvisionStatus
from hub.store import rows
from hub.store.tables import organisations, rooms, templates

Owners = dict[str, int]
"""Dialled address to the number of its organisation."""


async def booked(connection: AsyncConnection, addresses: Sequence[Address]) -> Owners:
    """Find the organisations of rooms that are there and have these addresses."""
    statement = select(rooms.c.uri_without_domain, func.lower(rooms.c.uri_domain), rooms.c.organisation_id).where(
        rooms.c.uri_without_domain.in_({each.user for each in addresses}),
        rooms.c.status == int(ProvisionStatus.PROVISIONED_OK),
    )
    found = {(user, domain): number for user, domain, number in await connection.execute(statement)}
    return {each.dialled: found[each.user, each.domain] for each in addresses if (each.user, each.domain) in found}


async def domains(connection: AsyncConnection) -> dict[str, set[int]]:
    """Give the domains that organisations' own templates make rooms under."""
    columns = func.lower(templates.c.uri_domain), templates.c.organisation_id
    owned: dict[str, set[int]] = {}
    statement = select(*columns).where(templates.c.deleted_time.is_(None), columns[1].is_not(None)).distinct()
    for domain, number in await connection.execute(statement):
        owned.setdefault(domain, set()).add(number)
    return owned


async def by_ids(connection: AsyncConnection, numbers: Iterable[int]) -> dict[int, Organisation]:
    """Find organisations by their numbers."""
    statement = select(organisations).where(organisations.c.id.in_(set(numbers)))
    return {row["id"]: rows.organisation(row) for row in (await connection.execute(statement)).mappings()}
