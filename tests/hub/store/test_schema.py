"""The steps of the schema make the tables that the statements use."""

from __future__ import annotations

import asyncio
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from hub import program
from hub.store.database import Database
from hub.store.tables import metadata
from tests.hub.world import settings


def test_the_steps_make_the_tables(database_url: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async def run() -> list[Any]:
        database = Database(database_url)
        async with database.read() as connection:
            found = await connection.run_sync(differences)
        await database.close()
        return found

    assert asyncio.run(run()) == []


def test_a_second_start_changes_nothing(database_url: str, tmp_path: Any) -> None:
    program.prepare(settings(database_url, tmp_path))
    program.prepare(settings(database_url, tmp_path))
