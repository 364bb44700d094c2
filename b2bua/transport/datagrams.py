"""The UDP sockets of all listeners, read as they become readable or, when much comes, at an interval (`pace`).

They stand in an epoll set of their own, which the event loop watches like one more socket: to look at an interval is to
stop watching it for that while.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable, Iterator

from b2bua.sip import Flow, Target
from b2bua.transport.limits import POLL_SECONDS
from b2bua.transport.listener import Listener
from b2bua.transport.pace import Pace
from b2bua.transport.udp import UdpSocket


class Datagrams:
    """The sockets, by number; `after` runs once when all that waited has been read."""

    def __init__(self, after: Callable[[], None]) -> None:
        self._after = after
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[int, UdpSocket] = {}  # by the number in flows
        self._read: dict[int, Callable[[], int]] = {}  # by file descriptor
        self._readable: select.epoll | None = None
        self._pace = Pace()
        self._look: asyncio.TimerHandle | None = None

    def __iter__(self) -> Iterator[UdpSocket]:
        """Go through the sockets."""
        return iter(tuple(self._sockets.values()))

    def open(self, bound: UdpSocket, *, ahead: bool = False) -> None:
        """Take in a bound socket; nothing of one that is opened `ahead` is read before `begin`."""
        self._sockets[bound.id] = bound
        if not ahead:
            self._watch(bound)

    def begin(self) -> None:
        """Read from those that were opened ahead, too: what has come meanwhile waits there."""
        for bound in self._sockets.values():
            if bound.socket.fileno() not in self._read:
                self._watch(bound)

    def shut(self, closing: Callable[[Listener], bool]) -> None:
        """Close the sockets of some listeners."""
        for ident, bound in list(self._sockets.items()):
            if closing(bound.listener):
                del self._sockets[ident]
                self._read.pop(bound.socket.fileno(), None)
                bound.close()  # which takes it out of the set, too
        if not self._sockets:
            self._end()

    def send(self, data: bytes, to: Flow | Target, fits: Callable[[Listener, Target], bool]) -> str:
        """Send from the socket that a flow came to, or one that `fits` a target; gives "" or why it was not sent."""
        if isinstance(to, Flow):
            # A listener that was closed and opened again serves the calls of the one before
            bound = self._sockets.get(to.id) or next((one for one in self._sockets.values() if one.serves(to)), None)
            host, port = to.remote
        else:
            bound = next((one for one in self._sockets.values() if fits(one.listener, to)), None)
            host, port = to.host, to.port
        if bound is None:
            return f"zone {to.zone} has no udp listener for {host}"
        return bound.send(data, host, port)

    def _watch(self, bound: UdpSocket) -> None:
        if self._readable is None:
            self._readable = select.epoll()
            self._loop.add_reader(self._readable.fileno(), self._ready)
        self._read[bound.socket.fileno()] = bound.read
        self._readable.register(bound.socket, select.EPOLLIN)

    def _ready(self) -> None:
        """Read as datagrams come."""
        try:
            self._take()
        finally:  # a fault in handling one message must not end the reading
            if self._pace.busy and self._readable is not None:
                self._loop.remove_reader(self._readable.fileno())
                self._look_at(self._loop.time() + POLL_SECONDS)

    def _look_at(self, due: float) -> None:
        self._look = self._loop.call_at(due, self._looked, due)

    def _looked(self, due: float) -> None:
        """Read what came since the last time."""
        self._look = None
        try:
            self._take()
        finally:
            if self._readable is not None and self._pace.busy:
                self._look_at(max(due + POLL_SECONDS, self._loop.time()))
            elif self._readable is not None:
                self._loop.add_reader(self._readable.fileno(), self._ready)

    def _take(self) -> None:
        count = 0
        try:
            for number, _ in self._readable.poll(0) if self._readable is not None else ():
                count += 1  # were it a fault: the answers to those before have to leave all the same
                count += self._read[number]() - 1
        finally:
            self._pace.came(count, self._loop.time())
            if count:
                self._after()

    def _end(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if self._readable is not None:
            self._loop.remove_reader(self._readable.fileno())
            self._readable.close()
            self._readable = None
