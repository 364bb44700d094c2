"""A worker process is not stopped by the garbage collector: what it holds is kept out, requests leave no cycles."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import QueuePool

from hub import program
from hub.errors import AwayError
from hub.store.database import POOL_SIZE, Database
from tests.hub.world import World, settings

MANY = 30


@pytest.mark.usefixtures("collector")
def test_what_is_there_from_the_start_is_not_looked_through_again(sqlite_template: Path, tmp_path: Path) -> None:
    app = program.wire(settings(f"sqlite:///{sqlite_template}", tmp_path / "jwks.json"))

    async def serve() -> int:
        async with app.router.lifespan_context(app):
            return len(gc.get_objects())

    left = asyncio.run(serve())
    assert app.openapi_schema is not None
    assert gc.get_freeze_count() > 10 * left


async def ask(world: World, method: str, target: str, body: Any) -> int:
    """Send a request to the application itself, without a client; gives the status."""
    path, _, query = target.partition("?")
    headers = world.headers("meeting-planner") | {"content-type": "application/json"}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "server": ("hub.example", 443),
        "scheme": "https",
    }
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": msgspec.json.encode(body)}

    async def send(message: dict[str, Any]) -> None:
        if "status" in message:
            statuses.append(message["status"])

    await world.client.app(scope, receive, send)  # type: ignore[arg-type]
    return statuses[0]


@pytest.mark.usefixtures("collector")
def test_requests_leave_no_cycles(world: World) -> None:
    world.organisation("north")
    uuid = world.book(labels=["ward 7"])["uuid"]

    async def left(method: str, target: str, body: Any, status: int) -> int:
        for count in (2, MANY):  # first what is remembered
            gc.collect()
            gc.disable()
            for _ in range(count):
                assert await ask(world, method, target, body) == status
        return gc.collect()

    for method, target, body, status in (
        ("POST", "/v2/meetings", world.meeting(labels=["ward 7"]), 200),
        ("PATCH", f"/v2/meetings/{uuid}", {"subject": "Later"}, 200),
        ("GET", f"/v2/meetings/{uuid}", None, 200),
        ("GET", f"/v2/scheduling-info/{uuid}", None, 200),
        ("GET", "/v2/meetings?search=ound", None, 200),
        ("GET", "/v2/meetings", None, 400),
    ):
        found = world.run(lambda: left(method, target, body, status))  # noqa: B023 - run before the next
        assert found < MANY, (method, target)


@pytest.mark.system
def test_connections_are_there_before_the_first_request(postgresql_url: str) -> None:
    async def opened() -> int:
        database = Database(postgresql_url)
        await database.warm()
        pool = database.engine.pool
        assert isinstance(pool, QueuePool)
        found = pool.checkedin()
        await database.close()
        return found

    assert asyncio.run(opened()) == POOL_SIZE


def test_a_worker_starts_without_its_database(tmp_path: Path) -> None:
    nowhere = f"postgresql://hub@/hub?host={tmp_path}"
    app = program.wire(settings(nowhere, tmp_path / "jwks.json"))

    async def serve() -> bool:
        with pytest.raises(AwayError):
            await Database(nowhere).warm()
        async with app.router.lifespan_context(app):
            return True

    assert asyncio.run(serve())
