"""Programs on a bus under test: connected, and things they wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from lab.bus import BusServer
from vdx.bus import Address, Bus
from vdx.bus.grants import STREAMS
from vdx.bus.provision import bucket, provision, stream
from vdx.nodes import NODES, Node
from vdx.placed import CALLS
from vdx.rooms import ROOMS, Room

PATIENCE = 15.0
ONE = "11111111-2222-3333-4444-555555555555"
TWO = "22222222-2222-3333-4444-555555555555"


@asynccontextmanager
async def program(server: BusServer, name: str, trust: Path | None = None) -> AsyncIterator[Bus]:
    """Give a program that is connected."""
    bus = Bus(Address((server.url,), name, server.secret(name), trust))
    running = asyncio.create_task(bus.run())
    try:
        await asyncio.wait_for(bus.until_connected(), PATIENCE)
        yield bus
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def hub(server: BusServer, trust: Path | None = None) -> AsyncIterator[Bus]:
    """Give the hub, when it has made all buckets and streams."""
    async with program(server, "hub", trust) as bus:
        buckets = [bucket(kind, 1) for kind in (ROOMS, NODES, CALLS)]
        await provision(bus, buckets + [stream(name, 1) for name in STREAMS])
        yield bus


async def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds():  # noqa: ASYNC110 - what is waited for is state of many kinds
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not in {PATIENCE:g} s: {what}") from None


def a_room(uuid: str = ONE, alias: str = "1234", owner: str = "") -> Room:
    return Room(uuid=uuid, aliases=(alias,), owner=owner)


def a_node(name: str = "mixer1", used: int = 0) -> Node:
    return Node(name=name, holder="run-1", address="192.0.2.10", port=5060, transport="udp", capacity=240, used=used)
