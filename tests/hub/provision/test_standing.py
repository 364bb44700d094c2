"""Rooms that are always there come onto the bus, follow their changes, and go when they are deleted."""

from __future__ import annotations

import pytest

from hub.provision.standing import Standing
from tests.hub.provision.test_rounds import KEY, Memory
from tests.hub.world import BUS, World
from vdx.bus import BusDown
from vdx.rooms import pin_fits

pytestmark = pytest.mark.parametrize("world", [{"bus": BUS}], indirect=True)

BODY = {"organisation": "north", "name": "Ward 7", "aliases": ["ward7"], "domain": "rooms.example", "hostPin": 123456}
PATH = "/services/v2/room"


def rounds(world: World, standing: Standing) -> int:
    return sum(iter(lambda: world.run(standing.round), 0))


def test_a_room_on_the_bus_is_as_it_is_in_the_database(world: World) -> None:
    world.organisation("north")
    memory = Memory()
    standing = Standing(world.database, memory, KEY)
    assert rounds(world, standing) == 0
    memory.down = True
    uuid = world.ask("POST", PATH, "meeting-admin", json=BODY).json()["uuid"]
    with pytest.raises(BusDown):
        world.run(standing.round)
    memory.down = False
    assert rounds(world, standing) == 1
    room = memory.room(uuid)
    assert (room.aliases, room.starts, room.ends, room.guest_pin) == (("ward7",), None, None, "")
    assert pin_fits(KEY, uuid, "123456", room.host_pin)
    assert world.ask("GET", f"{PATH}/{uuid}", "meeting-admin").json()["provided"]
    assert rounds(world, standing) == 0

    memory.take(uuid, "mixer-1")
    memory.before = lambda: memory.take(uuid, "mixer-2")
    closed = BODY | {"aliases": ["seven"], "allowGuests": False}
    world.ask("PUT", f"{PATH}/{uuid}", "meeting-admin", json=closed)
    assert rounds(world, standing) == 1
    room = memory.room(uuid)
    assert (room.aliases, room.owner, room.guest_pin) == (("seven",), "mixer-2", room.host_pin)

    world.ask("DELETE", f"{PATH}/{uuid}", "meeting-admin")
    assert rounds(world, standing) == 1
    assert memory.records == {}


def test_what_the_bus_has_lost_is_put_there_after_a_start(world: World) -> None:
    world.organisation("north")
    memory = Memory()
    uuid = world.ask("POST", PATH, "meeting-admin", json=BODY).json()["uuid"]
    rounds(world, Standing(world.database, memory, KEY))
    memory.records.clear()
    rounds(world, Standing(world.database, memory, KEY))
    assert list(memory.records) == [uuid]
