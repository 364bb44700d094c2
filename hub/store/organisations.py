"""Statements about the organisation tree."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import Select, bindparam, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.model import Organisation
from hub.store import rows
from hub.store.tables import organisations as table

MAX_DEPTH = 50
"""Levels of the tree that are followed: real trees have six, and a ring must end."""


_BY_CODE = select(table).where(table.c.code == bindparam("code"))  # asked with every request: written once


async def by_code(connection: AsyncConnection, code: str) -> Organisation | None:
    """Find an organisation."""
    row = (await connection.execute(_BY_CODE, {"code": code})).mappings().first()
    return rows.organisation(row) if row else None


async def by_id(connection: AsyncConnection, number: int) -> Organisation | None:
    """Find a node of the tree by its number."""
    row = (await connection.execute(select(table).where(table.c.id == number))).mappings().first()
    return rows.organisation(row) if row else None


async def by_history_key(connection: AsyncConnection, digest: str) -> Organisation | None:
    """Find whose key of the history API has this digest (`hub.tokens.api_keys`)."""
    row = (await connection.execute(select(table).where(table.c.history_api_key == digest))).mappings().first()
    return rows.organisation(row) if row else None


def _above() -> Select[Any]:
    up = select(table.c.id, table.c.parent_id, literal(1).label("depth")).where(table.c.id == bindparam("parent"))
    chain = up.cte("up", recursive=True)
    chain = chain.union_all(
        select(table.c.id, table.c.parent_id, chain.c.depth + 1)
        .join(chain, table.c.id == chain.c.parent_id)
        .where(chain.c.depth < MAX_DEPTH)
    )
    return select(table).join(chain, table.c.id == chain.c.id).order_by(chain.c.depth)


_ABOVE = _above()


async def ancestors(connection: AsyncConnection, organisation: Organisation) -> list[Organisation]:
    """List the organisations above, the nearest first."""
    if organisation.parent_id is None:
        return []
    found = await connection.execute(_ABOVE, {"parent": organisation.parent_id})
    return [rows.organisation(row) for row in found.mappings()]


def _below() -> Select[Any]:
    chain = select(table.c.id, literal(0).label("depth")).where(table.c.id == bindparam("number"))
    down = chain.cte("down", recursive=True)
    down = down.union_all(
        select(table.c.id, down.c.depth + 1).join(down, table.c.parent_id == down.c.id).where(down.c.depth < MAX_DEPTH)
    )
    return select(table).join(down, table.c.id == down.c.id).order_by(down.c.depth, table.c.code)


_BELOW = _below()


async def descendants(connection: AsyncConnection, organisation: Organisation) -> list[Organisation]:
    """List the organisation itself and all below it."""
    found = await connection.execute(_BELOW, {"number": organisation.id})
    return [rows.organisation(row) for row in found.mappings()]


async def count(connection: AsyncConnection) -> int:
    """Count all organisations."""
    return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def pooled(connection: AsyncConnection) -> list[Organisation]:
    """List the organisations that want rooms held ready, or did and no longer do."""
    statement = select(table).where(table.c.pool_size.is_not(None)).order_by(table.c.id)
    return [rows.organisation(row) for row in (await connection.execute(statement)).mappings()]


async def lock(connection: AsyncConnection, organisation: Organisation) -> None:
    """Keep others from the organisation's pool until the transaction ends."""
    await connection.execute(select(table.c.id).where(table.c.id == organisation.id).with_for_update())


async def add(connection: AsyncConnection, organisation: Organisation) -> Organisation:
    """Add an organisation, whose `id` is ignored; raises `TakenError` for a code that is used."""
    values = _values(organisation)
    row = (await connection.execute(insert(table).values(values).returning(table))).mappings().one()
    return rows.organisation(row)


async def change(connection: AsyncConnection, organisation: Organisation) -> None:
    """Write every field of an organisation."""
    await connection.execute(update(table).where(table.c.id == organisation.id).values(_values(organisation)))


def _values(organisation: Organisation) -> dict[str, Any]:
    return {each.name: getattr(organisation, each.name) for each in fields(organisation) if each.name != "id"}
