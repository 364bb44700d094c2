"""The provisioner on a real bus: a meeting that is booked is a room there, also when the bus was away meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hub.provision.reconciler import Reconciler
from lab.bus import BusServer
from tests.hub.provision.test_rounds import KEY
from tests.hub.world import BUS, World, text
from tests.system.bus.programs import hub as hub_on_bus
from tests.system.bus.programs import program
from vdx.bus import Address, Bucket, Bus, BusDown, Versioned
from vdx.bus.grants import Role
from vdx.rooms import ROOMS, Room

PROGRAMS: dict[str, Role] = {"hub": "hub", "edge": "edge"}

pytestmark = [pytest.mark.system, pytest.mark.parametrize("world", [{"bus": BUS}], indirect=True)]


def test_a_booked_room_is_seen_by_an_edge(world: World, tmp_path: Path) -> None:
    server = BusServer(tmp_path / "bus")
    server.prepare(PROGRAMS)
    server.start()
    try:
        world.organisation("north")
        uuid = world.book(startTime=text(world.clock.now))["uuid"]

        async def seen() -> Versioned[Room] | None:
            async with hub_on_bus(server) as bus, program(server, "edge") as edge:
                reconciler = Reconciler(world.database, world.office, Bucket(bus, ROOMS), KEY)
                while await reconciler.round():
                    pass
                return await Bucket(edge, ROOMS).get(uuid)

        found = world.run(seen)
        assert found is not None
        assert found.record.aliases == (world.room(uuid)["uriWithoutDomain"],)
        server.stop()

        async def without() -> None:
            async with asyncio.timeout(30):
                bus = Bus(Address((server.url,), "hub", server.secret("hub")))
                await Reconciler(world.database, world.office, Bucket(bus, ROOMS), KEY).follow(1)

        world.ask("PATCH", f"/v2/meetings/{uuid}", "meeting-planner", json={"endTime": "2026-11-02T15:00:00Z"})
        with pytest.raises(BusDown):
            world.run(without)
        server.start()
        assert world.run(seen) is not None
    finally:
        server.stop()
