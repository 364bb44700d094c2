"""Packets on a wire: built with scapy, an implementation of the protocols that is not ours; read back by their tag."""

from __future__ import annotations

import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, NamedTuple

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from nft.policy import traffic
from nft.policy.packet import Packet
from nft.schema import IPAddress

MAGIC = b"vdx proof "
OTHER = 253  # a protocol for experiments (RFC 3692)
FIRST_PORT, PORTS = 20000, 40000  # source ports: a flow of its own for each packet of a batch
_ETHERNET, _IPV6 = 14, 40  # bytes of headers
_PROTOCOLS: Final = {6: "tcp", 17: "udp", OTHER: "other", 1: "ping", 58: "ping"}
_ECHO: Final = {1: 8, 58: 128}  # types of echo requests; everything else of ICMP quotes a packet, or answers one

_BODIES: Final[dict[str, Callable[[Packet, int], Any]]] = {
    "tcp": lambda packet, tag: TCP(sport=_port(tag), dport=packet.port, flags="S"),
    "udp": lambda packet, tag: UDP(sport=_port(tag), dport=packet.port),
    "ping": lambda packet, tag: (ICMP if packet.version == 4 else ICMPv6EchoRequest)(id=tag & 0xFFFF),
}


class Seen(NamedTuple):
    """A packet of ours that has come out: what its headers say by then. ``port`` is 0 where there is none."""

    tag: int
    source: IPAddress
    target: IPAddress
    port: int


def build(packet: Packet, tag: int, mac: str) -> bytes:
    """Build the first packet of a flow as a frame to the edge, whose address is ``mac``."""
    ends = {"src": str(packet.source), "dst": str(packet.target)}
    if body := _BODIES.get(packet.kind):
        ip = (IP if packet.version == 4 else IPv6)(**ends) / body(packet, tag)
    else:
        ip = IP(**ends, proto=OTHER) if packet.version == 4 else IPv6(**ends, nh=OTHER)
    return bytes(Ether(src="02:00:00:00:00:02", dst=mac) / ip / Raw(MAGIC + struct.pack(">I", tag)))


def read(frame: bytes) -> Seen | None:
    """Read a frame; None where it is no packet of ours on its way."""
    at = frame.find(MAGIC)
    if at < 0 or len(frame) < at + len(MAGIC) + 4:
        return None
    (tag,) = struct.unpack_from(">I", frame, at + len(MAGIC))
    source: IPAddress
    target: IPAddress
    if frame[_ETHERNET] >> 4 == 4:
        protocol, body = frame[23], _ETHERNET + 4 * (frame[_ETHERNET] & 15)
        source, target = IPv4Address(frame[26:30]), IPv4Address(frame[30:34])
    else:
        protocol, body = frame[20], _ETHERNET + _IPV6
        source, target = IPv6Address(frame[22:38]), IPv6Address(frame[38:54])
    if protocol not in _PROTOCOLS or frame[body] != _ECHO.get(protocol, frame[body]):
        return None
    ported = _PROTOCOLS[protocol] in traffic.BASE
    return Seen(tag, source, target, int.from_bytes(frame[body + 2 : body + 4], "big") if ported else 0)


def _port(tag: int) -> int:
    return FIRST_PORT + tag % PORTS
