"""Connections (BFCP over TCP, RFC 8856) between two ends: octets go through as they are, also those of TLS.

Theory of operation. A pipe has two ends, and each gets one connection: opened by us where signalling has named a
remote, else taken from the listener. Who opens it on which side is what SDP says (RFC 4145).

    waiting     listens; or connects, again after RETRY_SECONDS while nobody listens there yet
    up          reads only while the other end is up as well and has room: what does not fit waits in the sender
    over        its sender has ended (FIN) and all it sent is delivered: the other end is told so, and goes on sending

When both are over, or one breaks, both are closed. Another connection is another lease (`a=connection:new`).
The epoll object is handed in, and time is a parameter.
"""

from __future__ import annotations

import errno
import select
import socket
from dataclasses import dataclass, field

from mediad.remote import SocketAddress

MAX_WAITING = 64 * 1024
"""Octets on their way to an end: a BFCP message has at most a few hundred, and a sender that waits loses nothing."""

READ = 16 * 1024
"""Octets taken from an end at once, so that a flood of one gets no more turns than the others."""

RETRY_SECONDS = 1.0
"""Between attempts to connect: the other side may begin to listen only when it has our answer."""

MAX_ATTEMPTS = 30
"""Half a minute: a system that has not begun to listen by then does not speak BFCP."""

_NOT_YET = (errno.EINPROGRESS, errno.EALREADY)


@dataclass(slots=True, eq=False)
class End:
    """One end: sockets that wait, or the one that is up. `reads` and `octets` came from it, `errors` it broke by."""

    listener: socket.socket | None
    connector: socket.socket | None
    remote: SocketAddress | None = None
    up: socket.socket | None = None
    connecting: bool = False
    attempts: int = 0
    due: float | None = None
    waiting: bytearray = field(default_factory=bytearray)
    ended: bool = False
    told: bool = False
    reads: int = 0
    octets: int = 0
    errors: int = 0
    other: End = None  # type: ignore[assignment] # set at once by the pipe that joins the two

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """What is open."""
        return tuple(one for one in (self.listener, self.connector, self.up) if one is not None)

    @property
    def over(self) -> bool:
        """Whether all that came from this end has been passed on, and the other was told."""
        return self.ended and self.other.told


