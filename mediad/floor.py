"""The table of connections by lease: the counterpart of `mediad.relay.Table` for what runs over TCP.

A lease of this kind has one pipe. Its four sockets come together, so that signalling may decide later who connects.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence

from mediad.connection import End, Wires
from mediad.errors import RelayError
from mediad.remote import SocketAddress, reach
from vdx.relay import Count, Pipe, Relaying

SOCKETS = 4
"""Of a pipe: for each end one that listens and one that may connect."""

MAX_CONNECTIONS = 500
"""Pipes at once. A floor is what a call with a presentation has, and most systems speak BFCP over UDP."""


class Floor:
    """Every connection that is relayed, by lease."""

    def __init__(self, epoll: select.epoll, *, capacity: int = MAX_CONNECTIONS) -> None:
        self.wires = Wires(epoll)
        self._leases: dict[str, tuple[str, End, End]] = {}
        self._capacity = capacity

    def __len__(self) -> int:
        return len(self._leases)

    def __contains__(self, lease: object) -> bool:
        return lease in self._leases

    def open(self, lease: str, pipes: Sequence[Pipe], sockets: Sequence[socket.socket], now: float) -> None:
        """Relay between the two ends of a pipe; the sockets belong to the table from now on.

        Raises `RelayError` where nothing was opened and the sockets still belong to the caller.
        """
        if lease in self._leases:
            raise RelayError(f"{lease} is relayed already: stop it before opening it anew")
        if len(pipes) != 1 or len(sockets) != SOCKETS:
            raise RelayError(
                f"{lease} has {len(pipes)} pipes and {len(sockets)} sockets: a connection has 1 and {SOCKETS}"
            )
        if len(self._leases) >= self._capacity:
            raise RelayError(f"{len(self._leases)} connections are relayed: no room for {lease}")
        _check(lease, sockets)
        pipe = pipes[0]
        a_listener, a_connector, b_listener, b_connector = sockets
        a = End(a_listener, a_connector, reach(pipe, "a", a_connector))
        b = End(b_listener, b_connector, reach(pipe, "b", b_connector))
        a.other, b.other = b, a
        try:
            self.wires.add(a, now)
            self.wires.add(b, now)
        except OSError as error:  # the kernel limits the watches of a user (epoll(7), max_user_watches)
            self.wires.close(a)
            self.wires.close(b)
            raise RelayError(f"a socket of {lease} cannot be watched: {error.strerror}") from error
        self._leases[lease] = (pipe.name, a, b)

    def retarget(self, lease: str, pipes: Sequence[Pipe], now: float) -> None:
        """Connect to the remotes that signalling names now; what is up already stays. Raises `RelayError`."""
        found = self._leases.get(lease)
        if found is None:
            raise RelayError(f"{lease} is not relayed")
        _, a, b = found
        for pipe in pipes:
            ends = [(end, _target(pipe, name, end)) for name, end in (("a", a), ("b", b))]
            for end, remote in ends:
                if remote is not None:
                    self.wires.connect(end, remote, now)

    def stop(self, lease: str) -> tuple[End, ...]:
        """Close the sockets of a lease and return its ends as they were; empty for a lease that is not there."""
        found = self._leases.pop(lease, None)
        if found is None:
            return ()
        _, a, b = found
        self.wires.close(a)
        self.wires.close(b)
        return a, b

    def close(self) -> None:
        """Close everything."""
        for lease in tuple(self._leases):
            self.stop(lease)

    def listing(self) -> tuple[Relaying, ...]:
        """Return what is being relayed, with counts: of a connection, what was read at once counts as a packet."""
        return tuple(
            Relaying(lease, (Count(name, a.reads, a.octets, b.reads, b.octets),))
            for lease, (name, a, b) in self._leases.items()
        )


def _target(pipe: Pipe, name: str, end: End) -> SocketAddress | None:
    through = next(iter(end.sockets), None)
    return None if through is None else reach(pipe, name, through)


def _check(lease: str, sockets: Sequence[socket.socket]) -> None:
    for index, one in enumerate(sockets):
        listens = bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        if one.type != socket.SOCK_STREAM or listens != (index % 2 == 0):
            raise RelayError(f"{lease}: its sockets are not one that listens and one that may connect, for each end")
