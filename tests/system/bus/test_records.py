"""Records, watches and leases on a real server, which is stopped, killed and started again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from nats.aio.client import Client

from lab.bus import BusServer
from tests.system.bus.programs import ONE, PATIENCE, TWO, a_node, a_room, hub, program, until
from vdx.bus import Bucket, Bus, BusDown, Change, Conflict, Gone, Lease, Put, Synced, Taken, Watch
from vdx.nodes import NODES, Node
from vdx.rooms import ROOMS, Room

pytestmark = pytest.mark.system


def test_of_two_writers_one_is_told_to_read_again(server: BusServer) -> None:
    async def story() -> None:
        async with hub(server) as ours, program(server, "mixer1") as theirs:
            rooms, same = Bucket(ours, ROOMS), Bucket(theirs, ROOMS)
            first = await rooms.create(ONE, a_room())
            with pytest.raises(Taken):
                await same.create(ONE, a_room(alias="other"))
            found = await same.get(ONE)
            assert found is not None
            assert (found.record, found.revision) == (a_room(), first)
            claims = (rooms.update(ONE, a_room(owner="a"), first), same.update(ONE, a_room(owner="b"), first))
            results = await asyncio.gather(*claims, return_exceptions=True)
            assert [type(result) for result in results if isinstance(result, BaseException)] == [Conflict]
            with pytest.raises(Conflict):
                await rooms.delete(ONE, first)
            await rooms.delete(ONE)
            assert await rooms.get(ONE) is None
            assert await rooms.create(ONE, a_room()) > first

    asyncio.run(story())


def test_a_watch_survives_the_death_of_the_server_and_sees_what_it_missed(server: BusServer, tmp_path: Path) -> None:
    async def story() -> None:
        async with hub(server) as ours, program(server, "edge1") as edge:
            rooms = Bucket(ours, ROOMS)
            told: list[Change[Room]] = []
            watch = Watch(ROOMS, tmp_path / "state", told.append)
            edge.add(watch)
            await rooms.put(ONE, a_room())
            await rooms.put(TWO, a_room(TWO, "77"))
            await until(lambda: set(watch.records) == {ONE, TWO}, "both rooms are known")
            await asyncio.to_thread(server.stop, kill=True)
            await until(lambda: not watch.synced and not ours.connected, "the loss is noticed")
            assert set(watch.records) == {ONE, TWO}  # the last known state goes on
            with pytest.raises(BusDown):
                await rooms.put(ONE, a_room(alias="lost"))
            await _while_it_is_away(server, edge, watch)
            told.clear()
            await until(lambda: watch.synced, "it is compared again")
            assert watch.records == {ONE: a_room(alias="changed")}
            assert [change for change in told if isinstance(change, Gone)] == [Gone(TWO, a_room(TWO, "77"), "deleted")]
            assert [change.record.aliases for change in told if isinstance(change, Put)] == [("changed",)]
            assert isinstance(told[-1], Synced)

    asyncio.run(story())


async def _while_it_is_away(server: BusServer, edge: Bus, watch: Watch[Room]) -> None:
    """Have the bus come back for the hub first, which changes a room and deletes one before the edge is back."""
    await edge.remove(watch)
    await asyncio.to_thread(server.start)
    async with program(server, "hub") as again:
        rooms = Bucket(again, ROOMS)
        await rooms.put(ONE, a_room(alias="changed"))
        await rooms.delete(TWO)
    edge.add(watch)


def test_what_was_acknowledged_is_there_after_a_kill(server: BusServer) -> None:
    async def story() -> None:
        async with hub(server) as ours:
            for number in range(50):
                await Bucket(ours, ROOMS).put(ONE, a_room(alias=f"{number}"))
            await asyncio.to_thread(server.stop, kill=True)
            await asyncio.to_thread(server.start)
            async with program(server, "hub") as again:
                found = await Bucket(again, ROOMS).get(ONE)
                assert found is not None
                assert found.record.aliases == ("49",)

    asyncio.run(story())


def test_a_lease_that_nobody_renews_is_seen_to_end(server: BusServer) -> None:
    async def story() -> None:
        async with hub(server) as ours, program(server, "mixer1") as mixer, program(server, "edge1") as edge:
            told: list[Change[Node]] = []
            edge.add(Watch(NODES, told=told.append))
            lease = Lease(Bucket(mixer, NODES), "mixer1", 1)
            await lease.renew(a_node())
            await lease.renew(a_node(used=12))
            other = Lease(Bucket(ours, NODES), "mixer1", 1)
            with pytest.raises(Taken):
                await other.renew(Node(name="mixer1", holder="run-2", address="192.0.2.11", port=1, transport="udp"))
            await until(lambda: Gone("mixer1", a_node(used=12), "expired") in told, "the node is gone")
            await lease.renew(a_node())  # it was away, not dead
            await lease.release()
            await until(lambda: told[-1] == Gone("mixer1", a_node(), "deleted"), "the node has left")

    asyncio.run(story())


def test_a_program_that_starts_without_the_bus_begins_from_the_disk(server: BusServer, tmp_path: Path) -> None:
    async def story() -> None:
        async with hub(server) as ours, program(server, "edge1") as edge:
            watch = Watch(ROOMS, tmp_path / "state")
            edge.add(watch)
            await Bucket(ours, ROOMS).put(ONE, a_room())
            await until(lambda: ONE in watch.records, "the room is known")
        await asyncio.to_thread(server.stop)
        later = Watch(ROOMS, tmp_path / "state", wall=lambda: (watch.known or 0) + 100)
        assert later.records == {ONE: a_room()}
        assert later.age is not None
        assert 99 < later.age < 102
        assert not later.synced

    asyncio.run(story())


def test_changes_come_to_a_task_as_it_is_ready_for_them(server: BusServer) -> None:
    async def story() -> None:
        async with hub(server) as ours:
            watch = Watch(ROOMS)
            changes = watch.changes()
            following = asyncio.ensure_future(anext(changes))
            await asyncio.sleep(0)
            ours.add(watch)
            assert await asyncio.wait_for(following, PATIENCE) == Synced(0)
            for number in range(20):
                await Bucket(ours, ROOMS).put(ONE, a_room(alias=f"{number}"))
            await until(lambda: ONE in watch.records and watch.records[ONE].aliases == ("19",), "all is heard")
            change = await asyncio.wait_for(anext(changes), PATIENCE)
            assert isinstance(change, Put)
            assert change.record.aliases == ("19",)  # what was overtaken is not kept for it
            await changes.aclose()  # type: ignore[attr-defined]

    asyncio.run(story())


class Deaf:
    """A part that takes the first cancellation for its own, as `asyncio.wait_for` before Python 3.12 sometimes does."""

    def __init__(self) -> None:
        self.heard = 0
        self.begun = asyncio.Event()

    async def follow(self, client: Client) -> None:
        del client
        self.begun.set()
        while self.heard < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.heard += 1


def test_nobody_who_is_deaf_holds_up_the_end(server: BusServer) -> None:
    async def story() -> None:
        deaf = Deaf()
        async with program(server, "hub") as bus:
            bus.add(deaf)
            await asyncio.wait_for(deaf.begun.wait(), PATIENCE)
        assert deaf.heard == 2

    asyncio.run(story())
