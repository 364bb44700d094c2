"""One packet of the socket: a JSON message and the descriptors that came with it (SCM_RIGHTS, unix(7))."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from mediad.errors import PacketError, RelayError
from mediad.relay import MAX_PIPES

MAX_REQUEST = 128 * 1024
"""Octets of one message to us: the longest one stops 5,000 leases (about 100 kB)."""

MAX_DESCRIPTORS = 2 * MAX_PIPES
"""Descriptors of one message: two sockets for each pipe. The kernel discards what is more."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A message as received; whoever takes the packet closes the descriptors or hands them on."""

    data: bytes
    descriptors: tuple[int, ...]
    cut: bool
    """Whether more descriptors were sent than may come with a message, or than this process may still open."""


def receive(connection: socket.socket) -> Packet | None:
    """Take the next packet from a non-blocking connection; None at its end.

    Raises `PacketError` for a message that is too long (its descriptors are closed), OSError as recvmsg(2) does.
    """
    data, descriptors, flags, _ = socket.recv_fds(connection, MAX_REQUEST, MAX_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
    if flags & socket.MSG_TRUNC:
        close(descriptors)
        raise PacketError(f"message longer than {MAX_REQUEST} octets")
    if not data and not descriptors:
        return None
    return Packet(data, tuple(descriptors), bool(flags & socket.MSG_CTRUNC))


def adopt(descriptors: Sequence[int]) -> list[socket.socket]:
    """Turn descriptors into non-blocking sockets of UDP or TCP; raises `RelayError` (all are closed) for any other."""
    left = list(descriptors)
    sockets: list[socket.socket] = []
    try:
        while left:
            sockets.append(socket.socket(fileno=left[0]))
            left.pop(0)
            _check(sockets[-1])
            sockets[-1].setblocking(False)
    except (OSError, RelayError) as error:
        close(left)
        discard(sockets)
        raise RelayError(f"a descriptor cannot be relayed: {error}") from error
    return sockets


def close(descriptors: Sequence[int]) -> None:
    """Close descriptors that nobody took."""
    for descriptor in descriptors:
        os.close(descriptor)


def discard(sockets: Sequence[socket.socket]) -> None:
    """Close sockets that nobody took."""
    for one in sockets:
        one.close()


def _check(one: socket.socket) -> None:
    if one.family not in (socket.AF_INET, socket.AF_INET6) or one.proto not in (socket.IPPROTO_UDP, socket.IPPROTO_TCP):
        raise RelayError("neither a UDP nor a TCP socket")
    if not one.getsockname()[1]:
        raise RelayError("not bound to a port")
