"""A program that is added, as a playbook adds a mixing server: the bus is started anew with it.

SIGHUP is not enough: nats-server 2.15 lets a new account connect and then answers nothing that it imports.
"""

from __future__ import annotations

import asyncio

import pytest

from lab.bus import BusServer
from tests.system.bus.conftest import PROGRAMS
from tests.system.bus.programs import a_node, hub, program
from vdx.bus import Bucket
from vdx.nodes import NODES

pytestmark = pytest.mark.system


def test_who_is_added_is_heard_once_the_bus_was_started_anew(server: BusServer) -> None:
    async def story() -> None:
        async with hub(server), program(server, "mixer1") as first:
            await Bucket(first, NODES).put("mixer1", a_node())
        server.stop()
        server.prepare({**PROGRAMS, "mixer2": "mixer"})
        server.start()
        async with program(server, "hub") as ours, program(server, "mixer2") as second:
            await Bucket(second, NODES).put("mixer2", a_node("mixer2"))
            assert await Bucket(ours, NODES).get("mixer1") is not None  # nothing was lost
            assert await Bucket(ours, NODES).get("mixer2") is not None

    asyncio.run(story())
