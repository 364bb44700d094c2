"""Rows of several tables, added at once: a booking is seven rows, and each statement is a way to the server and back.

PostgreSQL takes them as one statement, a JSON array for each table; foreign keys are checked at its end. SQLite, which
is in our own process, takes one statement for each table.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Insert, Table, TextClause, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]

SHAPES = 256
"""Statements that are kept; there is one for each set of tables and columns, some dozen."""


class Together:
    """Rows that one transaction adds: `add` keeps them, `write` adds what was kept since the last time.

    Tables are written in the order in which they came, so those that others refer to come first.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self._rows: dict[Table, list[Row]] = {}

    def add(self, table: Table, *rows: Row) -> None:
        """Keep rows for a table; all of one table name the same columns."""
        if rows:
            self._rows.setdefault(table, []).extend(rows)

    async def write(self) -> None:
        """Add the rows; raises what the database says of them."""
        rows, self._rows = self._rows, {}
        if not rows:
            return
        if self.connection.dialect.name != "postgresql":
            await self.connection.run_sync(_one_by_one, rows)
            return
        shape = tuple((table.name, tuple(kept[0])) for table, kept in rows.items())
        values = {table.name: msgspec.json.encode(kept).decode() for table, kept in rows.items()}
        await self.connection.execute(_statement(shape), values)


def _one_by_one(connection: Connection, rows: Mapping[Table, list[Row]]) -> None:
    for table, kept in rows.items():
        connection.execute(_insert(table), kept)


@lru_cache(SHAPES)
def _insert(table: Table) -> Insert:
    return insert(table).inline()


@lru_cache(SHAPES)
def _statement(shape: tuple[tuple[str, tuple[str, ...]], ...]) -> TextClause:
    """Write the statement; names are those of our own tables, values come as parameters."""
    parts = [
        f"INSERT INTO {table} ({(names := ', '.join(map(_quoted, columns)))}) "  # noqa: S608 - our own names
        f"SELECT {names} FROM json_populate_recordset(NULL::{table}, CAST(:{table} AS json))"
        for table, columns in shape
    ]
    first = ", ".join(f"part_{at} AS ({part})" for at, part in enumerate(parts[:-1]))
    return text(f"WITH {first} {parts[-1]}" if first else parts[-1])


def _quoted(name: str) -> str:
    return f'"{name}"'  # some are words of SQL
