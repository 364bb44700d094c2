"""Statements about calls that were, and about who still calls the first version of the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.healthcheck import PROJECT
from hub.domain.history import Call, Group
from hub.domain.words import Field, Use
from hub.store import rows
from hub.store.standing_tables import aliases, standing_rooms, systems
from hub.store.tables import calls, meetings, old_callers, organisations, rooms

LINGER = timedelta(hours=8)
"""How long after its meeting a room may still be called."""

OTHER_TIME = 2
"""How well a room fits whose meeting was not then."""

AT_ONCE = 500
"""Numbers of organisations in one statement: SQLite takes some thousand values."""


@dataclass(frozen=True, slots=True)
class Called:
    """Whose room or room system was called; `room` None: nobody's, one of ours called out."""

    organisation_id: int
    room: str | None
    meeting: UUID | None
    use: str | None
    field: str | None


async def called(connection: AsyncConnection, alias: str, at: datetime) -> Called | None:
    """Find the room that had an alias at a time; of several that had the number, the one whose meeting was then.

    A room that is always there, or a room system, comes before meetings of other times.
    """
    inside = rooms.c.opens_time <= at, rooms.c.end_time + LINGER >= at
    then = inside[0] & (rooms.c.end_time >= at - LINGER)
    fits = case((then, 0), (rooms.c.meeting_uuid.is_(None), 1), else_=OTHER_TIME)
    statement = (
        select(rooms.c.organisation_id, rooms.c.id, meetings.c.uuid, meetings.c.organisation_id.label("owner"))
        .add_columns(meetings.c.use, meetings.c.field, fits.label("fits"))
        .outerjoin(meetings, rooms.c.meeting_uuid == meetings.c.uuid)
        .where(or_(rooms.c.held_uri == alias, rooms.c.uri_without_domain == alias))
        .order_by(fits, rooms.c.id.desc())
        .limit(1)
    )
    row = (await connection.execute(statement)).mappings().first()
    if row is None or row["fits"] == OTHER_TIME:
        named = select(aliases.c.room_uuid).where(aliases.c.alias == alias.lower())
        standing = await _standing(connection, standing_rooms.c.uuid.in_(named))
        standing = standing or await _system(connection, systems.c.alias == alias.lower(), called=True)
        if standing is not None or row is None:
            return standing
    return _booked(row)


async def caller(connection: AsyncConnection, username: str) -> Called | None:
    """Find the room system that called out."""
    return await _system(connection, systems.c.username == username, called=False)


async def of_room(connection: AsyncConnection, uuid: UUID) -> Called | None:
    """Find a room by the uuid that it has on the bus."""
    statement = (
        select(rooms.c.organisation_id, rooms.c.id, meetings.c.uuid, meetings.c.organisation_id.label("owner"))
        .add_columns(meetings.c.use, meetings.c.field)
        .outerjoin(meetings, rooms.c.meeting_uuid == meetings.c.uuid)
        .where(rooms.c.uuid == uuid)
    )
    row = (await connection.execute(statement)).mappings().first()
    return _booked(row) if row else await _standing(connection, standing_rooms.c.uuid == uuid)


def _booked(row: rows.Row) -> Called:
    owner = row["organisation_id"] if row["owner"] is None else row["owner"]
    return Called(owner, f"room-{row['id']}", row["uuid"], row["use"], row["field"])


async def _standing(connection: AsyncConnection, which: ColumnElement[bool]) -> Called | None:
    room = standing_rooms.c
    row = (await connection.execute(select(room.organisation_id, room.uuid, room.use, room.field).where(which))).first()
    return Called(row[0], f"standing-{row[1]}", None, row[2], row[3]) if row else None


async def _system(connection: AsyncConnection, which: ColumnElement[bool], *, called: bool) -> Called | None:
    use = func.coalesce(organisations.c.use, Use.ADMINISTRATIVE.value)
    statement = select(systems.c.organisation_id, systems.c.uuid, use, organisations.c.field).where(which)
    row = (await connection.execute(statement.join(organisations))).first()
    return Called(row[0], f"system-{row[1]}" if called else None, None, row[2], row[3]) if row else None


async def known(connection: AsyncConnection, ident: str) -> bool:
    """Tell whether a call is written down."""
    return (await connection.execute(select(calls.c.ident).where(calls.c.ident == ident))).first() is not None


