"""Frames that no socket would send, and what arrives on a link; built and read with scapy."""

from __future__ import annotations

import socket
from typing import Any

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptSrcLLAddr,
    ICMPv6PacketTooBig,
    ICMPv6TimeExceeded,
    IPv6,
)
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from tests.nft.topology import address, mac

ICMP6_ERRORS = (ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6TimeExceeded)


def udp(zone: str, source: tuple[str, int], target: tuple[str, int], payload: bytes, **header: Any) -> bytes:
    """Build a frame from a host of a zone to the gateway; ``header`` sets fields of its IP header."""
    ip = IP if ":" not in target[0] else IPv6
    names = {"ttl": "hlim"} if ip is IPv6 else {}
    fields = {names.get(name, name): value for name, value in header.items()}
    frame = (
        _ether(zone) / ip(src=source[0], dst=target[0], **fields) / UDP(sport=source[1], dport=target[1]) / Raw(payload)
    )
    return bytes(frame)


def _ether(zone: str) -> Packet:
    return Ether(src=mac(zone, gateway=False), dst=mac(zone, gateway=True))


def echo(zone: str, source: str, target: str, sequence: int) -> bytes:
    """Build an echo request to the gateway."""
    if ":" in target:
        return bytes(_ether(zone) / IPv6(src=source, dst=target) / ICMPv6EchoRequest(id=1, seq=sequence))
    return bytes(_ether(zone) / IP(src=source, dst=target) / ICMP(type=8, id=1, seq=sequence))


def echoes(packets: list[Packet]) -> int:
    """Count the echo replies."""
    return sum(ICMPv6EchoReply in p or (ICMP in p and p[ICMP].type == 0) for p in packets)


def solicitation(zone: str, source: str, target: str, hops: int) -> bytes:
    """Build a neighbour solicitation for an address of the gateway."""
    option = ICMPv6NDOptSrcLLAddr(lladdr=mac(zone, gateway=False))
    return bytes(_ether(zone) / IPv6(src=source, dst=target, hlim=hops) / ICMPv6ND_NS(tgt=target) / option)


def advertisements(packets: list[Packet]) -> list[str]:
    """Return the addresses that were advertised."""
    return [p[ICMPv6ND_NA].tgt for p in packets if ICMPv6ND_NA in p]


def arriving(link: socket.socket, seconds: float = 0.3) -> list[Packet]:
    """Return what came from the gateway until nothing comes for a while."""
    link.settimeout(seconds)
    got: list[Packet] = []
    try:
        while True:
            frame, where = link.recvfrom(65536)
            if where[2] != socket.PACKET_OUTGOING:
                got.append(Ether(frame))
    except TimeoutError:
        return got


def media(packets: list[Packet], payload: bytes) -> list[Packet]:
    """Return the packets that carry a payload."""
    return [packet for packet in packets if UDP in packet and bytes(packet[UDP].payload) == payload]


def errors(packets: list[Packet]) -> list[Packet]:
    """Return the ICMP errors and redirects among packets."""
    plain = [p for p in packets if ICMP in p and p[ICMP].type in (3, 4, 5, 11, 12)]
    return plain + [p for p in packets if any(layer in p for layer in ICMP6_ERRORS) or "ICMPv6ND_Redirect" in p]


def names(packets: list[Packet], zone: str, version: int) -> bool:
    """Tell whether any host of a zone is named anywhere in packets, in a header or a quotation."""
    hosts = [address(zone, host, version).packed for host in range(2, 5)]
    return any(host in bytes(packet) for packet in packets for host in hosts)
