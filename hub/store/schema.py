"""Bring the database to the schema of this version, before anything is served; several processes may try at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from hub.store.database import Database

LOCK = 0x7664_7868
"""PostgreSQL's advisory lock of whoever changes the schema."""


async def upgrade(database: Database) -> None:
    """Run every step that is missing, in one transaction; raises `AwayError` where the database cannot be reached."""
    async with database.write() as connection:
        if database.postgresql:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        await connection.run_sync(_run)


def config() -> Config:
    """Give Alembic's configuration."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return made


def _run(connection: Connection) -> None:
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
