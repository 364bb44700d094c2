"""The OpenAPI document: complete, and true of whatever requests are made from it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from hub.domain.model import Organisation
from hub.domain.words import Kind
from hub.store import organisations
from hub.store.database import Database
from tests.hub.issuer import Issuer
from tests.hub.running import hub

OPERATIONS = 23  # of the video API
EXAMPLES = "15"
"""Requests of each kind for each operation."""

ROLES = ["meeting-admin", "meeting-planner", "meeting-provisioner-user"]


async def _settle(url: str) -> None:
    database = Database(url)
    async with database.write() as connection:
        await organisations.add(connection, Organisation(0, "north", "North", Kind.ORGANISATION, None, pool_size=2))
    await database.close()


@pytest.mark.system
def test_every_answer_is_as_the_document_says(postgresql_database: str, issuer: Issuer, tmp_path: Path) -> None:
    with hub(postgresql_database, issuer, tmp_path) as address:
        asyncio.run(_settle(postgresql_database))
        paths = httpx2.get(f"{address}/v2/openapi.json").json()["paths"]
        named = [(path, method) for path, methods in paths.items() for method in methods if path.startswith("/v2/")]
        assert len(named) == OPERATIONS
        token = issuer.token(ROLES, "north", "a@north.example", exp=2**33)
        done = subprocess.run(
            [
                Path(sys.executable).parent / "st",
                "run",
                f"{address}/v2/openapi.json",
                "--header",
                f"Authorization: Bearer {token}",
                "--max-examples",
                EXAMPLES,
                "--generation-database=none",
                "--no-color",
                "--seed=1",
                "--continue-on-failure",
                "--suppress-health-check=filter_too_much",  # paths that hold paths
                "--exclude-checks=positive_data_acceptance",  # a free number, a pool, a state are no part of a schema
            ],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            timeout=300,
        )
    assert done.returncode == 0, done.stdout.decode()[-20_000:]
