"""A mixing server on a real bus: seen there, called for a room that it then holds, steered from afar, and gone."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

from lab.bus import BusServer
from tests.mixer.agent.conftest import configured, running
from tests.mixer.agent.served import Served
from tests.mixer.agent.system import System
from vdx.bus import Address, Bucket, Bus
from vdx.bus.provision import bucket, provision
from vdx.meetings import STEER, Done, ListRooms, Rooms, Steer, Transfer
from vdx.nodes import NODES, Node
from vdx.rooms import ROOMS, Room

pytestmark = pytest.mark.system

Found = TypeVar("Found")

ELSEWHERE = "44444444-2222-3333-4444-555555555555"


def on_bus(server: BusServer, work: Callable[[Bus], Awaitable[Found]]) -> Found:
    async def connected() -> Found:
        bus = Bus(Address((server.url,), "hub", server.secret("hub")))
        running_bus = asyncio.create_task(bus.run())
        try:
            async with asyncio.timeout(10):
                await bus.until_connected()
                return await work(bus)
        finally:
            running_bus.cancel()
            with suppress(asyncio.CancelledError):
                await running_bus

    return asyncio.run(connected())


def node(server: BusServer) -> Node | None:
    async def look(bus: Bus) -> Node | None:
        found = await Bucket(bus, NODES).get("mixer1")
        return found.record if found is not None else None

    return on_bus(server, look)


def owner(server: BusServer, uuid: str) -> str:
    async def look(bus: Bus) -> str:
        found = await Bucket(bus, ROOMS).get(uuid)
        assert found is not None
        return found.record.owner

    return on_bus(server, look)


def mixerctl(file: Path, *arguments: str, typed: str = "") -> str:
    command = [sys.executable, "-m", "mixer.ctl", "room", "--config", str(file), *arguments]
    done = subprocess.run(command, input=typed, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


async def elsewhere(bus: Bus) -> None:
    """Have another server hold a room."""
    other = Node(name="mixer2", holder="run", address="192.0.2.9", port=5060, transport="udp", capacity=240)
    await Bucket(bus, NODES).put(other.name, other)
    await Bucket(bus, ROOMS).put(ELSEWHERE, Room(uuid=ELSEWHERE, aliases=("4000",), owner=other.name))


def held_elsewhere(caller: System, uri: str) -> bool:
    """Tell whether a server knows that another one holds a room."""
    answer = caller.request("INVITE", caller.offer(), uri=uri)
    caller.send("ACK")
    caller.ended()
    return answer.startswith("SIP/2.0 503")


def room_of(server: BusServer, one: Served, uuid: str) -> None:
    with System(one.port) as caller:
        caller.invite(one.uri("3000"))
        one.until(lambda: one.roster("3000").get("System"))
        assert owner(server, uuid) == "mixer1"
        for key in "4321#":
            caller.request("INFO", f"Signal={key}\r\n", "", "application/dtmf-relay")
        one.until(lambda: one.roster("3000")["System"].phase == "inside")

        async def steer(bus: Bus) -> Rooms:
            answer = (await bus.ask(STEER, Steer(ListRooms()), "mixer1")).answer
            assert isinstance(answer, Rooms)
            return answer

        assert [running.alias for running in on_bus(server, steer).rooms] == ["3000"]

        on_bus(server, elsewhere)
        with System(one.port) as other:
            one.until(lambda: held_elsewhere(other, one.uri("4000")) or None)
        who = one.roster("3000")["System"].participant
        assert one.order(Transfer("3000", who, "4000")) == Done()
        assert re.search(r"^Refer-To: <sip:4000@127\.0\.0\.1>", caller.next_request("REFER"), re.MULTILINE)
        event = "Event: refer\r\nSubscription-State: terminated\r\n"
        told = caller.request("NOTIFY", "SIP/2.0 404 Not Found\r\n", event, "message/sipfrag")
        assert told.startswith("SIP/2.0 200")
        one.until(lambda: "call.unmoved: the edge says 404" in one.log.read_text() or None)
        assert one.roster("3000")["System"].phase == "inside"

        async def close(bus: Bus) -> None:
            rooms = Bucket(bus, ROOMS)
            found = await rooms.get(uuid)
            assert found is not None
            closed = Room(uuid=uuid, aliases=("3000",), state="closed", owner=found.record.owner)
            await rooms.update(uuid, closed, found.revision)

        on_bus(server, close)
        caller.next_request("BYE")
        caller.ended()
        assert caller.request("INVITE", caller.offer()).startswith("SIP/2.0 4")


def test_a_server_on_the_bus_holds_the_rooms_it_is_called_for(tmp_path: Path, prompts: Path) -> None:
    server = BusServer(tmp_path / "bus")
    server.prepare({"hub": "hub", "mixer1": "mixer", "desk": "operator"})
    server.start()
    try:
        on_bus(server, lambda bus: provision(bus, [bucket(kind, 1) for kind in (ROOMS, NODES)]))
        told = f"bus: {{servers: [{server.url}], credentials: {server.secret('mixer1')}}}"
        file, one = configured(tmp_path, prompts, told)
        with running(file, one):
            found = one.until(lambda: node(server))
            assert (found.port, found.capacity, found.draining) == (one.port, 240, False)
            settings = ("--host-pin", "--quality", "sd", "--theme", "north", "--hide-names", "--hosts-present")
            uuid = mixerctl(file, "add", "3000", "--name", "Stuegang", *settings, typed="4321\n")
            assert "Stuegang" in mixerctl(file, "list")
            shown = json.loads(mixerctl(file, "show", "3000"))
            assert shown["uuid"] == uuid
            assert "host_pin" not in shown
            assert (shown["theme"], shown["overlay_names"], shown["guests_present"]) == ("north", False, False)
            room_of(server, one, uuid)
        assert node(server) is None
        assert owner(server, uuid) == ""
        mixerctl(file, "remove", "3000")
        assert "3000" not in mixerctl(file, "list")
    finally:
        server.stop()
