"""How many are in a room, as the program that serves pages hears it on a real bus."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from hub import program
from hub.settings import BusAddress
from lab.bus import BusServer
from tests.hub.world import settings
from tests.system.bus.programs import hub as hub_on_bus
from tests.system.bus.programs import program as on_bus
from vdx.bus import Bucket
from vdx.bus.grants import Role
from vdx.placed import CALLS, PlacedCall, PlacedCalls

ROOM = "11111111-2222-3333-4444-555555555555"
PROGRAMS: dict[str, Role] = {"hub": "hub", "edge": "edge"}

pytestmark = pytest.mark.system


def test_calls_of_edges_are_counted(tmp_path: Path) -> None:
    server = BusServer(tmp_path / "bus")
    server.prepare(PROGRAMS)
    server.start()
    (tmp_path / "pins").write_bytes(b"k" * 32)
    address = BusAddress(servers=(server.url,), credentials=server.secret("hub"), pin_key=tmp_path / "pins")
    app = program.wire(settings(f"sqlite:///{tmp_path}/hub.sqlite", tmp_path / "jwks.json", bus=address))
    presence = app.state.hub.presence
    page = PlacedCalls(edge="edge", calls=(PlacedCall(call="1", since=0.0, room=ROOM),))

    async def counted() -> None:
        async with hub_on_bus(server), on_bus(server, "edge") as edge:
            assert presence.count(UUID(ROOM)) is None
            await Bucket(edge, CALLS).create("edge.0", page)
            async with asyncio.timeout(15), app.router.lifespan_context(app):
                while presence.count(UUID(ROOM)) != 1:  # noqa: ASYNC110 - the watch tells nobody else
                    await asyncio.sleep(0.02)

    try:
        asyncio.run(counted())
    finally:
        server.stop()
