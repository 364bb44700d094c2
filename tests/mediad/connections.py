"""Ends of connections as `gatewayd` hands them over, and far ends on loopback that listen or connect."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.mediad.gatewayd import LOOPBACK, PATIENCE

Place = tuple[str, int]


@dataclass(slots=True)
class Floor:
    """The four sockets of a pipe, and the places where `a` and `b` listen."""

    a: Place
    b: Place
    sockets: list[socket.socket]
    stack: ExitStack = field(repr=False)

    def connect(self, place: Place) -> socket.socket:
        """Connect from a far end."""
        return self._patient(socket.create_connection(place[:2], PATIENCE))

    def listen(self, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
        """Listen as a far end."""
        one = self._patient(socket.socket(family))
        one.bind((LOOPBACK[family], 0))
        one.listen(1)
        return one

    def accept(self, listener: socket.socket) -> tuple[socket.socket, Place]:
        """Take what `mediad` opens, and tell from where it came."""
        connection, source = listener.accept()
        return self._patient(connection), source[:2]

    def handed_over(self) -> None:
        """Close our copies, as gatewayd does."""
        for one in self.sockets:
            one.close()

    def _patient(self, one: socket.socket) -> socket.socket:
        one.settimeout(PATIENCE)
        return self.stack.enter_context(one)


@contextmanager
def floor(a: socket.AddressFamily = socket.AF_INET, b: socket.AddressFamily = socket.AF_INET6) -> Iterator[Floor]:
    """Make the sockets of both ends: one that listens and one that may connect from the same port."""
    with ExitStack() as stack:
        sockets = []
        places = []
        for family in (a, b):
            listener = stack.enter_context(_bound(family, 0))
            place = listener.getsockname()[:2]
            sockets += [listener, stack.enter_context(_bound(family, place[1]))]
            listener.listen(1)
            places.append(place)
        yield Floor(places[0], places[1], sockets, stack)


def _bound(family: socket.AddressFamily, port: int) -> socket.socket:
    one = socket.socket(family)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((LOOPBACK[family], port))
    return one


def exactly(one: socket.socket, size: int) -> bytes:
    """Receive so many octets; fewer where the other side ends before."""
    data = bytearray()
    while len(data) < size and (more := one.recv(size - len(data))):
        data += more
    return bytes(data)
