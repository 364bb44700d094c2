"""Several PostgreSQL servers, of which one leads, one refuses and one is behind a line that is cut."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Dialect

from hub.errors import AwayError
from hub.store.database import Database
from hub.store.leader import GONE_SECONDS, Leader
from tests.hub import postgresql


@pytest.fixture
def silent() -> Iterator[int]:
    """Give a port of the loopback at which connections are neither taken nor refused: its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = True
        while waiting:
            one = stack.enter_context(socket.socket())
            one.settimeout(0.2)
            try:
                one.connect(listener.getsockname())
            except TimeoutError:
                waiting = False
        yield int(listener.getsockname()[1])


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def own_address() -> str:
    """Give one of the loopback that nobody else takes, for a server at the usual port."""
    return f"127.{'.'.join(str(octet) for octet in os.urandom(3))}"


@pytest.mark.system
def test_the_server_that_leads_is_found(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind one that says nothing, one that refuses and one that follows; the kernel gives it up once it is gone."""
    monkeypatch.setenv("PGTARGETSESSIONATTRS", "read-write")
    following, leading = own_address(), own_address()
    others = f"host=127.0.0.1:{silent}&host=127.0.0.1:{free_port()}&host={following}:5432"

    async def work() -> int:
        database = Database(f"postgresql://hub@/postgres?{others}&host={leading}:5432")
        try:
            async with database.write() as connection:
                assert str((await connection.execute(text("SELECT inet_server_addr()"))).scalar()) == leading
                raw = cast("Any", (await connection.get_raw_connection()).driver_connection)
                line = raw._transport.get_extra_info("socket")
                return int(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
        finally:
            await database.close()

    settings = (f"listen_addresses={following}", "default_transaction_read_only=on")
    with (
        postgresql.server((*postgresql.QUICK, *settings)),
        postgresql.server((*postgresql.QUICK, f"listen_addresses={leading}")),
    ):
        assert asyncio.run(work()) == GONE_SECONDS * 1000


@pytest.mark.system
def test_where_no_server_leads_the_request_is_to_be_sent_again() -> None:
    async def ask() -> None:
        database = Database(f"postgresql://hub@/postgres?host=127.0.0.1:{free_port()}&host=127.0.0.1:{free_port()}")
        with pytest.raises(AwayError):
            async with database.write():
                pass
        await database.close()

    asyncio.run(ask())


class PaperDialect:
    """Connects to those that lead, and notes who was asked."""

    loaded_dbapi = SimpleNamespace(Error=ValueError)

    def __init__(self, *leading: str) -> None:
        self.leading = set(leading)
        self.asked: list[tuple[str, int]] = []

    def connect(self, *, host: str, port: int, **_: object) -> str:
        self.asked.append((host, port))
        if host not in self.leading:
            raise ConnectionRefusedError("it does not lead")
        return host


def test_who_led_last_is_asked_first() -> None:
    paper, leader = PaperDialect("b"), Leader()

    def connect() -> object:
        options = {"host": ["a", "b", "c"], "port": [1, 2, 3]}
        return cast("object", leader.connect(cast("Dialect", paper), None, [], options))

    assert [connect(), connect()] == ["b", "b"]
    paper.leading = {"a"}
    assert connect() == "a"
    assert paper.asked == [("a", 1), ("b", 2), ("b", 2), ("b", 2), ("c", 3), ("a", 1)]
    paper.leading.clear()
    with pytest.raises(ConnectionError, match="a: it does not lead; b: it does not lead; c: it does not lead"):
        connect()
