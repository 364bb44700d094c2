"""Statements about people who are logged in, and about those on their way there."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.model import Caller
from hub.domain.words import Role
from hub.store.tables import logins as login_table
from hub.store.tables import sessions as table


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in; `digest` is that of the secret in the cookie."""

    digest: str
    provider: str
    organisation: str
    email: str
    roles: frozenset[Role]
    created_time: datetime
    seen_time: datetime
    ends_time: datetime
    subject: str | None = None
    provider_session: str | None = None

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return Caller(self.organisation, self.email, self.roles)


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody on the way to an identity provider and back; `digest` is that of the secret in the cookie."""

    digest: str
    provider: str
    state: str
    nonce: str
    verifier: str
    destination: str
    stepped: bool
    ends_time: datetime


async def add(connection: AsyncConnection, session: Session) -> None:
    """Add a session."""
    values = _values(session) | {"roles": sorted(session.roles)}
    await connection.execute(insert(table).values(values))


async def find(connection: AsyncConnection, digest: str) -> Session | None:
    """Find a session, also one that is over."""
    row = (await connection.execute(select(table).where(table.c.digest == digest))).mappings().first()
    if row is None:
        return None
    roles = frozenset(Role(each) for each in row["roles"] if each in set(Role))
    return Session(**{**row, "roles": roles})


async def seen(connection: AsyncConnection, digest: str, now: datetime) -> None:
    """Write down that a session is in use."""
    await connection.execute(update(table).where(table.c.digest == digest).values(seen_time=now))


async def remove(connection: AsyncConnection, digest: str) -> None:
    """End a session."""
    await connection.execute(delete(table).where(table.c.digest == digest))


async def remove_of(connection: AsyncConnection, email: str) -> int:
    """End every session of somebody; gives how many."""
    return (await connection.execute(delete(table).where(table.c.email == email))).rowcount


async def remove_told(
    connection: AsyncConnection, provider: str, subject: str | None, provider_session: str | None
) -> list[str]:
    """End the sessions that a provider names by its session, or by whose they are; gives their organisations."""
    named = table.c.subject == subject if provider_session is None else table.c.provider_session == provider_session
    ended = delete(table).where(table.c.provider == provider, named).returning(table.c.organisation)
    return list((await connection.execute(ended)).scalars())


async def begin(connection: AsyncConnection, login: Login) -> None:
    """Add somebody on the way."""
    await connection.execute(insert(login_table).values(_values(login)))


async def finish(connection: AsyncConnection, digest: str) -> Login | None:
    """Take somebody who is back: it can be done once."""
    statement = delete(login_table).where(login_table.c.digest == digest).returning(login_table)
    row = (await connection.execute(statement)).mappings().first()
    return Login(**row) if row else None


async def crowd_out(connection: AsyncConnection, most: int) -> None:
    """Remove who is longest on the way where there are more than `most`."""
    counted = select(func.count()).select_from(login_table)
    many = int((await connection.execute(counted)).scalar_one()) - most
    if many > 0:
        oldest = select(login_table.c.digest).order_by(login_table.c.ends_time).limit(many)
        await connection.execute(delete(login_table).where(login_table.c.digest.in_(oldest)))


async def sweep(connection: AsyncConnection, now: datetime) -> None:
    """Remove what is over."""
    for each in (table, login_table):
        await connection.execute(delete(each).where(each.c.ends_time < now))


def _values(record: Session | Login) -> dict[str, Any]:
    return {each.name: getattr(record, each.name) for each in fields(record)}
