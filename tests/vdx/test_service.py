from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from vdx import service


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield made


def test_a_state_reaches_the_service_manager(manager: socket.socket) -> None:
    service.tell("READY=1\nSTATUS=well")
    assert manager.recv(100) == b"READY=1\nSTATUS=well"


def test_a_manager_that_has_gone_is_no_reason_to_stop(manager: socket.socket) -> None:
    manager.close()
    service.tell("STOPPING=1")


def test_the_watchdog_is_fed_when_it_asks(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000")

    async def fed_twice() -> None:
        feeding = asyncio.ensure_future(service.feed_watchdog())
        loop = asyncio.get_running_loop()
        for _ in range(2):
            assert await loop.run_in_executor(None, manager.recv, 100) == b"WATCHDOG=1"
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)

    asyncio.run(fed_twice())


def test_without_a_watchdog_nothing_is_sent(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)

    async def idle() -> None:
        feeding = asyncio.ensure_future(service.feed_watchdog())
        await asyncio.sleep(0)
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)

    asyncio.run(idle())
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(100)
