"""Statements about rooms that are always there, their aliases, and themes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, delete, func, insert, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.model import Organisation
from hub.domain.standing import Belongs, Language, StandingRoom, Theme
from hub.domain.words import Field, Quality, Use, View
from hub.store.standing_tables import aliases, systems, themes
from hub.store.standing_tables import standing_rooms as table
from hub.store.tables import organisations, rooms

PLAIN = (
    "uuid", "name", "owner", "domain", "host_pin", "guest_pin", "allow_guests", "max_participants", "theme",
    "revision", "provided", "created_time", "deleted_time",
)  # fmt: skip
WORDS = {
    "kind": Belongs,
    "host_view": View,
    "guest_view": View,
    "quality": Quality,
    "language": Language,
    "use": Use,
}


async def add(connection: AsyncConnection, room: StandingRoom, organisation: Organisation) -> None:
    """Add a room; raises `TakenError` for an alias that another has."""
    await connection.execute(insert(table).values(_values(room) | {"organisation_id": organisation.id}))
    await _name(connection, room)


async def change(connection: AsyncConnection, room: StandingRoom) -> None:
    """Write every field of a room; raises `TakenError` for an alias that another has."""
    await connection.execute(update(table).where(table.c.uuid == room.uuid).values(_values(room)))
    await connection.execute(delete(aliases).where(aliases.c.room_uuid == room.uuid))
    if room.deleted_time is None:
        await _name(connection, room)


async def provided(connection: AsyncConnection, room: StandingRoom) -> None:
    """Write down that the bus has this revision; one that is deleted is gone now."""
    at = table.c.uuid == room.uuid, table.c.revision == room.revision
    if room.deleted_time is not None:
        await connection.execute(delete(table).where(*at))
    else:
        await connection.execute(update(table).where(*at).values(provided=room.revision))


async def due(connection: AsyncConnection, most: int) -> list[StandingRoom]:
    """List rooms that the bus has not, or not as they are."""
    return await _read(connection, _select(table.c.provided != table.c.revision).order_by(table.c.uuid).limit(most))


async def page(connection: AsyncConnection, after: UUID | None, most: int) -> list[StandingRoom]:
    """List rooms in the order of their uuids, those that are deleted among them."""
    beyond = [] if after is None else [table.c.uuid > after]
    return await _read(connection, _select(*beyond).order_by(table.c.uuid).limit(most))


async def by_uuid(connection: AsyncConnection, uuid: UUID, *, lock: bool = False) -> StandingRoom | None:
    """Find a room; with `lock` nobody else changes it until the transaction ends."""
    statement = _select(table.c.uuid == uuid, table.c.deleted_time.is_(None))
    found = await _read(connection, statement.with_for_update(of=table) if lock else statement)
    return found[0] if found else None


async def of_organisations(
    connection: AsyncConnection, codes: Iterable[str], owner: str | None = None
) -> list[StandingRoom]:
    """List the rooms of organisations, or only those of one owner."""
    conditions: list[ColumnElement[bool]] = [organisations.c.code.in_(list(codes)), table.c.deleted_time.is_(None)]
    if owner is not None:
        conditions.append(func.lower(table.c.owner) == owner.lower())
    return await _read(connection, _select(*conditions).order_by(table.c.name, table.c.uuid))


async def taken(connection: AsyncConnection, wanted: Iterable[str], but: UUID | None = None) -> set[str]:
    """Give which of `wanted` a room of a meeting, a room system or another room (than `but`) has.

    The bus knows aliases without domains, so a meeting's number counts under every domain.
    """
    small = [each.lower() for each in wanted]
    rooms_but = [] if but is None else [aliases.c.room_uuid != but]
    systems_but = [] if but is None else [systems.c.uuid != but]
    found = union_all(
        select(aliases.c.alias).where(aliases.c.alias.in_(small), *rooms_but),
        select(systems.c.alias).where(systems.c.alias.in_(small), *systems_but),
        select(func.lower(rooms.c.uri_without_domain)).where(rooms.c.uri_without_domain.in_(small)),
    )
    return set((await connection.execute(found)).scalars())


async def add_theme(connection: AsyncConnection, theme: Theme, organisation: Organisation) -> Theme:
    """Add a theme, whose `id` is ignored; raises `TakenError` for a name that is used."""
    values = {"organisation_id": organisation.id, "name": theme.name, "title": theme.title}
    number = (await connection.execute(insert(themes).values(values).returning(themes.c.id))).scalar_one()
    return Theme(number, organisation.code, theme.name, theme.title)


async def remove_theme(connection: AsyncConnection, theme: Theme) -> None:
    """Remove a theme."""
    await connection.execute(delete(themes).where(themes.c.id == theme.id))


async def themes_of(connection: AsyncConnection, codes: Iterable[str]) -> list[Theme]:
    """List the themes of organisations."""
    statement = (
        select(themes, organisations.c.code)
        .join(organisations, themes.c.organisation_id == organisations.c.id)
        .where(organisations.c.code.in_(list(codes)))
        .order_by(themes.c.name)
    )
    found = (await connection.execute(statement)).mappings()
    return [Theme(row["id"], row["code"], row["name"], row["title"]) for row in found]


async def bearing(connection: AsyncConnection, theme: Theme) -> bool:
    """Tell whether a room has this theme."""
    held = table.c.theme == theme.name, table.c.deleted_time.is_(None)
    return (await connection.execute(select(table.c.uuid).where(*held).limit(1))).first() is not None


def _select(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(table, organisations.c.code)
        .join(organisations, table.c.organisation_id == organisations.c.id)
        .where(*conditions)
    )


async def _read(connection: AsyncConnection, statement: Select[Any]) -> list[StandingRoom]:
    found = list((await connection.execute(statement)).mappings())
    named: dict[UUID, list[str]] = {row["uuid"]: [] for row in found}
    uuids = list(named)
    for at in range(0, len(uuids), 500):
        part = aliases.c.room_uuid.in_(uuids[at : at + 500])
        statement_of_names = select(aliases).where(part).order_by(aliases.c.room_uuid, aliases.c.position)
        for row in (await connection.execute(statement_of_names)).mappings():
            named[row["room_uuid"]].append(row["alias"])
    return [_room(row, tuple(named[row["uuid"]])) for row in found]


def _room(row: RowMapping, names: tuple[str, ...]) -> StandingRoom:
    values: dict[str, Any] = {name: row[name] for name in PLAIN} | {
        name: read(row[name]) for name, read in WORDS.items()
    }
    field = Field(row["field"]) if row["field"] else None
    return StandingRoom(organisation=row["code"], aliases=names, field=field, **values)


def _values(room: StandingRoom) -> dict[str, Any]:
    values = {name: getattr(room, name) for name in PLAIN} | {name: getattr(room, name).value for name in WORDS}
    return values | {"field": room.field.value if room.field else None}


async def _name(connection: AsyncConnection, room: StandingRoom) -> None:
    values = [{"alias": each, "room_uuid": room.uuid, "position": at} for at, each in enumerate(room.aliases)]
    await connection.execute(insert(aliases), values)
