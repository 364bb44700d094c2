"""Statements about organisations on trial."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.model import Organisation
from hub.store import rows
from hub.store.tables import meetings, organisations


async def all_of_them(connection: AsyncConnection) -> list[Organisation]:
    """List the organisations on trial."""
    statement = select(organisations).where(organisations.c.trial_ends.is_not(None)).order_by(organisations.c.id)
    return [rows.organisation(row) for row in (await connection.execute(statement)).mappings()]


async def held(connection: AsyncConnection, below: Sequence[Organisation]) -> int:
    """Count the meetings of a trial: those of its organisation and all below."""
    numbers = [each.id for each in below]
    statement = select(func.count()).select_from(meetings).where(meetings.c.organisation_id.in_(numbers))
    return int((await connection.execute(statement)).scalar_one())
