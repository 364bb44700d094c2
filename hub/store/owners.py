"""Statements about addresses: whose rooms have them, and under whose domains they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.model import Organisation
from hub.domain.owners import Address
from hub.domain.words import ProvisionStatus
from hub.store import rows
from hub.store.standing_tables import aliases, standing_rooms, systems
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


async def standing(
    connection: AsyncConnection, addresses: Sequence[Address], ours: AbstractSet[str]
) -> tuple[Owners, Owners]:
    """Find the organisations of rooms that are always there, and of room systems.

    They are dialled by what stands before the @, under every domain of `ours`, the room's own, or none.
    """
    users = {each.user.lower() for each in addresses}
    columns = aliases.c.alias, func.lower(standing_rooms.c.domain), standing_rooms.c.organisation_id
    statement = select(*columns).join(standing_rooms, aliases.c.room_uuid == standing_rooms.c.uuid)
    there = statement.where(columns[0].in_(users), standing_rooms.c.deleted_time.is_(None))
    rooms_ = {alias: (domain, number) for alias, domain, number in await connection.execute(there)}
    registered = select(systems.c.alias, systems.c.organisation_id).where(systems.c.alias.in_(users))
    systems_ = {alias: ("", number) for alias, number in await connection.execute(registered)}

    def owners(known: Mapping[str, tuple[str, int]]) -> Owners:
        found = {
            each.dialled: (each.domain, *known[each.user.lower()]) for each in addresses if each.user.lower() in known
        }
        return {dialled: number for dialled, (domain, own, number) in found.items() if domain in {"", own} | ours}

    return owners(rooms_), owners(systems_)


async def domains(connection: AsyncConnection) -> dict[str, set[int]]:
    """Give the domains that rooms are made under, and whose templates say so; nobody's for those that all share."""
    columns = func.lower(templates.c.uri_domain), templates.c.organisation_id
    owned: dict[str, set[int]] = {}
    for domain, number in await connection.execute(select(*columns).where(templates.c.deleted_time.is_(None))):
        owned.setdefault(domain, set()).update(() if number is None else (number,))
    return owned


async def by_ids(connection: AsyncConnection, numbers: Iterable[int]) -> dict[int, Organisation]:
    """Find organisations by their numbers."""
    statement = select(organisations).where(organisations.c.id.in_(set(numbers)))
    return {row["id"]: rows.organisation(row) for row in (await connection.execute(statement)).mappings()}
