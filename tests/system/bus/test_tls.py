"""The bus over TLS: believed where its certificate is vouched for, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.authority import Authority
from lab.bus import BusServer
from tests.system.bus.conftest import PROGRAMS
from tests.system.bus.programs import ONE, a_room, hub, program
from vdx.bus import Bucket
from vdx.bus.server import Certificates
from vdx.rooms import ROOMS

pytestmark = pytest.mark.system

REFUSED_SECONDS = 1.0


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "keys")


@pytest.fixture
def server(tmp_path: Path, authority: Authority) -> Iterator[BusServer]:
    pair = authority.issue("bus", ["127.0.0.1"])
    files = Certificates(*pair.texts, str(authority.path))
    made = BusServer(tmp_path / "bus", tls=files)
    made.prepare(PROGRAMS)
    made.start()
    yield made
    made.stop()


def test_a_server_that_is_vouched_for_is_believed(server: BusServer, authority: Authority) -> None:
    async def story() -> None:
        async with hub(server, authority.path) as ours, program(server, "edge1", authority.path) as edge:
            await Bucket(ours, ROOMS).put(ONE, a_room())
            found = await Bucket(edge, ROOMS).get(ONE)
            assert found is not None
            assert found.record == a_room()

    asyncio.run(story())


def test_another_authority_vouches_for_nothing(server: BusServer, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "others")

    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(REFUSED_SECONDS), program(server, "edge1", stranger.path):
                pass

    asyncio.run(story())


def test_nothing_is_said_in_the_clear(server: BusServer, authority: Authority) -> None:
    async def story() -> None:
        reader, writer = await asyncio.open_connection(*server.url.removeprefix("tls://").split(":"))
        greeting = await asyncio.wait_for(reader.readline(), 5)
        assert b'"tls_required":true' in greeting
        user, password = server.secret("edge1").read_text().split()
        writer.write(f'CONNECT {{"user":"{user}","pass":"{password}","verbose":true}}\r\nPING\r\n'.encode())
        answer = await asyncio.wait_for(reader.read(), 5)
        assert b"PONG" not in answer
        assert b"+OK" not in answer
        writer.close()

    assert authority.path.exists()
    asyncio.run(story())
