"""Rooms: who holds the one that is called as dialled.

The site file names some rooms and the peers that hold them; the bus names all others, and the mixing servers. Both are
asked in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from vdx.dialplan import RoomPlace
from vdx.nodes import Node, nodes_for, takers
from vdx.ports import PORT, written
from vdx.rooms import Aliases, Room

MAX_NODES = 3
"""Nodes that are tried for a room that nobody holds yet: where three are full, so are the others."""

Place = tuple[str, int, str]
"""Address, port and transport."""


@dataclass(frozen=True, slots=True)
class Found:
    """A room: its peer, and its name there, "" as dialled; `places` of nodes, none: the peer's own; `why`, in words.

    `room` is its uuid where the bus tells of it.
    """

    peer: str
    user: str
    places: tuple[Place, ...] = ()
    why: Callable[[], str] = lambda: "the site file names its peer"
    room: str = ""


@dataclass(frozen=True, slots=True)
class Unheld:
    """A room that is there, and cannot be called now."""

    status: int
    why: str
    reason: str


class Rooms(Protocol):
    """Where rooms are looked up; answers come from memory, whoever fills it."""

    def find(self, alias: str, domain: str) -> Found | Unheld | None:
        """Give the place of a room by its name, in any case, in one of our domains ("" where none was dialled)."""
        ...


class SiteRooms:
    """The rooms of the site file: the same in every domain of ours."""

    def __init__(self, places: tuple[RoomPlace, ...]) -> None:
        self._places = {place.alias.casefold(): Found(place.peer, place.user) for place in places}

    def find(self, alias: str, domain: str) -> Found | None:
        """Give the place of a room."""
        del domain
        return self._places.get(alias.casefold())


class BusRooms:
    """The rooms of the bus, each with the node that holds it or should; `age` in seconds, None: nothing is known."""

    def __init__(self, aliases: Aliases, nodes: Mapping[str, Node], age: Callable[[], float | None]) -> None:
        self.aliases = aliases
        self.nodes = nodes
        self.age = age

    def find(self, peer: str, alias: str) -> Found | Unheld | None:
        """Give the place of a room, whose nodes are called as `peer`."""
        room = self.aliases.find(alias)
        if room is None:
            return None
        if room.state == "closed":
            return Unheld(404, f"room {room.uuid} is closed", "Room Closed")
        nodes = nodes_for(room, self.nodes)[:MAX_NODES]
        if not nodes:
            return Unheld(480, f"no mixing server takes room {room.uuid}: {self._known()}", "No Room Server")
        places = tuple((node.address, node.port, node.transport) for node in nodes)
        return Found(peer, "", places, lambda: self._why(room, nodes), room.uuid)

    def bridges(self) -> list[Place]:
        """Give the nodes that can bring two ends together, the least booked first."""
        able = sorted(takers(self.nodes.values(), 2 * PORT), key=lambda node: node.booked)[:MAX_NODES]
        return [(node.address, node.port, node.transport) for node in able]

    def _why(self, room: Room, nodes: list[Node]) -> str:
        first = nodes[0]
        if first.name == room.owner:
            held = f"is held by {first.name}"
        else:
            names = ", ".join(f"{node.name} ({written(node.free)} of {written(node.capacity)} ports)" for node in nodes)
            lost = f"its node {room.owner} is gone" if room.owner else "no node holds it yet"
            held = f"{lost}; the least booked: {names}"
        return f"room {room.uuid} {held}; {self._known()}"

    def _known(self) -> str:
        age = self.age()
        if age is None:
            return "nothing was heard of the bus yet"
        return "the bus says so" if age == 0 else f"the bus is away, and said so {age:.0f} s ago"


class JoinedRooms:
    """The rooms of the site file first, then those of the bus."""

    def __init__(self, site: SiteRooms, bus: BusRooms, peer: str) -> None:
        self._site = site
        self._bus = bus
        self._peer = peer

    def find(self, alias: str, domain: str) -> Found | Unheld | None:
        """Give the place of a room."""
        return self._site.find(alias, domain) or self._bus.find(self._peer, alias)
