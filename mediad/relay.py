"""The relay table: pipes of two UDP sockets each, and the path of a datagram from one to the other.

No policy is here: the kernel lets in only packets of checked sources, so the last source seen on a side is where media
for that side goes, and before any was seen the remote that signalling named. The epoll object is handed in; the table
keeps it in step with its sockets and never waits on it.
"""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mediad.errors import RelayError
from mediad.remote import SocketAddress, reach
from vdx.relay import Count, Pipe, Relaying

MAX_PIPES = 4
"""Pipes of one lease: RTP and RTCP, or BFCP, and room for one more kind."""

MAX_SOCKETS = 4_000
"""1,000 streams with RTP and RTCP: about what one process of this kind carries, and a listing fits one packet."""

DATAGRAM = 65_536
"""Longer than any UDP payload (65,507 over IPv4, 65,527 over IPv6), so nothing is ever cut short."""


@dataclass(slots=True, eq=False)
class Side:
    """One socket of a pipe: where its far end is, and what passed.

    `packets` and `octets` were received here; `unaddressed` had nowhere to go yet, `failed` the kernel would not send
    from here, `errors` are what the network reported to this socket (ICMP errors and the like).
    """

    socket: socket.socket
    remote: SocketAddress | None
    packets: int = 0
    octets: int = 0
    unaddressed: int = 0
    failed: int = 0
    errors: int = 0
    other: Side = None  # type: ignore[assignment] # set at once by the pipe that joins the two


class Path:
    """The way of datagrams: one reused buffer for all sockets."""

    def __init__(self) -> None:
        self._buffer = bytearray(DATAGRAM)
        self._view = memoryview(self._buffer)

    def forward(self, side: Side) -> None:
        """Take one datagram from a side that is readable and send it on; nothing the network does is fatal.

        One a readiness: a flooded stream gets no more turns than the others, and a second read of an empty socket
        would cost as much as asking epoll again.
        """
        try:
            size, source = side.socket.recvfrom_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            side.errors += 1
            return
        side.packets += 1
        side.octets += size
        side.remote = source
        other = side.other
        target = other.remote
        if target is None:
            other.unaddressed += 1
            return
        try:
            other.socket.sendto(self._view[:size], target)
        except OSError as error:
            if error.errno == errno.ECONNREFUSED:  # a report on an earlier datagram; this one was not sent
                other.errors += 1
            else:
                other.failed += 1


class Table:
    """Everything that is being relayed, by lease."""

    def __init__(self, epoll: select.epoll, *, capacity: int = MAX_SOCKETS) -> None:
        self.sides: dict[int, Side] = {}
        self._leases: dict[str, dict[str, tuple[Side, Side]]] = {}
        self._epoll = epoll
        self._capacity = capacity

    def __len__(self) -> int:
        return len(self._leases)

    def open(self, lease: str, pipes: Sequence[Pipe], sockets: Sequence[socket.socket]) -> None:
        """Relay between two sockets for each pipe; they belong to the table from now on.

        Raises `RelayError` where nothing was opened and the sockets still belong to the caller.
        """
        if lease in self._leases:
            raise RelayError(f"{lease} is relayed already: stop it before opening it anew")
        if not 0 < len(pipes) <= MAX_PIPES:
            raise RelayError(f"{lease} has {len(pipes)} pipes: from 1 to {MAX_PIPES} are possible")
        if len({pipe.name for pipe in pipes}) != len(pipes):
            raise RelayError(f"{lease} names a pipe twice")
        if len(sockets) != 2 * len(pipes):
            raise RelayError(f"{lease} came with {len(sockets)} sockets: its {len(pipes)} pipes need {2 * len(pipes)}")
        if any(one.type != socket.SOCK_DGRAM for one in sockets):
            raise RelayError(f"{lease}: one of its sockets is not of UDP")
        if len(self.sides) + len(sockets) > self._capacity:
            raise RelayError(f"{len(self.sides)} sockets are open: no room for {len(sockets)} of {lease}")
        opened = {}
        for pipe, a, b in zip(pipes, sockets[::2], sockets[1::2], strict=True):
            opened[pipe.name] = _join(Side(a, reach(pipe, "a", a)), Side(b, reach(pipe, "b", b)))
        self._watch(sockets)
        self._leases[lease] = opened
        self.sides.update((side.socket.fileno(), side) for side in _sides(opened))

    def retarget(self, lease: str, pipes: Sequence[Pipe]) -> None:
        """Send to these remotes from now on, whatever sources were seen; other pipes of the lease stay as they are.

        Raises `RelayError` where nothing was changed.
        """
        opened = self._leases.get(lease)
        if opened is None:
            raise RelayError(f"{lease} is not relayed")
        changes = []
        for pipe in pipes:
            if pipe.name not in opened:
                raise RelayError(f"{lease} has no pipe {pipe.name}: it has {', '.join(opened)}")
            a, b = opened[pipe.name]
            changes += [(a, reach(pipe, "a", a.socket)), (b, reach(pipe, "b", b.socket))]
        for side, remote in changes:
            side.remote = remote

    def stop(self, lease: str) -> tuple[Side, ...]:
        """Close the sockets of a lease and return its sides as they ended; empty for a lease that is not there."""
        sides = tuple(_sides(self._leases.pop(lease, {})))
        self._discard(sides)
        return sides

    def _discard(self, sides: Sequence[Side]) -> None:
        for side in sides:
            del self.sides[side.socket.fileno()]
            self._epoll.unregister(side.socket)  # closing is not enough while another process holds the socket too
            side.socket.close()

    def stop_pipe(self, lease: str, name: str) -> None:
        """Close the sockets of one pipe; the last one of a lease stays until the lease is stopped."""
        pipes = self._leases.get(lease, {})
        if len(pipes) > 1 and name in pipes:
            self._discard(pipes.pop(name))

    def close(self) -> None:
        """Close everything."""
        for lease in tuple(self._leases):
            self.stop(lease)

    def _watch(self, sockets: Sequence[socket.socket]) -> None:
        for index, one in enumerate(sockets):
            try:
                self._epoll.register(one, select.EPOLLIN)
            except OSError as error:  # the kernel limits the watches of a user (epoll(7), max_user_watches)
                for watched in sockets[:index]:
                    self._epoll.unregister(watched)
                raise RelayError(f"a socket cannot be watched: {error.strerror}") from error

    def listing(self) -> tuple[Relaying, ...]:
        """Return what is being relayed, with counts."""
        return tuple(
            Relaying(lease, tuple(_count(name, a, b) for name, (a, b) in pipes.items()))
            for lease, pipes in self._leases.items()
        )


def _join(a: Side, b: Side) -> tuple[Side, Side]:
    a.other, b.other = b, a
    return a, b


def _sides(pipes: dict[str, tuple[Side, Side]]) -> Iterator[Side]:
    for pair in pipes.values():
        yield from pair


def _count(name: str, a: Side, b: Side) -> Count:
    return Count(name, a.packets, a.octets, b.packets, b.octets)
