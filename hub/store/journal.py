"""Statements about the journal and the people behind its pseudonyms; entries are only ever added, by one writer."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.journal import BEGINNING, CUT, CUT_RESOURCE, Entry
from hub.store.rows import Row
from hub.store.tables import audit as table
from hub.store.tables import persons

LOCK = 0x7664_786A
"""PostgreSQL's advisory lock of whoever writes the journal."""

PSEUDONYM_OCTETS = 12


async def hold(connection: AsyncConnection) -> None:
    """Keep other writers out until the transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


async def last(connection: AsyncConnection) -> tuple[int, str]:
    """Give number and digest of the last entry."""
    statement = select(table.c.number, table.c.digest).order_by(table.c.number.desc()).limit(1)
    row = (await connection.execute(statement)).first()
    return (row[0], row[1]) if row else (0, BEGINNING)


async def add(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Add entries."""
    await connection.execute(insert(table), [_values(each) for each in entries])


async def after(connection: AsyncConnection, number: int, most: int) -> list[Entry]:
    """List entries in their order, from the one after `number`."""
    statement = select(table).where(table.c.number > number).order_by(table.c.number).limit(most)
    return [_entry(row) for row in (await connection.execute(statement)).mappings()]


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries are wanted: of organisations (None: also those of nobody), after a number, the newest last.

    `begin`, `end`: times as the journal writes them.
    """

    codes: Sequence[str] | None
    after: int = 0
    begin: str | None = None
    end: str | None = None
    identifier: str | None = None
    person: str | None = None
    most: int = 1000


async def find(connection: AsyncConnection, query: Query) -> list[Entry]:
    """List the entries that a query asks for."""
    statement = select(table).where(table.c.number > query.after).order_by(table.c.number).limit(query.most)
    if query.codes is not None:
        statement = statement.where(table.c.organisation.in_(query.codes))
    if query.begin is not None:
        statement = statement.where(table.c.time >= query.begin)
    if query.end is not None:
        statement = statement.where(table.c.time < query.end)
    if query.identifier is not None:
        statement = statement.where(table.c.identifier == query.identifier)
    if query.person is not None:
        statement = statement.where(table.c.person == query.person)
    return [_entry(row) for row in (await connection.execute(statement)).mappings()]


async def cut(connection: AsyncConnection, before: str) -> int:
    """Remove the entries from before a time, but for number and digest of the last; gives how many are gone."""
    statement = select(func.max(table.c.number)).where(table.c.time < before, table.c.operation != CUT)
    newest: int | None = (await connection.execute(statement)).scalar()
    if newest is None:
        return 0
    gone = (await connection.execute(delete(table).where(table.c.number < newest))).rowcount
    emptied: dict[str, Any] = {"organisation": None, "identifier": None, "person": None, "source": "hub", "data": {}}
    blank = update(table).where(table.c.number == newest)
    await connection.execute(blank.values(**emptied, resource=CUT_RESOURCE, operation=CUT))
    return gone


async def pseudonyms(connection: AsyncConnection, emails: Iterable[str], now: datetime) -> dict[str, str]:
    """Give the pseudonyms of people, new ones to those who have none."""
    wanted = {each[:250] for each in emails}
    if not wanted:
        return {}
    found = select(persons.c.email, persons.c.pseudonym).where(persons.c.email.in_(wanted))
    known: dict[str, str] = dict((await connection.execute(found)).all())
    new = {each: secrets.token_hex(PSEUDONYM_OCTETS) for each in sorted(wanted - known.keys())}
    if new:
        values = [{"email": each, "pseudonym": pseudonym, "seen_time": now} for each, pseudonym in new.items()]
        await connection.execute(insert(persons), values)
    if known:
        await connection.execute(update(persons).where(persons.c.email.in_(known)).values(seen_time=now))
    return known | new


async def pseudonym_of(connection: AsyncConnection, email: str) -> str | None:
    """Give somebody's pseudonym, where he has one."""
    found = await connection.execute(select(persons.c.pseudonym).where(persons.c.email == email))
    return found.scalar_one_or_none()


async def names(connection: AsyncConnection, pseudonyms: Iterable[str]) -> dict[str, str]:
    """Give the mail addresses behind pseudonyms, as far as they are still kept."""
    statement = select(persons.c.pseudonym, persons.c.email).where(persons.c.pseudonym.in_(set(pseudonyms)))
    return dict((await connection.execute(statement)).all())


async def forget(connection: AsyncConnection, *, email: str | None = None, before: datetime | None = None) -> int:
    """Forget who stands behind a pseudonym: of one person, or of all not seen since `before`; gives how many."""
    conditions = [persons.c.email == email] if email is not None else []
    conditions += [persons.c.seen_time < before] if before is not None else []
    return (await connection.execute(delete(persons).where(or_(*conditions)))).rowcount if conditions else 0


def _entry(row: Row) -> Entry:
    return Entry(**{each.name: row[each.name] for each in fields(Entry)})


def _values(entry: Entry) -> dict[str, Any]:
    return {each.name: getattr(entry, each.name) for each in fields(entry)}