class Wires:
    """The ends that are watched, by descriptor: what epoll says of one is `ready`, what time says is `on_timer`."""

    def __init__(self, epoll: select.epoll) -> None:
        self.ends: dict[int, End] = {}
        self._epoll = epoll
        self._interest: dict[int, int] = {}
        self._due: set[End] = set()

    def __len__(self) -> int:
        return len(self.ends)

    def add(self, end: End, now: float) -> None:
        """Begin to wait for the connection of an end; raises OSError as epoll_ctl(2) does."""
        self._update(end)
        if end.remote is not None:
            self.connect(end, end.remote, now)

    def connect(self, end: End, remote: SocketAddress, now: float) -> None:
        """Open the connection of an end, unless it is up, or somebody is being connected to already."""
        end.remote = remote
        if end.up is not None or end.connector is None or end.connecting:
            return
        self._close(end, "listener")
        self._attempt(end, now)

    def close(self, end: End) -> None:
        """Close everything of an end."""
        self._due.discard(end)
        end.due = None
        for name in ("listener", "connector", "up"):
            self._close(end, name)

    def next_timer(self) -> float | None:
        """Give when the next attempt to connect is due."""
        return min((end.due for end in self._due if end.due is not None), default=None)

    def on_timer(self, now: float) -> None:
        """Try again what is due."""
        for end in [end for end in self._due if end.due is not None and end.due <= now]:
            self._due.discard(end)
            end.due = None
            self._attempt(end, now)

    def ready(self, fd: int, events: int, now: float) -> None:
        """Act on what epoll says of a descriptor; nothing the network does is fatal."""
        end = self.ends.get(fd)
        if end is None:  # closed by an event before this one
            return
        if end.listener is not None and fd == end.listener.fileno():
            self._accept(end)
        elif end.connecting:
            self._connected(end, now)
        else:
            self._carry(end, events)

    # Becoming a connection

    def _accept(self, end: End) -> None:
        listener = end.listener
        if listener is None:
            return
        try:
            connection, _ = listener.accept()
        except OSError:  # gone again
            return
        connection.setblocking(False)
        self._close(end, "listener")
        self._close(end, "connector")
        self._is_up(end, connection)

    def _attempt(self, end: End, now: float) -> None:
        if end.connector is None or end.remote is None:
            return
        end.attempts += 1
        failure = end.connector.connect_ex(end.remote)
        if failure == errno.ECONNABORTED:  # how the kernel tells once more that the attempt before has failed
            failure = end.connector.connect_ex(end.remote)
        end.connecting = failure in _NOT_YET
        if failure == 0:
            self._connected(end, now)
        elif end.connecting:
            self._update(end)
        else:
            self._failed(end, now)

    def _connected(self, end: End, now: float) -> None:
        connector = end.connector
        if connector is None:
            return
        end.connecting = False
        if connector.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._failed(end, now)
            return
        self._forget(connector)
        end.connector = None
        self._is_up(end, connector)

    def _failed(self, end: End, now: float) -> None:
        end.errors += 1
        if end.connector is not None:
            self._forget(end.connector)
        if end.attempts < MAX_ATTEMPTS:
            end.due = now + RETRY_SECONDS
            self._due.add(end)

    def _is_up(self, end: End, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a request for the floor is one small segment
        end.up = connection
        self._update(end)
        self._update(end.other)

    # Being one

    def _carry(self, end: End, events: int) -> None:
        try:
            if events & ~select.EPOLLOUT:  # what has hung up or is in error says so when it is read
                self._read(end)
            if end.up is not None:
                self._write(end)
            if end.other.up is not None:
                self._write(end.other)
        except BlockingIOError:
            pass
        except OSError:
            self._broken(end)
            return
        if end.over and end.other.over:
            self.close(end)
            self.close(end.other)
            return
        self._update(end)
        self._update(end.other)

    def _read(self, end: End) -> None:
        room = MAX_WAITING - len(end.other.waiting)
        if end.up is None or end.ended or room <= 0:
            return
        data = end.up.recv(min(READ, room))
        if not data:
            end.ended = True
            return
        end.reads += 1
        end.octets += len(data)
        end.other.waiting += data

    @staticmethod
    def _write(end: End) -> None:
        if end.up is None or end.told:
            return
        if end.waiting:
            try:
                del end.waiting[: end.up.send(end.waiting)]
            except BlockingIOError:
                return
        if end.other.ended and not end.waiting:
            end.told = True
            end.up.shutdown(socket.SHUT_WR)

    def _broken(self, end: End) -> None:
        end.errors += 1
        self.close(end)
        self.close(end.other)

    # What is watched

    def _update(self, end: End) -> None:
        """Bring what epoll is asked to what an end waits for."""
        if end.listener is not None:
            self._watch(end, end.listener, select.EPOLLIN)
        if end.connecting and end.connector is not None:
            self._watch(end, end.connector, select.EPOLLOUT)
        if end.up is not None:
            reads = end.other.up is not None and not end.ended and len(end.other.waiting) < MAX_WAITING
            interest = (select.EPOLLIN if reads else 0) | (select.EPOLLOUT if end.waiting else 0)
            if interest:
                self._watch(end, end.up, interest)
            else:
                self._forget(end.up)  # epoll tells of a hang-up whether it is asked to or not, again and again

    def _watch(self, end: End, one: socket.socket, interest: int) -> None:
        fd = one.fileno()
        known = self._interest.get(fd)
        if known is None:
            self._epoll.register(one, interest)
            self.ends[fd] = end
        elif known != interest:
            self._epoll.modify(one, interest)
        self._interest[fd] = interest

    def _forget(self, one: socket.socket) -> None:
        fd = one.fileno()
        if self._interest.pop(fd, None) is not None:
            self._epoll.unregister(one)
            self.ends.pop(fd, None)

    def _close(self, end: End, name: str) -> None:
        one: socket.socket | None = getattr(end, name)
        if one is not None:
            self._forget(one)
            one.close()
            setattr(end, name, None)
