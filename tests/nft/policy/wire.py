"""Packets of a policy on real links: sent as frames by a host of one zone, read where they come out."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Iterable

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from nft.policy.packet import Packet
from tests.nft.topology import mac

ARRIVAL_SECONDS = 20.0  # for a machine that is busy; what is expected comes within milliseconds
QUIET_SECONDS = 0.15
OTHER = 253  # a protocol for experiments (RFC 3692)

_tags = itertools.count(20000)


def frame(packet: Packet, link: str, tag: int) -> bytes:
    """Build the first packet of a flow that carries a tag."""
    ip = IP if packet.version == 4 else IPv6
    number = {"tcp": 6, "udp": 17, "ping": 1 if packet.version == 4 else 58, "other": OTHER}[packet.kind]
    field = "proto" if packet.version == 4 else "nh"
    head = ip(src=str(packet.source), dst=str(packet.target), **{field: number})
    body = {
        "tcp": lambda: TCP(sport=tag, dport=packet.port, flags="S"),
        "udp": lambda: UDP(sport=tag, dport=packet.port),
        "ping": lambda: ICMP(type=8, id=tag) if packet.version == 4 else ICMPv6EchoRequest(id=tag),
        "other": lambda: Raw(b""),
    }[packet.kind]()
    ether = Ether(src=mac(link, gateway=False), dst=mac(link, gateway=True))
    return bytes(ether / head / body / Raw(b"tag-%d-" % tag))


def crossing(links: dict[str, socket.socket], names: dict[str, str], packets: Iterable[Packet]) -> list[str]:
    """Send packets into the links of their zones; return the zone each comes out in, empty where it does not.

    ``links`` are packet sockets by zone, ``names`` the zones' names in the topology. What has not come out is waited
    for until every link was quiet, so an answer of "nowhere" says what was seen and not how fast.
    """
    tagged = [(next(_tags), packet) for packet in packets]
    for tag, packet in tagged:
        links[packet.zone].send(frame(packet, names[packet.zone], tag))
    sent = dict(tagged)
    found: dict[int, str] = {}
    for zone, link in links.items():
        # what comes back to its own zone is an error that quotes it: where no policy is, the kernel says "no route"
        found.update({tag: zone for tag in seen(link) if tag in sent and sent[tag].zone != zone})
    return [found.get(tag, "") for tag, _ in tagged]


def seen(link: socket.socket) -> list[int]:
    """Return the tags of what has come out of a link, until it is quiet."""
    link.settimeout(QUIET_SECONDS)
    tags: list[int] = []
    end = time.monotonic() + ARRIVAL_SECONDS
    while time.monotonic() < end:
        try:
            data, where = link.recvfrom(65536)
        except TimeoutError:
            break
        if where[2] != socket.PACKET_OUTGOING and b"tag-" in data:
            tags.append(int(data.split(b"tag-")[1].split(b"-")[0]))
    return tags
