"""Open the database and run transactions: sent again where another was in the way, 503 where it cannot be reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from hub.errors import AwayError, SettingsError
from hub.store.leader import Leader
from hub.store.tables import metadata

T = TypeVar("T")

TRIES = 10
"""Times a transaction is begun: two clients after the last number of a range meet a few times, not ten."""

PAUSE_SECONDS = 0.005
"""Between tries, times how many there were."""

POOL_SIZE = 10
"""Connections of one process to PostgreSQL: more would only wait for each other there.

All of them stay, since one that is opened for a moment costs the server more than the request it is for; the last that
was used is taken first, which knows the statements already. They are opened before the first request (`warm`). A burst
still teaches each of them its statements at the same time, three requests' worth of work: another reason to have few.
"""

WAIT_SECONDS = 5
"""How long a request waits for a connection, or for a lock of SQLite."""

COLLISIONS = ("40001", "40P01")
"""PostgreSQL's serialization failure and deadlock: the transaction was undone, and may succeed when sent again."""


class TakenError(Exception):
    """A value that must be unique is there already; `constraint` is its name, such as `uq_meetings_short_id`."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class CollisionError(AwayError):
    """Another transaction was in the way; this one was undone."""


class Database:
    """One database: `read` and `write` are transactions, `retry` sends one again while others are in its way.

    `patient`: for changes of the schema and exports, which take as long as they take.
    """

    def __init__(self, url: str, *, patient: bool = False) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise SettingsError("database: not a URL such as postgresql://host/hub or sqlite:///hub.sqlite") from None
        self.engine = _engine(parsed, None if patient else WAIT_SECONDS * 6)
        self.postgresql = self.engine.dialect.name == "postgresql"
        self._writer = asyncio.Lock()

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    async def warm(self) -> None:
        """Open every connection to PostgreSQL; raises `AwayError`."""
        if not self.postgresql:
            return
        try:
            async with AsyncExitStack() as stack:
                for _ in range(POOL_SIZE):
                    await stack.enter_async_context(self.engine.connect())
        except (SQLAlchemyError, OSError) as error:
            raise translated(error) from error

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection to look with; raises `AwayError` where the database cannot be reached."""
        try:
            async with self.engine.connect() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise translated(error) from error

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection whose changes are made together at the end, or not at all.

        Raises `TakenError` for a value that must be unique, `CollisionError` where another transaction was in the way,
        `AwayError` where the database cannot be reached.
        """
        try:
            async with self._turn(), self.engine.connect() as connection:
                await connection.execution_options(writes=True)
                yield connection
                await connection.commit()
        except (SQLAlchemyError, OSError) as error:
            raise translated(error) from error

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for those who write before us, in the order in which they came.

        SQLite has one writer; whoever finds another at work would look again and again, and the last to come wins.
        """
        if self.postgresql:
            yield
            return
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._writer.acquire()
        except TimeoutError:
            raise AwayError("the database is busy: send the request again") from None
        try:
            yield
        finally:
            self._writer.release()

    async def retry(self, work: Callable[[AsyncConnection], Awaitable[T]], again: frozenset[str] = frozenset()) -> T:
        """Run `work` in a transaction, again while others are in its way; raises as `write`.

        `again`: constraints that another try satisfies, since `work` chooses anew by chance.
        """
        for tried in range(1, TRIES):
            try:
                async with self.write() as connection:
                    return await work(connection)
            except CollisionError:
                await asyncio.sleep(PAUSE_SECONDS * tried)
            except TakenError as taken:
                if taken.constraint not in again:
                    raise
        async with self.write() as connection:
            return await work(connection)


def translated(error: Exception) -> Exception:
    """Say what an error of the database means for a request."""
    if isinstance(error, IntegrityError):
        name = _constraint(error)
        return TakenError(name) if name else error
    if isinstance(error, DBAPIError):
        if getattr(error.orig, "sqlstate", None) in COLLISIONS or "database is locked" in str(error.orig):
            return CollisionError("the database is busy with the same rows: send the request again")
        if error.connection_invalidated or not error.statement or _unreachable(error.orig):
            return AwayError("the database cannot be reached: send the request again")
    if isinstance(error, OSError | PoolTimeoutError):
        return AwayError("the database cannot be reached: send the request again")
    return error


def _unreachable(cause: BaseException | None) -> bool:
    state = str(getattr(cause, "sqlstate", None) or "")
    return state[:2] in {"08", "57", "53"} or isinstance(cause, OSError)  # connection, shutdown, resources


def _constraint(error: IntegrityError) -> str | None:
    cause = getattr(error.orig, "__cause__", None)
    name = getattr(cause, "constraint_name", None)
    if name is not None:
        return str(name)
    text = str(error.orig)
    if not text.startswith("UNIQUE constraint failed: "):
        return None
    columns = [each.strip().split(".") for each in text.removeprefix("UNIQUE constraint failed: ").split(",")]
    table, names = columns[0][0], [column for _, column in columns]
    primary = [column.name for column in metadata.tables[table].primary_key]
    return f"pk_{table}" if names == primary else f"uq_{table}_{'_'.join(names)}"


def _engine(url: URL, longest: float | None) -> AsyncEngine:
    kind = url.get_backend_name()
    if kind == "postgresql":
        engine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_use_lifo=True,
            pool_timeout=WAIT_SECONDS,
            pool_pre_ping=False,
            hide_parameters=True,  # errors are logged, and parameters are names and PINs
            connect_args={"command_timeout": longest},
        )
        event.listen(engine.sync_engine, "do_connect", Leader().connect)
        return engine
    if kind != "sqlite":
        raise SettingsError(f"database: {kind!r} is not known: give a URL of postgresql or sqlite")
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"), hide_parameters=True, connect_args={"timeout": WAIT_SECONDS}
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: object) -> None:  # noqa: ANN401 - a connection of whatever driver
    del record
    connection.isolation_level = None  # transactions begin where we say so
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")  # two readers that go on to write would meet
