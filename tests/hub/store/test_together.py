"""Rows of several tables are written at once, on both databases alike; writers of SQLite take turns."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, select

from hub.errors import AwayError
from hub.store import database as store
from hub.store.database import Database, TakenError
from hub.store.tables import organisations, outbox, persons
from hub.store.together import Together
from tests.hub.world import World

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
SAID = 'Æ \\ " \u2028 🏥 %s :name {"a": null}'


def organisation(number: int, code: str, above: int | None = None) -> dict[str, Any]:
    common = {"kind": "group", "allow_custom_uri_without_domain": False, "pool_size": None}
    return {"id": number, "code": code, "name": SAID, "parent_id": above, **common}


async def rows(database: Database, table: Any) -> list[Any]:
    async with database.read() as connection:
        return [dict(row) for row in (await connection.execute(select(table))).mappings()]


async def write(database: Database, *kept: tuple[Any, list[dict[str, Any]]]) -> None:
    async with database.write() as connection:
        together = Together(connection)
        for table, values in kept:
            together.add(table, *values)
        await together.write()
        await together.write()  # what is written is not written again


def test_what_is_read_is_what_was_written(database_url: str) -> None:
    async def run() -> None:
        database = Database(database_url)
        message = {"text": SAID, "list": [1, None, True, {"deep": [0.5]}]}
        person = {"pseudonym": "p", "email": SAID, "seen_time": NOW}
        told = [{"subject": str(at), "message": message, "time": NOW} for at in range(3)]
        both = organisation(7, "above"), organisation(8, "below", 7)
        await write(database, (organisations, list(both)), (persons, [person]), (outbox, told))
        assert await rows(database, persons) == [person]
        found = await rows(database, outbox)
        assert [(each["message"], each["time"], each["chained"]) for each in found] == [(message, NOW, False)] * 3
        tree = await rows(database, organisations)
        assert [(each["id"], each["name"], each["parent_id"], each["inherits"]) for each in tree] == [
            (7, SAID, None, True),
            (8, SAID, 7, True),
        ]
        await database.close()

    asyncio.run(run())


def test_all_is_written_or_nothing(database_url: str) -> None:
    async def run() -> None:
        database = Database(database_url)
        person = {"pseudonym": "p", "email": "a", "seen_time": NOW}
        with pytest.raises(TakenError, match="uq_persons_email"):
            await write(
                database, (organisations, [organisation(1, "a")]), (persons, [person, person | {"pseudonym": "q"}])
            )
        assert await rows(database, organisations) == []
        assert await rows(database, persons) == []
        await database.close()

    asyncio.run(run())


def test_writers_of_sqlite_take_turns(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> list[int]:
        database = Database(f"sqlite:///{tmp_path}/turns.sqlite")
        done: list[int] = []

        async def one(number: int) -> None:
            async with database.write():
                await asyncio.sleep(0)
                done.append(number)

        await asyncio.gather(*(one(each) for each in range(20)))
        monkeypatch.setattr(store, "WAIT_SECONDS", 0.001)
        async with database.write():
            with pytest.raises(AwayError, match="busy"):
                await one(21)
        await one(22)
        await database.close()
        return done

    assert asyncio.run(run()) == [*range(20), 22]


def test_a_booking_takes_few_ways_to_the_server(world: World) -> None:
    # each statement is a way there and back; what can be asked or written together is
    world.organisation("north")
    world.book()  # the template that all share is made
    asked: list[str] = []
    engine = world.database.engine.sync_engine

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if not statement.startswith("BEGIN"):
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    world.book(labels=["a", "b"], externalId="x")
    assert len(asked) == (4 if world.database.postgresql else 8), asked
    asked.clear()
    world.ask("GET", "/v2/meetings?label=a", "meeting-planner")
    assert len(asked) == 3, asked
    event.remove(engine, "before_cursor_execute", note)
