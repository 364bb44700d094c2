"""Rooms come onto the bus when they are due, follow their meeting, and go after it; faults are taken up again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.provision import duty
from hub.provision.journal import Journal
from hub.provision.pools import Pools
from hub.provision.reconciler import Reconciler
from hub.provision.relay import Relay
from hub.store.tables import rooms
from tests.hub.api.test_pools import now, template
from tests.hub.world import BUS, World, text
from vdx.bus import BusDown, Conflict, Versioned
from vdx.rooms import Room, pin_fits

KEY = b"k" * 32

pytestmark = pytest.mark.parametrize("world", [{"bus": BUS}], indirect=True)


@dataclass
class Memory:
    """A bucket and a stream in memory; `down` is the bus away, and `before` is what another writer does first."""

    records: dict[str, Versioned[Room]] = field(default_factory=dict)
    told: list[tuple[str, Any, str]] = field(default_factory=list)
    down: bool = False
    before: Callable[[], None] | None = None

    async def get(self, key: str) -> Versioned[Room] | None:
        self._reach()
        return self.records.get(key)

    async def create(self, key: str, record: Room) -> int:
        return await self.update(key, record, 0)

    async def update(self, key: str, record: Room, revision: int) -> int:
        self._reach()
        if self.before:
            act, self.before = self.before, None
            act()
        found = self.records.get(key)
        if (found.revision if found else 0) != revision:
            raise Conflict(key)
        self.records[key] = Versioned(record, revision + 1)
        return revision + 1

    async def delete(self, key: str, revision: int | None = None) -> None:
        del revision
        self._reach()
        self.records.pop(key, None)

    async def write(self, subject: str, data: bytes, headers: dict[str, str] | None = None) -> None:
        self._reach()
        self.told.append((subject, msgspec.json.decode(data), (headers or {})["Nats-Msg-Id"]))

    def take(self, key: str, owner: str) -> None:
        """Let a node hold a room."""
        found = self.records[key]
        self.records[key] = Versioned(msgspec.structs.replace(found.record, owner=owner), found.revision + 1)

    def room(self, uuid: str) -> Room:
        return self.records[uuid].record

    def _reach(self) -> None:
        if self.down:
            raise BusDown("away")


@dataclass
class Provisioner:
    """The rounds, one at a time."""

    world: World
    bus: Memory

    def __post_init__(self) -> None:
        database, office = self.world.database, self.world.office
        self.reconciler = Reconciler(database, office, self.bus, KEY)
        self.relay = Relay(database, self.bus, "hub", self.reconciler.follow)
        self.pools = Pools(database, office)
        self.journal = Journal(database, office, told=True)

    def round(self) -> int:
        """Do every step once."""

        async def run() -> int:
            steps = self.pools, self.relay, self.reconciler, self.journal
            return sum([await each.round() for each in steps])

        return self.world.run(run)

    def settle(self) -> None:
        """Go on until nothing is left to do."""
        while self.round():
            pass


@pytest.fixture
def provisioner(world: World) -> Provisioner:
    world.organisation("north")
    return Provisioner(world, Memory())


def status(world: World, uuid: str) -> str:
    name: str = world.room(uuid)["provisionStatus"]
    return name


def test_a_room_is_there_before_its_meeting_and_gone_after(provisioner: Provisioner) -> None:
    world, bus = provisioner.world, provisioner.bus
    made = world.book(endMeetingOnEndTime=True, vmrType="lecture", maxParticipants=7)
    uuid = made["uuid"]
    provisioner.settle()
    assert bus.records == {}
    world.clock.turn(minutes=45)  # the template opens rooms 15 minutes before
    provisioner.settle()
    room = world.room(uuid)
    assert (room["provisionStatus"], room["provisionVmrId"]) == ("PROVISIONED_OK", uuid)
    record = bus.room(uuid)
    assert record.aliases == (room["uriWithoutDomain"],)
    assert (record.kind, record.most, record.ends_hard) == ("lecture", 7, True)
    assert pin_fits(KEY, uuid, str(room["hostPin"]), record.host_pin)
    assert not pin_fits(KEY, uuid, str(room["guestPin"]), record.host_pin)
    assert "Rounds" not in repr(record)
    world.clock.turn(hours=2)
    provisioner.settle()
    assert bus.records == {}
    assert status(world, uuid) == "DEPROVISION_OK"
    assert world.room(uuid)["uriWithDomain"] is None


def test_a_room_follows_its_meeting_and_keeps_its_node(provisioner: Provisioner) -> None:
    world, bus = provisioner.world, provisioner.bus
    uuid = world.book(startTime=text(world.clock.now))["uuid"]
    provisioner.settle()
    bus.take(uuid, "mixer1")
    body = {"endTime": "2026-11-02T15:00:00Z"}
    world.ask("PATCH", f"/v2/meetings/{uuid}", "meeting-planner", json=body)
    bus.before = lambda: bus.take(uuid, "mixer2")  # a node enters itself while the record is being written
    provisioner.settle()
    assert bus.room(uuid).owner == "mixer2"
    assert bus.room(uuid).ends == 1793631600.0


def test_people_may_stay_where_the_booking_does_not_end_the_room(provisioner: Provisioner) -> None:
    world, bus = provisioner.world, provisioner.bus
    uuid = world.book(startTime=text(world.clock.now))["uuid"]
    provisioner.settle()
    bus.take(uuid, "mixer1")
    world.clock.turn(hours=3)
    provisioner.settle()
    assert status(world, uuid) == "STARTING_TO_DEPROVISION"
    assert uuid in bus.records
    bus.take(uuid, "")
    provisioner.settle()
    assert status(world, uuid) == "DEPROVISION_OK"
    assert bus.records == {}


def test_without_the_bus_nothing_changes_and_nothing_is_lost(provisioner: Provisioner) -> None:
    world, bus = provisioner.world, provisioner.bus
    uuid = world.book(startTime=text(world.clock.now))["uuid"]
    bus.down = True
    with pytest.raises(BusDown):
        provisioner.round()
    assert status(world, uuid) == "AWAITS_PROVISION"
    bus.down = False
    provisioner.settle()
    assert status(world, uuid) == "PROVISIONED_OK"
    assert [message["event"] for subject, message, _ in bus.told if subject == "vdx.meetings.hub"] == ["CREATE"]


def test_a_record_that_was_written_before_the_fall_is_taken_up(provisioner: Provisioner) -> None:
    world, bus = provisioner.world, provisioner.bus
    uuid = world.book(startTime=text(world.clock.now))["uuid"]
    provisioner.settle()
    before = bus.records[uuid]
    world.change(lambda connection: _await_again(connection, uuid))
    provisioner.settle()
    assert status(world, uuid) == "PROVISIONED_OK"
    assert bus.records[uuid] == before


async def _await_again(connection: AsyncConnection, uuid: str) -> None:
    await connection.execute(update(rooms).where(rooms.c.uuid == UUID(uuid)).values(status=0))


def test_what_happened_is_told_in_order_and_once(provisioner: Provisioner) -> None:
    world, bus = provisioner.world, provisioner.bus
    uuid = world.book(startTime=text(world.clock.now))["uuid"]
    world.ask("PATCH", f"/v2/meetings/{uuid}", "meeting-planner", json={"subject": "New"})
    provisioner.settle()
    provisioner.settle()
    rooms = [message["event"] for subject, message, _ in bus.told if subject == "vdx.meetings.hub"]
    audit = [m["auditEvent"]["operation"] for subject, m, _ in bus.told if subject == "vdx.audit.hub"]
    assert rooms == ["CREATE", "UPDATE"]
    assert audit[:2] == ["create", "update"]
    numbers = [m["journal"]["number"] for subject, m, _ in bus.told if subject == "vdx.audit.hub"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len({number for _, _, number in bus.told}) == len(bus.told)
    people = {m["auditEvent"]["user"] for subject, m, _ in bus.told if subject == "vdx.audit.hub"}
    assert "planner@north.example" not in people
    assert all(each is None or len(each) == 24 for each in people)


def test_pools_are_filled_at_once_and_emptied_when_they_shrink(provisioner: Provisioner) -> None:
    world, bus = provisioner.world, provisioner.bus
    world.organisation("pool", pool_size=5)
    template(world, "pool", isPoolTemplate=True, uriPrefix="pool")
    provisioner.settle()
    assert len(bus.records) == 5
    world.clock.turn(minutes=2)
    made = now(world, "pool", meetingType="POOL").json()
    taken = world.room(made["uuid"])
    provisioner.settle()
    assert len(bus.records) == 6
    record = bus.room(taken["provisionVmrId"])
    assert record.aliases == (taken["uriWithoutDomain"],)
    assert record.ends is not None
    world.resize("pool", 1)
    provisioner.settle()
    assert len(bus.records) == 2


def test_rounds_slow_down_while_the_bus_is_away(provisioner: Provisioner) -> None:
    pauses: list[float] = []
    provisioner.bus.down = True

    class Enough(Exception):  # noqa: N818 - ends the loop
        pass

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 7:
            provisioner.bus.down = False
        if len(pauses) == 9:
            raise Enough

    provisioner.world.book(startTime=text(provisioner.world.clock.now))
    steps: tuple[Callable[[], Awaitable[int]], ...] = (provisioner.relay.round, provisioner.reconciler.round)
    with pytest.raises(Enough):
        provisioner.world.run(lambda: duty.run(steps, sleep))
    assert pauses == [1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0, 0.5, 0.5]
