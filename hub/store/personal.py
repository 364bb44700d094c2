"""Statements that forget: made out of the table in `hub.domain.personal`, for every lifetime and for one person."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, Table, Text, and_, cast, delete, false, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.personal import KEPT, By, Kept
from hub.store import standing_tables
from hub.store.tables import organisations

TABLES = standing_tables.themes.metadata.tables
"""Of every module."""

AT_ONCE = 500
"""Rows that one transaction forgets: a month of a region is many, and bookings go on meanwhile."""


EMPTY_LIST = "[]"
"""As JSON is stored; PostgreSQL compares no JSON but as text."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten: how many rows of a table, and the digest of which (SHA-256 of their keys, in order)."""

    table: str
    columns: tuple[str, ...]
    rows: int
    digest: str


async def expired(
    connection: AsyncConnection, kept: Kept, before: datetime, since: datetime | None
) -> Forgotten | None:
    """Forget what is older than `before`, at most `AT_ONCE` rows; None where nothing is left to forget.

    `since`: nothing older than that is left, so it is not looked at.
    """
    table = TABLES[kept.table]
    return await _forget(connection, kept, _aged(kept, table, before, since), kept.columns)


async def of_person(connection: AsyncConnection, by: By, value: str, codes: list[str] | None) -> list[Forgotten]:
    """Forget a mail address or number wherever it stands, in rows of these organisations (None: everywhere)."""
    done = []
    for kept, table, column in _columns(by):
        condition = and_(func.lower(column) == value.lower(), _of(table, codes))
        while (found := await _forget(connection, kept, condition, (str(column.name),))) is not None:
            done.append(found)
    return done


async def about(
    connection: AsyncConnection, by: By, value: str, codes: list[str] | None
) -> list[tuple[str, dict[str, Any]]]:
    """Find every row with a mail address or number, as the name of its table and its columns about people."""
    found: list[tuple[str, dict[str, Any]]] = []
    tables = {kept.table for kept, _, _ in _columns(by)}
    for name in sorted(tables):
        table = TABLES[name]
        names = [column for kept, each, column in _columns(by) if each is table]
        shown = {column for kept in KEPT if kept.table == name for column in kept.columns}
        columns = [*table.primary_key, *(column for column in table.c if column.name in shown)]
        statement = select(*columns).where(
            or_(*(func.lower(column) == value.lower() for column in names)), _of(table, codes)
        )
        found += [(name, dict(row)) for row in (await connection.execute(statement)).mappings()]
    return found


def _columns(by: By) -> Iterator[tuple[Kept, Table, ColumnElement[Any]]]:
    for kept in KEPT:
        table = TABLES[kept.table]
        for name in getattr(kept, by.value):
            yield kept, table, table.c[name]


def _of(table: Table, codes: list[str] | None) -> ColumnElement[bool]:
    """Give the rows of organisations: by their number, by code, or by the meeting or room they belong to."""
    if codes is None:
        return true()
    if "organisation_id" in table.c:
        return table.c.organisation_id.in_(select(organisations.c.id).where(organisations.c.code.in_(codes)))
    if "organisation" in table.c:
        return table.c.organisation.in_(codes)
    above = [key for key in table.foreign_keys if "organisation_id" in key.column.table.c]
    return or_(false(), *(key.parent.in_(select(key.column).where(_of(key.column.table, codes))) for key in above))


def _aged(kept: Kept, table: Table, before: datetime, since: datetime | None) -> ColumnElement[bool]:
    assert kept.after is not None  # noqa: S101 - asked for only with one
    timed = table if kept.via is None else TABLES[kept.via.table]
    time = timed.c[kept.after]
    old = time < before if since is None else and_(time < before, time >= since)
    return old if kept.via is None else table.c[kept.via.column].in_(select(timed.c[kept.via.other]).where(old))


async def _forget(
    connection: AsyncConnection, kept: Kept, condition: ColumnElement[bool], names: tuple[str, ...]
) -> Forgotten | None:
    table = TABLES[kept.table]
    keys = list(table.primary_key)
    blank = {name: _blank(table, name) for name in names}
    still = [_differs(table.c[name], value) for name, value in blank.items()]
    wanted = condition if kept.rows else and_(condition, or_(*still))
    held = select(*keys).where(wanted).order_by(*keys).limit(AT_ONCE)
    found = [tuple(row) for row in await connection.execute(held)]
    if not found:
        return None
    these = or_(*(and_(*(key == value for key, value in zip(keys, row, strict=True))) for row in found))
    if len(keys) == 1:
        these = keys[0].in_([row[0] for row in found])
    await connection.execute(delete(table).where(these) if kept.rows else update(table).where(these).values(blank))
    digest = hashlib.sha256("\n".join("/".join(map(str, row)) for row in found).encode()).hexdigest()
    return Forgotten(kept.table, names, len(found), digest)


def _differs(column: ColumnElement[Any], value: object) -> ColumnElement[bool]:
    if value is None:
        return column.is_not(None)
    return column != value if isinstance(column.type, String) else cast(column, Text) != EMPTY_LIST


def _blank(table: Table, name: str) -> Any:  # noqa: ANN401 - what a column holds
    column = table.c[name]
    if column.nullable:
        return None
    return "" if isinstance(column.type, String) else []
