"""Mixing servers as records on the bus: where each is called, what it carries and could; and which one takes a room.

A node writes its record under a lease, so one that is gone is seen to be gone. The key is the node's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Annotated, Literal

from msgspec import Meta, Struct

from vdx.bus.kinds import Kind
from vdx.rooms import Node as Name
from vdx.rooms import Room

NODE_LEASE = 15
"""Seconds that a node's record lives: a dead node gets no new rooms from then on."""

NODE_RENEWAL = 4.0
"""Seconds between a node's records: three may be lost before it counts as gone."""


class Node(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One mixing server. Capacity in twelfths of a port (`vdx.ports`)."""

    name: Name
    holder: str
    """The run of the program that wrote this: drawn anew at each start."""
    address: Annotated[str, Meta(min_length=1, max_length=45)]
    """Where the edge calls it: a literal IP address."""
    port: Annotated[int, Meta(ge=1, le=65535)]
    transport: Literal["udp", "tcp", "tls"]
    site: Annotated[str, Meta(max_length=63)] = ""
    """The data centre: rooms and their edge are best in one."""
    capacity: Annotated[int, Meta(ge=0)] = 0
    used: Annotated[int, Meta(ge=0)] = 0
    reserved: Annotated[int, Meta(ge=0)] = 0
    """Kept for rooms that it holds, and not used yet."""
    load: Annotated[float, Meta(ge=0)] = 0.0
    """Of its processors, 1.0: all of them."""
    draining: bool = False
    """No new rooms: it goes out of service when those it holds have ended."""
    rooms: Annotated[int, Meta(ge=0)] = 0
    """Rooms it holds; which ones, their records say."""

    @property
    def booked(self) -> float:
        """The part of its capacity that is taken, from 0.0."""
        return (self.used + self.reserved) / self.capacity if self.capacity else 1.0

    @property
    def free(self) -> int:
        """Twelfths of a port that are left."""
        return max(0, self.capacity - self.used - self.reserved)


NODES: Kind[Node] = Kind("nodes", Node)


def nodes_for(room: Room, nodes: Mapping[str, Node]) -> list[Node]:
    """Give the nodes that a call to `room` may go to, the first choice first; none where there is none.

    Its owner alone, while that is there, draining or not. Else those that take rooms, the least booked first, and of
    equals the one that the room's uuid picks: edges that know the same choose the same.
    """
    owner = nodes.get(room.owner)
    if owner is not None:
        return [owner]
    able = takers(nodes.values(), room.reserved)
    return sorted(able, key=lambda node: (round(node.booked, 1), _draw(room, node)))


def node_for(room: Room, nodes: Mapping[str, Node]) -> Node | None:
    """Give the first choice of `nodes_for`, None where there is none."""
    return next(iter(nodes_for(room, nodes)), None)


def takers(nodes: Iterable[Node], twelfths: int = 0) -> list[Node]:
    """Give the nodes that take a new room which needs `twelfths` of a port, at least something."""
    return [node for node in nodes if not node.draining and node.free >= max(1, twelfths)]


def _draw(room: Room, node: Node) -> bytes:
    return blake2b(f"{room.uuid} {node.name}".encode(), digest_size=8).digest()
