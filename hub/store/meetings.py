"""Statements about meetings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, insert, or_, select, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.access import Sight
from hub.domain.model import Meeting, Organisation
from hub.store import rows
from hub.store.tables import labels as label_table
from hub.store.tables import meetings as table
from hub.store.tables import organisations, rooms
from hub.store.together import Together

_ADD_LABELS = insert(label_table)

LABELS_AT_ONCE = 500
"""Meetings whose labels one statement asks for: SQLite takes some thousand values in a statement."""


def _select(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(table, organisations.c.code.label("organisation"))
        .join(organisations, table.c.organisation_id == organisations.c.id)
        .where(*conditions)
    )


_BY_UUID = _select(table.c.uuid == bindparam("uuid"))
_LABELS = (
    select(label_table.c.meeting_uuid, label_table.c.label)
    .where(label_table.c.meeting_uuid.in_(bindparam("uuids", expanding=True)))
    .order_by(label_table.c.meeting_uuid, label_table.c.position)
)
_CHANGE = update(table).where(table.c.uuid == bindparam("which"))
_LOCKED = _BY_UUID.with_for_update(of=table)


def add(together: Together, meeting: Meeting, organisation: Organisation) -> None:
    """Add a meeting with its labels; once written, its uuid, short id or external id may be taken."""
    together.add(table, rows.meeting_values(meeting) | {"organisation_id": organisation.id})
    together.add(label_table, *_labels(meeting))


async def change(connection: AsyncConnection, meeting: Meeting, *, relabel: bool = True) -> None:
    """Write every field of a meeting, and its labels where they may have changed."""
    await connection.execute(_CHANGE, rows.meeting_values(meeting) | {"which": meeting.uuid})
    if relabel:
        await connection.execute(delete(label_table).where(label_table.c.meeting_uuid == meeting.uuid))
        if meeting.labels:
            await connection.execute(_ADD_LABELS, _labels(meeting))


async def remove(connection: AsyncConnection, uuid: UUID) -> None:
    """Remove a meeting and its labels."""
    await connection.execute(delete(label_table).where(label_table.c.meeting_uuid == uuid))
    await connection.execute(delete(table).where(table.c.uuid == uuid))


async def by_uuid(connection: AsyncConnection, uuid: UUID, *, lock: bool = False) -> Meeting | None:
    """Find a meeting; with `lock` nobody else changes it until the transaction ends."""
    found = await _read(connection, _LOCKED if lock else _BY_UUID, {"uuid": uuid})
    return found[0] if found else None


async def by_short_id(connection: AsyncConnection, short_id: str) -> Meeting | None:
    """Find a meeting by its short id."""
    found = await _read(connection, _select(table.c.short_id == short_id))
    return found[0] if found else None


async def by_label(connection: AsyncConnection, sight: Sight, label: str) -> list[Meeting]:
    """List the meetings that carry exactly this label."""
    return await _list(connection, sight, _labelled(label))


async def by_subject(connection: AsyncConnection, sight: Sight, subject: str) -> list[Meeting]:
    """List the meetings with exactly this subject."""
    return await _list(connection, sight, table.c.subject == subject)


async def by_organiser(connection: AsyncConnection, sight: Sight, email: str) -> list[Meeting]:
    """List the meetings that somebody organises."""
    return await _list(connection, sight, table.c.organized_by == email)


async def between(connection: AsyncConnection, sight: Sight, begin: datetime, end: datetime) -> list[Meeting]:
    """List the meetings that start from `begin` to `end`, both included."""
    return await _list(connection, sight, table.c.start_time.between(begin, end))


async def by_address(connection: AsyncConnection, sight: Sight, address: str) -> list[Meeting]:
    """List the meetings whose room has exactly this address."""
    return await _list(connection, sight, _addressed(address))


async def by_uri_without_domain(connection: AsyncConnection, sight: Sight, uri: str) -> list[Meeting]:
    """List the meetings whose room has this part before the @."""
    held = select(rooms.c.meeting_uuid).where(rooms.c.uri_without_domain == uri, rooms.c.meeting_uuid.is_not(None))
    return await _list(connection, sight, table.c.uuid.in_(held))


async def search(
    connection: AsyncConnection, sight: Sight, text: str, period: tuple[datetime, datetime] | None
) -> list[Meeting]:
    """List the meetings that have `text` as organiser, label or address, or within subject or description.

    Case does not matter within texts. `period`: only those that start after its begin and before its end.
    """
    like = "ilike" if connection.dialect.name == "postgresql" else "like"  # SQLite's takes no notice of case either
    within = [
        getattr(column, like)(f"%{_escaped(text)}%", escape="\\") for column in (table.c.subject, table.c.description)
    ]
    ways = (
        table.c.organized_by == text,
        _labelled(text),
        or_(*within),
        _addressed(text),
    )
    found = union(*(select(table.c.uuid).where(way, *_seen(sight)) for way in ways))  # each way has its own index
    conditions: list[ColumnElement[bool]] = [table.c.uuid.in_(found)]
    if period is not None:
        conditions += [table.c.start_time > period[0], table.c.start_time < period[1]]
    return await _list(connection, sight, *conditions)


def _labelled(label: str) -> ColumnElement[bool]:
    return table.c.uuid.in_(select(label_table.c.meeting_uuid).where(label_table.c.label == label))


def _addressed(address: str) -> ColumnElement[bool]:
    name, _, domain = address.partition("@")
    held = and_(rooms.c.uri_without_domain == name, rooms.c.uri_domain == domain, rooms.c.meeting_uuid.is_not(None))
    return table.c.uuid.in_(select(rooms.c.meeting_uuid).where(held))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def _list(connection: AsyncConnection, sight: Sight, *conditions: ColumnElement[bool]) -> list[Meeting]:
    return await _read(connection, _select(*conditions, *_seen(sight)).order_by(table.c.start_time, table.c.uuid))


def _seen(sight: Sight) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if sight.organisation is not None:
        number = select(organisations.c.id).where(organisations.c.code == sight.organisation).scalar_subquery()
        conditions.append(table.c.organisation_id == number)  # known before the search begins, so indexes can use it
    if sight.covered is not None:
        covered = select(organisations.c.id).where(organisations.c.code.in_(sight.covered))
        conditions.append(table.c.organisation_id.in_(covered))
    if sight.email is not None:
        conditions.append(table.c.organized_by == sight.email)
    return conditions


async def _read(
    connection: AsyncConnection, statement: Select[Any], asked: Mapping[str, object] | None = None
) -> list[Meeting]:
    found = list((await connection.execute(statement, asked)).mappings())
    labelled = await labels_of(connection, [row["uuid"] for row in found])
    return [rows.meeting(row, labelled.get(row["uuid"], ())) for row in found]


async def labels_of(connection: AsyncConnection, uuids: list[UUID]) -> dict[UUID, tuple[str, ...]]:
    """Give the labels of meetings, in their order."""
    found: dict[UUID, tuple[str, ...]] = {}
    for part in _parts(uuids):
        for uuid, label in await connection.execute(_LABELS, {"uuids": part}):
            found[uuid] = (*found.get(uuid, ()), label)
    return found


def _parts(uuids: list[UUID]) -> Iterable[list[UUID]]:
    return (uuids[at : at + LABELS_AT_ONCE] for at in range(0, len(uuids), LABELS_AT_ONCE))


def _labels(meeting: Meeting) -> list[dict[str, Any]]:
    return [{"meeting_uuid": meeting.uuid, "position": at, "label": each} for at, each in enumerate(meeting.labels)]