async def add(connection: AsyncConnection, call: Call, room: Called | None) -> None:
    """Write a call down; whose room was called comes from `room`. Raises `TakenError` for one that is known."""
    values = {
        "ident": call.ident,
        "organisation_id": room.organisation_id if room else None,
        "room": room.room if room else None,
        "meeting_uuid": room.meeting if room else None,
        "dialled": call.dialled,
        "caller": call.caller,
        "zone": call.zone,
        "peer": call.peer,
        "transport": call.transport,
        "edge": call.edge,
        "began": call.began,
        "answered": call.answered,
        "ended": call.ended,
        "status": call.status,
        "ended_by": call.ended_by,
        "video": call.video,
        "use": room.use if room else None,
        "field": room.field if room else None,
    }
    await connection.execute(insert(calls), values)


async def between(
    connection: AsyncConnection, numbers: Sequence[int], begin: datetime | None, end: datetime | None
) -> list[Call]:
    """List the answered calls to rooms of organisations that were there between two times, in their order."""
    found: list[Call] = []
    for at in range(0, len(numbers), AT_ONCE):
        statement = _select(calls.c.organisation_id.in_(numbers[at : at + AT_ONCE]), calls.c.answered.is_not(None))
        if begin is not None:
            statement = statement.where(calls.c.ended > begin)
        if end is not None:
            statement = statement.where(calls.c.began < end)
        found += [_call(row) for row in (await connection.execute(statement)).mappings()]
    return sorted(found, key=lambda call: (call.began, call.ident))


async def booked(
    connection: AsyncConnection, numbers: Sequence[int], begin: datetime, end: datetime
) -> dict[Group, int]:
    """Count the meetings of organisations that begin within a period, by class and field; health checks are none."""
    counted: dict[Group, int] = {}
    columns = organisations.c.code, meetings.c.use, meetings.c.field
    for at in range(0, len(numbers), AT_ONCE):
        statement = (
            select(*columns, func.count())
            .join(organisations, meetings.c.organisation_id == organisations.c.id)
            .where(meetings.c.organisation_id.in_(numbers[at : at + AT_ONCE]))
            .where(meetings.c.start_time >= begin, meetings.c.start_time < end)
            .where(meetings.c.project_code.is_distinct_from(PROJECT))
            .group_by(*columns)
        )
        for code, use, field, many in await connection.execute(statement):
            counted[code, Use(use), Field(field) if field else None] = many
    return counted


def _select(*conditions: Any) -> Select[Any]:  # noqa: ANN401 - conditions of SQLAlchemy
    return (
        select(calls, organisations.c.code.label("organisation"))
        .outerjoin(organisations, calls.c.organisation_id == organisations.c.id)
        .where(*conditions)
    )


def _call(row: rows.Row) -> Call:
    return Call(
        ident=row["ident"],
        organisation=row["organisation"],
        room=row["room"],
        meeting=row["meeting_uuid"],
        dialled=row["dialled"],
        caller=row["caller"],
        zone=row["zone"],
        peer=row["peer"],
        transport=row["transport"],
        edge=row["edge"],
        began=row["began"],
        answered=row["answered"],
        ended=row["ended"],
        status=row["status"],
        ended_by=row["ended_by"],
        video=row["video"],
        use=Use(row["use"]) if row["use"] else None,
        field=Field(row["field"]) if row["field"] else None,
    )


@dataclass(frozen=True, slots=True)
class OldCaller:
    """Requests of one month to one operation of the first version, by one program of one organisation."""

    month: str
    organisation: str
    agent: str
    operation: str
    count: int
    seen: datetime


async def count_old(connection: AsyncConnection, organisation: str, agent: str, operation: str, now: datetime) -> None:
    """Count one request to the first version of the API; raises `TakenError` where another counted the first."""
    key = {"month": f"{now:%Y-%m}", "organisation": organisation, "agent": agent, "operation": operation}
    this = [old_callers.c[name] == value for name, value in key.items()]
    changed = update(old_callers).where(*this).values(count=old_callers.c.count + 1, seen_time=now)
    if (await connection.execute(changed)).rowcount == 0:
        await connection.execute(insert(old_callers), key | {"count": 1, "seen_time": now})


async def old(connection: AsyncConnection, codes: Sequence[str], most: int, *, nobody: bool) -> list[OldCaller]:
    """List who of organisations called the first version, the latest months first; `nobody`: also who is unknown."""
    statement = (
        select(old_callers)
        .where(old_callers.c.organisation.in_([*codes, *[""] * nobody]))
        .order_by(old_callers.c.month.desc(), old_callers.c.count.desc())
        .limit(most)
    )
    return [
        OldCaller(row["month"], row["organisation"], row["agent"], row["operation"], row["count"], row["seen_time"])
        for row in (await connection.execute(statement)).mappings()
    ]
