"""A probe for media paths: numbered RTP packets out, and what arrived with its source and TTL (RFC 3550)."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from tests.peers.host import Host, family

HEADER = struct.Struct("!BBHII")  # RFC 3550 section 5.1
VERSION = 2 << 6
CONTROL = struct.Struct("!BBHI")  # RFC 3550 section 6.4.2: a receiver report without blocks
RECEIVER_REPORT = 201
MARK = b"vdx-probe"
TTL = struct.Struct("=i")
IP_RECVTTL, IP_RECVTOS = 12, 13  # linux/in.h; the socket module learns them with Python 3.14


@dataclass(frozen=True, slots=True)
class Arrival:
    """One packet as it came: its number, the probe it came from, and what the network shows of its way."""

    number: int
    sender: int
    source: tuple[str, int]
    ttl: int
    octets: int
    dscp: int


@dataclass(slots=True)
class Probe:
    """A socket on a media port that sends numbered packets and reports arrivals; close it, or use it with ``with``.

    `sender` is the SSRC, different for every probe.
    """

    host: Host
    address: str
    port: int
    sender: int = field(default_factory=lambda: int.from_bytes(os.urandom(4)))
    socket: socket.socket = field(init=False)
    _next: int = 0

    def __post_init__(self) -> None:
        kind = family(self.address)
        self.socket = self.host.socket(kind, socket.SOCK_DGRAM)
        if kind == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
            self.socket.setsockopt(socket.IPPROTO_IP, IP_RECVTOS, 1)
        else:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        try:
            self.socket.bind((self.address, self.port))
        except OSError:
            self.socket.close()
            raise
        self.port = self.socket.getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, address: str, port: int, count: int = 1, *, size: int = 172, payload_type: int = 8) -> list[int]:
        """Send `count` packets of `size` octets (header included) and return their numbers."""
        numbers = list(range(self._next, self._next + count))
        self._next += count
        for number in numbers:
            header = HEADER.pack(VERSION, payload_type, number & 0xFFFF, number * 160 & 0xFFFFFFFF, self.sender)
            body = MARK + number.to_bytes(4)
            self.socket.sendto((header + body).ljust(size, b"\0"), (address, port))
        return numbers

    def set_ttl(self, hops: int) -> None:
        """Send with that TTL or hop limit from now on."""
        if self.socket.family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
        else:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)

    def send_control(self, address: str, port: int) -> None:
        """Send one RTCP receiver report from this port."""
        self.socket.sendto(CONTROL.pack(VERSION, RECEIVER_REPORT, 1, self.sender), (address, port))

    def arrivals(self, count: int, timeout: float = 3.0) -> list[Arrival]:
        """Return what arrives until `count` probes' packets came or `timeout` seconds went by."""
        found: list[Arrival] = []
        deadline = time.monotonic() + timeout
        while len(found) < count and (rest := deadline - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], rest)[0]:
                break
            arrival = self._take()
            if arrival is not None:
                found.append(arrival)
        return found

    def silent(self, seconds: float = 0.3) -> bool:
        """Tell whether no probe's packet arrives for a while."""
        return not self.arrivals(1, seconds)

    def control_arrives(self, timeout: float = 3.0) -> tuple[str, int] | None:
        """Return the source of the next RTCP packet, None if none comes."""
        if not select.select([self.socket], [], [], timeout)[0]:
            return None
        data, source = self.socket.recvfrom(65536)
        if len(data) < CONTROL.size or data[1] != RECEIVER_REPORT:
            raise AssertionError(f"not the RTCP packet of a probe: {data[:16].hex()}")
        return source[0], source[1]

    def _take(self) -> Arrival | None:
        data, ancillary, _, source = self.socket.recvmsg(65536, 256)
        if len(data) < HEADER.size + len(MARK) + 4 or data[HEADER.size :][: len(MARK)] != MARK:
            return None
        number = int.from_bytes(data[HEADER.size + len(MARK) :][:4])
        sender = HEADER.unpack_from(data)[4]
        return Arrival(number, sender, (source[0], source[1]), _ttl(ancillary), len(data), _dscp(ancillary))


def _ttl(ancillary: Iterable[tuple[int, int, bytes]]) -> int:
    for level, kind, data in ancillary:
        if (level, kind) in ((socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)):
            return int(TTL.unpack(data)[0])
    raise AssertionError("the kernel reported no TTL")


def _dscp(ancillary: Iterable[tuple[int, int, bytes]]) -> int:
    for level, kind, data in ancillary:
        if (level, kind) in ((socket.IPPROTO_IP, socket.IP_TOS), (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)):
            return data[0] >> 2  # an octet, or an int of this machine, of which it is the lowest (RFC 2474 section 3)
    raise AssertionError("the kernel reported no DSCP")


@dataclass(frozen=True, slots=True)
class Report:
    """What one direction of a path carried: packets sent and arrived, and the sources, TTLs and DSCP seen."""

    sent: int
    arrived: int
    sources: frozenset[tuple[str, int]]
    ttls: frozenset[int]
    dscp: frozenset[int]

    @property
    def lost(self) -> int:
        """Return how many did not arrive."""
        return self.sent - self.arrived


def carry(sender: Probe, to: tuple[str, int], receiver: Probe, *, count: int = 20, size: int = 172) -> Report:
    """Send packets from one probe to an address of the path and report what the other probe got of them."""
    numbers = set(sender.send(*to, count, size=size))
    came = [one for one in receiver.arrivals(count) if one.sender == sender.sender and one.number in numbers]
    return Report(
        count,
        len({one.number for one in came}),
        frozenset(one.source for one in came),
        frozenset(one.ttl for one in came),
        frozenset(one.dscp for one in came),
    )
