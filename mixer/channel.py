"""The socket between the node agent and a room worker.

A SOCK_SEQPACKET pair, or a connection that a service manager starts the worker for. One JSON message a packet: the
media sockets that come with a message (SCM_RIGHTS) cannot go to another one.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from vdx.wire import WireError

MAX_PACKET = 128 * 1024
"""Octets of one message: the longest, scenes of 20 personal views of 25 tiles, takes about 60 kB."""

MAX_DESCRIPTORS = 8
"""Descriptors of one message: RTP and RTCP of picture, sound, content, and one to spare."""

SEND_BUFFER = 4 * MAX_PACKET
"""What may wait in the kernel for a reader that is busy; one that lets more pile up is stuck."""


@dataclass(frozen=True, slots=True)
class Received:
    """One message, and the descriptors that came with it; whoever takes it closes them or hands them on."""

    data: bytes
    descriptors: tuple[int, ...] = ()


def pair() -> tuple[socket.socket, socket.socket]:
    """Make the two ends: the agent's, which does not block, and the worker's, to be inherited."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for one in (ours, theirs):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        one.setblocking(False)
    theirs.set_inheritable(True)
    return ours, theirs


def connect(path: str) -> socket.socket:
    """Give the agent's end where a service manager starts the worker; raises OSError."""
    ours = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        ours.connect(path)
    except OSError:
        ours.close()
        raise
    ours.setblocking(False)
    return ours


def send(channel: socket.socket, packet: bytes, descriptors: Sequence[int] = ()) -> None:
    """Send one encoded message with descriptors, which stay open here.

    Raises BlockingIOError where the other side has let too much pile up, OSError where it is gone, `WireError` where
    the message is longer than one may be.
    """
    if len(packet) > MAX_PACKET or len(descriptors) > MAX_DESCRIPTORS:
        raise WireError(f"a message of {len(packet)} octets and {len(descriptors)} descriptors is too long")
    if descriptors:
        socket.send_fds(channel, [packet], list(descriptors), socket.MSG_NOSIGNAL)
    else:
        channel.send(packet, socket.MSG_NOSIGNAL)


def receive(channel: socket.socket) -> Received | None:
    """Take the next message; None at the end. Raises BlockingIOError where none waits, `WireError` for one too long."""
    data, descriptors, flags, _ = socket.recv_fds(channel, MAX_PACKET, MAX_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        discard(Received(b"", tuple(descriptors)))
        raise WireError(f"a message is longer than {MAX_PACKET} octets or brings more than {MAX_DESCRIPTORS} sockets")
    return Received(data, tuple(descriptors)) if data or descriptors else None


def discard(received: Received) -> None:
    """Close the descriptors of a message that nobody takes."""
    for descriptor in received.descriptors:
        os.close(descriptor)
