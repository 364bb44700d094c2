"""Rooms of the bus in the dial plan: which node is called, why, and what is refused."""

from __future__ import annotations

import pytest
from msgspec import structs

from b2bua.call.rooms import BusRooms, Found, JoinedRooms, SiteRooms, Unheld
from vdx.dialplan import RoomPlace
from vdx.nodes import Node
from vdx.rooms import Aliases, Room

ONE = "11111111-2222-3333-4444-555555555555"
ROOM = Room(uuid=ONE, aliases=("1234", "Ward"))


def node(name: str, address: str, used: int = 0, *, draining: bool = False) -> Node:
    return Node(
        name=name, holder="x", address=address, port=5060, transport="udp", capacity=120, used=used, draining=draining
    )


class World:
    """What the bus has told."""

    def __init__(self, *nodes: Node) -> None:
        self.age: float | None = 0.0
        self.nodes = {each.name: each for each in nodes}
        self.bus = BusRooms(Aliases([ROOM]), self.nodes, lambda: self.age)
        site = SiteRooms((RoomPlace("desk", "one", "900"), RoomPlace("ward", "one")))
        self.rooms = JoinedRooms(site, self.bus, "mixers")

    def found(self, alias: str) -> Found:
        found = self.rooms.find(alias, "")
        assert isinstance(found, Found)
        return found


def test_the_site_file_comes_first() -> None:
    world = World(node("a", "192.0.2.1"))
    found = world.found("WARD")
    assert (found.peer, found.user, found.places) == ("one", "", ())
    assert world.found("1234").peer == "mixers"
    assert world.rooms.find("9", "") is None


def test_a_room_is_called_at_its_node_else_at_those_that_take_it() -> None:
    world = World(node("a", "192.0.2.1", 60), node("b", "192.0.2.2"), node("c", "192.0.2.3", draining=True))
    assert world.found("1234").places == (("192.0.2.2", 5060, "udp"), ("192.0.2.1", 5060, "udp"))
    assert "the least booked: b (10 of 10 ports), a (5 of 10 ports); the bus says so" in world.found("1234").why()
    world.bus.aliases.put(structs.replace(ROOM, owner="c"))
    assert world.found("1234").places == (("192.0.2.3", 5060, "udp"),)
    assert "is held by c" in world.found("1234").why()
    del world.nodes["c"]
    assert "its node c is gone; the least booked: b" in world.found("1234").why()


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (0.0, "the bus says so"),
        (61.7, "the bus is away, and said so 62 s ago"),
        (None, "nothing was heard of the bus yet"),
    ],
)
def test_it_is_said_how_old_what_is_known_is(age: float | None, words: str) -> None:
    world = World(node("a", "192.0.2.1"))
    world.age = age
    assert world.found("1234").why().endswith(words)


def test_a_room_that_nobody_takes_or_that_is_closed_is_refused() -> None:
    world = World(node("a", "192.0.2.1", 120))
    found = world.rooms.find("1234", "")
    assert isinstance(found, Unheld)
    assert (found.status, found.reason) == (480, "No Room Server")
    world.bus.aliases.put(structs.replace(ROOM, state="closed"))
    found = world.rooms.find("1234", "")
    assert isinstance(found, Unheld)
    assert (found.status, found.reason) == (404, "Room Closed")
