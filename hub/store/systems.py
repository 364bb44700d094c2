"""Statements about room systems that register at the edge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.model import Organisation
from hub.domain.standing import RoomSystem
from hub.store.standing_tables import systems as table
from hub.store.tables import organisations

OWN = tuple(each.name for each in fields(RoomSystem) if each.name != "organisation")


async def add(connection: AsyncConnection, system: RoomSystem, organisation: Organisation) -> None:
    """Add a room system; raises `TakenError` for an alias or a user name that is used."""
    await connection.execute(insert(table).values(_values(system) | {"organisation_id": organisation.id}))


async def change(connection: AsyncConnection, system: RoomSystem) -> None:
    """Write every field of a room system; raises `TakenError`."""
    await connection.execute(update(table).where(table.c.uuid == system.uuid).values(_values(system)))


async def remove(connection: AsyncConnection, system: RoomSystem) -> None:
    """Remove a room system."""
    await connection.execute(delete(table).where(table.c.uuid == system.uuid))


async def by_uuid(connection: AsyncConnection, uuid: UUID) -> RoomSystem | None:
    """Find a room system."""
    found = await _read(connection, table.c.uuid == uuid)
    return found[0] if found else None


async def of_organisations(connection: AsyncConnection, codes: Iterable[str]) -> list[RoomSystem]:
    """List the room systems of organisations."""
    return await _read(connection, organisations.c.code.in_(list(codes)))


async def enabled(connection: AsyncConnection) -> list[RoomSystem]:
    """List every room system that may register."""
    return await _read(connection, table.c.enabled)


async def _read(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> list[RoomSystem]:
    statement = (
        select(table, organisations.c.code)
        .join(organisations, table.c.organisation_id == organisations.c.id)
        .where(*conditions)
        .order_by(table.c.username)
    )
    found = (await connection.execute(statement)).mappings()
    return [RoomSystem(organisation=row["code"], **{name: row[name] for name in OWN}) for row in found]


def _values(system: RoomSystem) -> dict[str, Any]:
    return {name: getattr(system, name) for name in OWN}
