"""Statements about classes of use: what tells them, and how meetings are spread over them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.classes import Level, Part, Rule
from hub.domain.model import Organisation
from hub.domain.words import Field, Use
from hub.store import rows
from hub.store.organisations import MAX_DEPTH
from hub.store.tables import meetings, organisations
from hub.store.tables import use_rules as table

Count = tuple[int, Use, Field | None, int]
"""Number of an organisation, class, field, meetings."""


def _up() -> Select[Any]:
    node = organisations
    chain = select(node.c.id, node.c.parent_id, literal(0).label("depth")).where(node.c.code == bindparam("code"))
    up = chain.cte("up", recursive=True)
    up = up.union_all(
        select(node.c.id, node.c.parent_id, up.c.depth + 1)
        .join(up, node.c.id == up.c.parent_id)
        .where(up.c.depth < MAX_DEPTH)
    )
    rule = [column.label(f"rule_{column.name}") for column in table.c]
    return (
        select(node, *rule)
        .join(up, node.c.id == up.c.id)
        .outerjoin(table, table.c.organisation_id == node.c.id)
        .order_by(up.c.depth, table.c.position)
    )


_UP = _up()


async def levels(connection: AsyncConnection, code: str) -> list[Level]:
    """List an organisation and those above it, the nearest first, each with its rules: in one statement.

    Empty where nobody has the code.
    """
    found = list((await connection.execute(_UP, {"code": code})).mappings())
    return [_level(list(same)) for _, same in groupby(found, key=lambda row: row["id"])]


def _level(same: list[rows.Row]) -> Level:
    rules = tuple(_rule(row) for row in same if row["rule_part"] is not None)
    return Level(rows.organisation(same[0]), rules)


def _rule(row: rows.Row) -> Rule:
    use, field = row["rule_use"], row["rule_field"]
    part = Part(row["rule_part"])
    return Rule(part, row["rule_pattern"], Use(use) if use else None, Field(field) if field else None)


async def replace_rules(connection: AsyncConnection, organisation: Organisation, rules: Sequence[Rule]) -> None:
    """Write the rules of an organisation in place of those it had."""
    await connection.execute(delete(table).where(table.c.organisation_id == organisation.id))
    if rules:
        values = [
            {
                "organisation_id": organisation.id,
                "position": position,
                "part": rule.part,
                "pattern": rule.pattern,
                "use": rule.use,
                "field": rule.field,
            }
            for position, rule in enumerate(rules)
        ]
        await connection.execute(insert(table), values)


async def counts(connection: AsyncConnection, codes: Sequence[str], begin: datetime, end: datetime) -> list[Count]:
    """Count the meetings that start from `begin` to before `end`, by organisation, class and field."""
    columns = meetings.c.organisation_id, meetings.c.use, meetings.c.field
    period: list[ColumnElement[bool]] = [meetings.c.start_time >= begin, meetings.c.start_time < end]
    owners = select(organisations.c.id).where(organisations.c.code.in_(codes))
    statement = select(*columns, func.count()).where(columns[0].in_(owners), *period).group_by(*columns)
    found = await connection.execute(statement)
    return [(number, Use(use), Field(field) if field else None, many) for number, use, field, many in found]
