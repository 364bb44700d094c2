"""Packets on a wire: built with scapy, an implementation of the protocols that is not ours; read back by their tag.

Scapy makes one packet of each kind. The others get their addresses and ports written over, and new checksums.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
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
_ETHERNET, _IPV4, _IPV6 = 14, 20, 40  # bytes of headers
_ICMP = 1
_PROTOCOLS: Final = {6: "tcp", 17: "udp", OTHER: "other", 1: "ping", 58: "ping"}
_ECHO: Final = {1: 8, 58: 128}  # types of echo requests; everything else of ICMP quotes a packet, or answers one

_LAYERS: Final[dict[str, Callable[[int], Any]]] = {
    "tcp": lambda _: TCP(flags="S"),
    "udp": lambda _: UDP(),
    "ping": lambda version: ICMP(type=8) if version == 4 else ICMPv6EchoRequest(),
}
_CHECKSUM: Final = {"tcp": 16, "udp": 6, "ping": 2}  # where it stands in the header behind IP
_ID: Final = {"tcp": 0, "udp": 0, "ping": 4}  # and what tells flows apart: the source port, the identifier


class Seen(NamedTuple):
    """A packet of ours that has come out: what its headers say by then. ``port`` is 0 where there is none."""

    tag: int
    source: IPAddress
    target: IPAddress
    port: int


def build(packet: Packet, tag: int, mac: bytes) -> bytes:
    """Build the first packet of a flow as a frame to the edge, whose address is ``mac``."""
    model, protocol = _template(packet.kind, packet.version)
    frame = bytearray(model)
    frame[:6] = mac
    frame[-4:] = tag.to_bytes(4, "big")
    ends = packet.source.packed + packet.target.packed
    body = _ETHERNET + (_IPV4 if packet.version == 4 else _IPV6)
    frame[body - len(ends) : body] = ends
    if packet.version == 4:
        frame[24:26] = b"\0\0"
        frame[24:26] = _checksum(frame[_ETHERNET:body])
    if packet.kind in _CHECKSUM:
        at = body + _ID[packet.kind]
        frame[at : at + 2] = (FIRST_PORT + tag % PORTS).to_bytes(2, "big")
        if packet.kind in traffic.BASE:
            frame[body + 2 : body + 4] = packet.port.to_bytes(2, "big")
        at = body + _CHECKSUM[packet.kind]
        frame[at : at + 2] = b"\0\0"
        pseudo = b"" if protocol == _ICMP else ends + struct.pack(">II", len(frame) - body, protocol)
        frame[at : at + 2] = _checksum(pseudo + frame[body:])
    return bytes(frame)


@cache
def _template(kind: str, version: int) -> tuple[bytes, int]:
    """Return a packet of a kind as scapy makes it, and the number of its protocol."""
    ip = IP(src="0.0.0.0", dst="0.0.0.0", proto=OTHER) if version == 4 else IPv6(src="::", dst="::", nh=OTHER)
    if kind in _LAYERS:
        ip = (IP(src="0.0.0.0", dst="0.0.0.0") if version == 4 else IPv6(src="::", dst="::")) / _LAYERS[kind](version)
    frame = bytes(Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:01") / ip / Raw(MAGIC + bytes(4)))
    return frame, frame[23 if version == 4 else 20]


def _checksum(data: bytes | bytearray) -> bytes:
    """Return the checksum of RFC 1071; 0xffff instead of 0, which UDP takes for none and the others for the same."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    total = (total >> 16) + (total & 0xFFFF)
    return ((~total & 0xFFFF) or 0xFFFF).to_bytes(2, "big")


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
