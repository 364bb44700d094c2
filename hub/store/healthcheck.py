"""Statements about health checks: the last is kept, for every process to tell of."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.healthcheck import Check, Looked
from hub.store.tables import checks as table

KEPT = 100
"""Checks that are kept."""


async def add(connection: AsyncConnection, check: Check) -> None:
    """Write a check down, and forget old ones."""
    values = {"began": check.began, "meeting_uuid": check.meeting, "parts": [asdict(each) for each in check.parts]}
    await connection.execute(insert(table).inline(), values)
    oldest = select(table.c.id).order_by(table.c.id.desc()).offset(KEPT).limit(1).scalar_subquery()
    await connection.execute(delete(table).where(table.c.id <= oldest))


async def last(connection: AsyncConnection) -> Check | None:
    """Give the last check."""
    row = (await connection.execute(select(table).order_by(table.c.id.desc()).limit(1))).mappings().first()
    if row is None:
        return None
    return Check(row["began"], row["meeting_uuid"], tuple(Looked(**each) for each in row["parts"]))


async def of_meeting(connection: AsyncConnection, uuid: UUID) -> Check | None:
    """Give the check that made a meeting."""
    row = (await connection.execute(select(table).where(table.c.meeting_uuid == uuid))).mappings().first()
    return Check(row["began"], uuid, tuple(Looked(**each) for each in row["parts"])) if row else None
