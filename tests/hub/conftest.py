"""What tests of the hub share: a database of each kind, tokens, and the API with a clock that tests turn."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from hub import program
from hub.store.database import Database
from hub.store.tables import metadata
from tests.hub import postgresql
from tests.hub.issuer import Issuer
from tests.hub.world import World, settings


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Run a PostgreSQL server with the hub's tables for this run of the tests."""
    with postgresql.server() as url:
        program.prepare(settings(url, Path("unused.json")))
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a SQLite database with the hub's tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "hub.sqlite"
    program.prepare(settings(f"sqlite:///{path}", Path("unused.json")))
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give an empty database of either kind."""
    if request.param == "sqlite":
        path = tmp_path / "hub.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    return str(request.getfixturevalue("postgresql_database"))


@pytest.fixture
def postgresql_database(postgresql_url: str) -> str:
    """Give the database of the PostgreSQL server, empty."""
    _empty(postgresql_url)
    return postgresql_url


def _empty(url: str) -> None:
    async def run() -> None:
        database = Database(url)
        names = ", ".join(table.name for table in metadata.sorted_tables)
        async with database.write() as connection:
            await connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        await database.close()

    asyncio.run(run())


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """Give an issuer of tokens with a key of its own."""
    return Issuer()


@pytest.fixture
def world(request: pytest.FixtureRequest, database_url: str, issuer: Issuer, tmp_path: Path) -> Iterator[World]:
    """Give the API over an empty database; a test may hand settings in as the parameter."""
    jwks = tmp_path / "jwks.json"
    jwks.write_text(issuer.jwks())
    others = getattr(request, "param", {})
    with World.over(settings(database_url, jwks, **others), issuer) as made:
        yield made
