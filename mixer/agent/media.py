"""Media sockets: reserved before a call is answered, handed to the room's worker, kept here for the next one."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from mixer import wire
from mixer.errors import NoPorts
from mixer.session import Key, Place, Stream

RECEIVE_BUFFER = 1024 * 1024
"""Octets that wait in the kernel for a worker: 0.3 s of a Full HD picture; it is granted up to rmem_max."""

DSCP_AF41 = 34 << 2
DSCP_EF = 46 << 2
"""How routers are asked to treat pictures and sound (RFC 4594 sections 4.1 and 4.3), as octets of IP_TOS."""


@dataclass(slots=True)
class Sockets:
    """The sockets of one stream, RTP on an even port and RTCP on the next; `handed` once a worker has them."""

    rtp: socket.socket
    rtcp: socket.socket
    handed: bool = False

    @property
    def port(self) -> int:
        """The port of RTP."""
        return int(self.rtp.getsockname()[1])

    def descriptors(self, *, mux: bool) -> tuple[int, ...]:
        """Give what goes to the worker."""
        return (self.rtp.fileno(),) if mux else (self.rtp.fileno(), self.rtcp.fileno())

    def place(self, key: Key | None) -> Place:
        """Give what our description says of it."""
        return Place(self.port, self.port + 1, key)

    def close(self) -> None:
        """Give the ports back."""
        self.rtp.close()
        self.rtcp.close()


class PortRange:
    """Pairs of UDP ports of one address, tried from a random place on: who guesses the next port guesses wrong."""

    def __init__(self, address: str, first: int, last: int) -> None:
        self._address = address
        self._first = first + first % 2
        self._pairs = (last + 1 - self._first) // 2
        self._random = random.SystemRandom()

    def reserve(self, kind: wire.Line) -> Sockets:
        """Bind a pair; raises `NoPorts`."""
        for port in self._candidates():
            rtp = self._bind(port, kind)
            if rtp is None:
                continue
            rtcp = self._bind(port + 1, kind)
            if rtcp is not None:
                return Sockets(rtp, rtcp)
            rtp.close()
        raise NoPorts(f"every UDP port for media at {self._address} is taken: widen media.first to media.last")

    def _candidates(self) -> Iterator[int]:
        start = self._random.randrange(self._pairs)
        for number in range(self._pairs):
            yield self._first + 2 * ((start + number) % self._pairs)

    def _bind(self, port: int, kind: wire.Line) -> socket.socket | None:
        six = ":" in self._address
        made = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            tos = DSCP_EF if kind == "audio" else DSCP_AF41
            if six:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)
            else:
                made.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
            made.bind((self._address, port))
        except OSError as error:
            made.close()
            if error.errno == errno.EADDRINUSE:
                return None
            raise NoPorts(f"UDP port {port} of {self._address} cannot be bound: {error.strerror}") from error
        return made


def told(stream: Stream, ours: Key | None, *, kept: bool) -> wire.Stream:
    """Say to a worker what is agreed about a stream."""
    codec = stream.codec
    spoken = wire.Format(
        msgspec.convert(codec.name, wire.Encoding),
        codec.payload,
        "high" if codec.name == "h264" and codec.profile == "high" else "baseline",
        1 if codec.name != "h264" or codec.mode else 0,
        stream.rtx.payload if stream.rtx is not None else None,
        codec.parameters.get("useinbandfec") == "1",
    )
    known = stream.address is not None and stream.port > 0
    rtcp = stream.rtcp_address is not None and stream.rtcp_port is not None and not stream.mux
    return wire.Stream(
        stream.purpose,
        wire.Address(str(stream.address), stream.port) if known else None,
        wire.Address(str(stream.rtcp_address), stream.rtcp_port or 0) if rtcp else None,
        rtcp=not stream.mux,
        kept=kept,
        receive=(spoken,) if stream.receives else (),
        send=spoken if stream.sends else None,
        telephone_event=stream.events.payload if stream.events is not None else None,
        event_rate=_rate(stream),
        encryption=_encryption(ours, stream.theirs),
        feedback=msgspec.convert(stream.feedback, frozenset[wire.Feedback]),
        transport_cc=stream.transport_cc,
        kbps=stream.bounds.kbps,
        width=stream.bounds.width,
        height=stream.bounds.height,
        fps=stream.bounds.fps or 30,
    )


def _rate(stream: Stream) -> Literal[8000, 16000, 48000]:
    clock = stream.events.clock if stream.events is not None else 8000
    return 48000 if clock == 48000 else 16000 if clock == 16000 else 8000


def _encryption(ours: Key | None, theirs: Key | None) -> wire.Encryption | None:
    if ours is None or theirs is None:
        return None
    return wire.Encryption(_key(ours), _key(theirs))


def _key(key: Key) -> wire.Key:
    return wire.Key(msgspec.convert(key.suite, wire.Suite), key.inline)
