"""The edge routes to rooms of the bus, with the bus and without it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from b2bua.link import RECORDS
from lab.bus import BusServer
from lab.core import Core
from lab.edge import explain
from lab.lab import Lab
from lab.programs import PROGRAMS
from lab.topology import MIXER
from tests.peers.agent import Agent
from tests.system.bus.programs import ONE, TWO, a_room
from tests.system.calls.crossing import Crossing
from tests.system.calls.edge import Edge, wait_for, wait_until_serving
from vdx.bus import Bucket, Bus, Reader
from vdx.nodes import NODES, Node
from vdx.record import CallRecord
from vdx.rooms import ROOMS, Room

pytestmark = pytest.mark.system

SECONDS = 20.0
NOBODY = "192.0.2.21"
"""An address of the core that no host has."""


@dataclass(frozen=True, slots=True)
class House:
    """An edge, and the bus it listens to."""

    edge: Edge
    core: Core

    @property
    def bus(self) -> BusServer:
        return self.core.bus

    def put(self, *records: Room | Node) -> None:
        """Write rooms and nodes; nodes without a lease, as nobody here renews them."""

        async def write(bus: Bus) -> None:
            for record in records:
                if isinstance(record, Room):
                    await Bucket(bus, ROOMS).put(record.uuid, record)
                else:
                    await Bucket(bus, NODES).put(record.name, record)

        self.core.on_bus(write)

    def explain(self, alias: str) -> str:
        return explain(self.edge.lab.state.run, "hospital", alias)

    def until(self, alias: str, words: str) -> None:
        """Wait until the edge says of an alias what is expected."""
        wait_for(lambda: words in self.explain(alias), SECONDS, lambda: self.explain(alias))

    def call(self, alias: str) -> None:
        """Call a room, whose node answers at once, and hang up."""
        crossing = Crossing(self.edge, "hospital", "core")
        with (
            crossing.agent(crossing.left, crossing.left_address, "hospital") as left,
            Agent(self.edge.host("core"), MIXER, 5060, "udp", "mixer1") as node,
        ):
            ours = left.invite(crossing.uri(alias), crossing.hop, body=crossing.offer())
            invite = node.expect("INVITE", within=SECONDS)
            assert invite.uri.startswith(f"sip:{alias}@{MIXER}")
            theirs = node.accept(invite)
            node.reply(invite, 200, call=theirs, body=crossing.answer().replace(crossing.right_address, MIXER))
            left.ack(ours, left.expect(200, within=SECONDS))
            node.expect("ACK")
            left.bye(ours)
            node.reply(node.expect("BYE"), 200)
            left.expect(200)
        self.edge.wait_idle()


def node(name: str, address: str = MIXER, used: int = 0, *, draining: bool = False) -> Node:
    return Node(
        name=name, holder="run-1", address=address, port=5060, transport="udp",
        capacity=240, used=used, draining=draining,
    )  # fmt: skip


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Give an edge that was started without the bus, and the bus, started after it."""
    with Lab.temporary("bus") as lab:
        core = Core(lab)
        core.prepare()
        site: dict[str, Any] = yaml.safe_load(lab.state.site.read_text())
        site["peers"]["mixers"]["media"] = [f"{MIXER}/32", f"{NOBODY}/32"]
        lab.state.site.write_text(yaml.safe_dump(site, sort_keys=False))
        lab.start(*PROGRAMS)
        edge = Edge(lab, "udp")
        wait_until_serving(edge)
        assert "nothing known yet" in str(edge.status().others)
        core.start_bus()
        yield House(edge, core)


def test_calls_follow_the_bus_and_go_on_without_it(house: House) -> None:
    house.put(a_room(ONE, "1234"), node("mixer1"), node("mixer2", NOBODY, used=120))
    house.until("1234", "least booked: mixer1 (20 of 20 ports), mixer2 (10 of 20 ports); the bus says so")
    house.call("1234")
    house.put(a_room(ONE, "1234", owner="mixer2"))
    house.until("1234", "is held by mixer2; the bus says so")
    assert f"{NOBODY}:5060" in house.explain("1234")
    house.put(a_room(ONE, "1234", owner="mixer1"))
    house.until("1234", "is held by mixer1")
    house.bus.stop(kill=True)
    house.until("1234", "the bus is away")
    house.call("1234")
    assert "no room is called '9999'" in house.explain("9999")

    house.edge.lab.stop("b2bua")  # it starts without the bus, from what is on disk
    house.edge.lab.start("b2bua")
    wait_until_serving(house.edge)
    house.until("1234", "is held by mixer1; the bus is away, and said so")
    house.call("1234")

    house.core.start_bus()
    house.put(a_room(TWO, "5678"))
    house.until("5678", "the bus says so")
    records = house.core.on_bus(_records)
    assert [record.callee.peer for record in records] == ["mixers"] * 3  # the second call's was on b2bua's disk


async def _records(bus: Bus) -> list[CallRecord]:
    """Give the records of ended calls that have reached the bus, when there are three."""
    found: list[CallRecord] = []
    all_here = asyncio.Event()

    async def take(source: str, record: CallRecord) -> None:
        assert source.startswith("bus")
        found.append(record)
        if len(found) == 3:
            all_here.set()

    reader = Reader(RECORDS, "test", take)
    bus.add(reader)
    try:
        await asyncio.wait_for(all_here.wait(), 10.0)
    except TimeoutError:
        raise AssertionError(f"{len(found)} records") from None
    return found


def test_what_no_node_may_take_is_refused_in_words(house: House) -> None:
    house.put(a_room(TWO, "5678"), node("mixer1", draining=True), node("mixer2", NOBODY, used=240))
    house.until("5678", "no mixing server takes room")
    crossing = Crossing(house.edge, "hospital", "core")
    with crossing.agent(crossing.left, crossing.left_address, "hospital") as left:
        ours = left.invite(crossing.uri("5678"), crossing.hop, body=crossing.offer())
        refusal = left.expect(480)
        left.ack(ours, refusal)
    house.put(node("mixer1"), node("mixer2", "192.0.2.99"))
    house.until("5678", "least booked")
    assert (
        "192.0.2.99" not in house.explain("5678").rpartition("least booked")[2]
    )  # not where its peer's policy reaches


def test_a_broken_record_costs_nobody_else_a_call(house: House) -> None:
    async def write(bus: Bus) -> None:
        await bus.write(ROOMS.subject("broken"), b'{"uuid": 7}')

    house.core.on_bus(write)
    house.put(a_room(TWO, "after"), node("mixer1"))
    house.until("after", "least booked")
