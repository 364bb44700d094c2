"""Statements that read everything in order, and write it with the ids it had."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.model import Meeting, Organisation, SchedulingInfo, Template
from hub.store import rooms as room_statements
from hub.store import rows, standing_tables
from hub.store.tables import Utc, labels, meetings, organisations, rooms, templates

AT_ONCE = 500
"""Rows of one statement."""

TABLES = standing_tables.themes.metadata.tables
"""Of every module."""

OTHERS = (
    "use_rules",
    "agreements",
    "scheduling_status",
    "room_themes",
    "standing_rooms",
    "room_aliases",
    "room_systems",
    "message_templates",
    "invitations",
    "calls",
    "media",
    "audit",
    "persons",
    "old_callers",
    "health_checks",
)
"""The tables beside organisations, templates, meetings and rooms, those that others refer to first.

What is still to be told and sent (`outbox`, `messages`) and who is logged in stay behind.
"""

ANEW = {"standing_rooms": {"provided": 0}}
"""Columns that do not move: the bus that is moved to has no room yet."""

KINDS: dict[type, type | tuple[type, ...]] = {float: (int, float), dict: object}
"""What a column's values are in the file, where that is not their own type; JSON is anything."""


async def all_organisations(connection: AsyncConnection) -> list[Organisation]:
    """List every organisation."""
    found = await connection.execute(select(organisations).order_by(organisations.c.id))
    return [rows.organisation(row) for row in found.mappings()]


async def all_templates(connection: AsyncConnection) -> list[tuple[Template, datetime | None]]:
    """List every template, with the time of its deletion: rooms name deleted ones, too."""
    statement = (
        select(templates, organisations.c.code.label("organisation"))
        .outerjoin(organisations, templates.c.organisation_id == organisations.c.id)
        .order_by(templates.c.id)
    )
    found = (await connection.execute(statement)).mappings()
    return [(rows.template(row), row["deleted_time"]) for row in found]


async def all_rooms(connection: AsyncConnection) -> AsyncIterator[SchedulingInfo]:
    """Give every room with its meeting, some hundred at a time."""
    last = 0
    while part := await room_statements.after(connection, last, AT_ONCE):
        for room in part:
            yield room
        last = part[-1].id


async def all_rows(connection: AsyncConnection, name: str) -> AsyncIterator[dict[str, Any]]:
    """Give every row of a table of `OTHERS`, in the order of its key."""
    table = TABLES[name]
    async with connection.stream(select(table).order_by(*table.primary_key)) as found:
        async for each in found.mappings():
            yield dict(each) | ANEW.get(name, {})


def row(name: str, written: dict[str, Any]) -> dict[str, Any]:
    """Read a row of a table of `OTHERS` from JSON; raises `ValueError` that says what is wrong with it."""
    if name not in OTHERS:
        raise ValueError("no such table moves")
    columns = TABLES[name].c
    if wrong := written.keys() ^ columns.keys():
        raise ValueError(f"{', '.join(sorted(wrong))}: every column, and no other, must be there")
    return {column.name: _value(column, written[column.name]) for column in columns}


def _value(column: Column[Any], value: object) -> object:
    if value is None:
        if not column.nullable:
            raise ValueError(f"{column.name}: must not be null")
        return None
    kind = datetime if isinstance(column.type, Utc) else column.type.python_type
    if read := READ.get(kind):
        try:
            return read(str(value))
        except ValueError as error:
            raise ValueError(f"{column.name}: {error}") from None
    if not isinstance(value, KINDS.get(kind, kind)) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{column.name}: must be {kind.__name__}")
    return value


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time has no zone")
    return time


READ: dict[type, Callable[[str], object]] = {datetime: _time, UUID: UUID}
"""How values are read that JSON has only as texts."""


async def add_rows(connection: AsyncConnection, name: str, moved: list[dict[str, Any]]) -> None:
    """Add rows of a table of `OTHERS`; raises `TakenError` for what is there."""
    await connection.execute(insert(TABLES[name]), moved)


async def add_organisations(connection: AsyncConnection, moved: list[Organisation]) -> None:
    """Add organisations in any order; raises `TakenError` for an id or a code that is there."""
    values = [{each.name: getattr(one, each.name) for each in fields(Organisation)} for one in moved]
    if values:
        await connection.execute(insert(organisations), [each | {"parent_id": None} for each in values])
    for one in moved:
        if one.parent_id is not None:
            changed = update(organisations).where(organisations.c.id == one.id).values(parent_id=one.parent_id)
            await connection.execute(changed)


async def add_template(
    connection: AsyncConnection, template: Template, number: int | None, deleted: datetime | None
) -> None:
    """Add a template of the organisation `number`; raises `TakenError` for an id that is there."""
    values = {"id": template.id, "organisation_id": number, "deleted_time": deleted}
    await connection.execute(insert(templates), rows.template_values(template) | values)


async def add_rooms(connection: AsyncConnection, moved: list[SchedulingInfo], numbers: dict[str, int]) -> None:
    """Add rooms with their meetings; `numbers` are the ids of organisations. Raises `TakenError` for what is there."""
    met = [each.meeting for each in moved if each.meeting is not None]
    if met:
        await connection.execute(insert(meetings), [_meeting(each, numbers) for each in met])
    labelled = [
        {"meeting_uuid": each.uuid, "position": at, "label": label}
        for each in met
        for at, label in enumerate(each.labels)
    ]
    if labelled:
        await connection.execute(insert(labels), labelled)
    values = [
        {"held_uri": None}
        | room_statements.values(each)
        | {"id": each.id, "organisation_id": numbers[each.organisation]}
        for each in moved
    ]
    if values:
        await connection.execute(insert(rooms), values)


def _meeting(meeting: Meeting, numbers: dict[str, int]) -> dict[str, Any]:
    return rows.meeting_values(meeting) | {"organisation_id": numbers[meeting.organisation]}


async def count_on(connection: AsyncConnection) -> None:
    """Let PostgreSQL number what is made from now on after what was moved in; SQLite does by itself."""
    if connection.dialect.name != "postgresql":
        return
    numbered = (TABLES[each] for each in OTHERS if "id" in TABLES[each].c)
    for table in (organisations, templates, rooms, *numbered):
        most = (await connection.execute(select(func.max(table.c.id)))).scalar_one()
        if most is not None:
            await connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :most)"), {"name": table.name, "most": most}
            )
