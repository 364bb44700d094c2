"""Statements about scheduling templates; one that is deleted is never found again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.model import Organisation, Template
from hub.store import rows
from hub.store.tables import organisations
from hub.store.tables import templates as table


def _select(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(table, organisations.c.code.label("organisation"))
        .outerjoin(organisations, table.c.organisation_id == organisations.c.id)
        .where(table.c.deleted_time.is_(None), *conditions)
        .order_by(table.c.id)
    )


_DEFAULTS = _select(
    or_(
        and_(table.c.organisation_id.in_(bindparam("numbers", expanding=True)), table.c.is_default_template),
        table.c.organisation_id.is_(None),
    )
)


async def by_id(connection: AsyncConnection, number: int) -> Template | None:
    """Find a template."""
    return await _first(connection, table.c.id == number)


async def of_organisation(connection: AsyncConnection, organisation: Organisation) -> list[Template]:
    """List the templates of an organisation."""
    statement = _select(table.c.organisation_id == organisation.id)
    return [rows.template(row) for row in (await connection.execute(statement)).mappings()]


async def defaults(connection: AsyncConnection, chain: Sequence[Organisation]) -> list[Template]:
    """List the default templates of organisations, in their order, and at the end the template of nobody."""
    numbers = [each.id for each in chain]
    place = {number: at for at, number in enumerate(numbers)}
    found = sorted(
        (await connection.execute(_DEFAULTS, {"numbers": numbers})).mappings(),
        key=lambda row: place.get(row["organisation_id"], len(numbers)),
    )
    return [rows.template(row) for row in found]


async def pool(connection: AsyncConnection, organisation: Organisation) -> Template | None:
    """Find the pool template of an organisation itself."""
    return await _first(connection, table.c.organisation_id == organisation.id, table.c.is_pool_template)


async def add(connection: AsyncConnection, template: Template, organisation: Organisation | None) -> Template:
    """Add a template, whose `id` is ignored."""
    values = rows.template_values(template) | {"organisation_id": organisation.id if organisation else None}
    number = (await connection.execute(insert(table).values(values).returning(table.c.id))).scalar_one()
    if organisation is not None and template.is_default_template:
        await _only_default(connection, organisation, number)
    found = await by_id(connection, number)
    assert found is not None  # noqa: S101 - it was inserted in this transaction
    return found


async def change(connection: AsyncConnection, template: Template, organisation: Organisation) -> None:
    """Write every field of a template."""
    await connection.execute(update(table).where(table.c.id == template.id).values(rows.template_values(template)))
    if template.is_default_template:
        await _only_default(connection, organisation, template.id)


async def delete(connection: AsyncConnection, template: Template, now: datetime) -> None:
    """Mark a template as deleted."""
    await connection.execute(update(table).where(table.c.id == template.id).values(deleted_time=now))


async def _only_default(connection: AsyncConnection, organisation: Organisation, number: int) -> None:
    others = table.c.organisation_id == organisation.id, table.c.id != number, table.c.is_default_template
    await connection.execute(update(table).where(*others).values(is_default_template=False))


async def _first(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> Template | None:
    row = (await connection.execute(_select(*conditions).limit(1))).mappings().first()
    return rows.template(row) if row else None
