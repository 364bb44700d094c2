"""A packet as a person writes it: ``sdn 10.1.2.3 -> core 10.9.0.5 tcp/443``; the arrow may be ``to``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from nft.errors import ModelError
from nft.policy import traffic
from nft.policy.traffic import Kind
from nft.schema import IPAddress

_ZONE = r"([a-z][a-z0-9-]{0,31})\s+"
_ARROW = r"(?:\s*->\s*|\s+to\s+|\s+)"
_TEXT = re.compile(rf"\s*{_ZONE}(\S+?){_ARROW}(?:{_ZONE})?(\S+)\s+(\S+)\s*")
_TRAFFIC = re.compile(r"(tcp|udp)/(\d{1,5})|(ping|other)")
MAX_TEXT = 200  # characters: two long IPv6 addresses and two zones are about 150
EXAMPLE = "sdn 10.1.2.3 -> core 10.9.0.5 tcp/443"


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a flow. ``target_zone`` is where the asker thinks it goes, empty where they do not say."""

    zone: str
    source: IPAddress
    target: IPAddress
    kind: Kind
    port: int = 0
    target_zone: str = ""

    @property
    def version(self) -> int:
        """Its IP version."""
        return self.target.version

    @property
    def place(self) -> int:
        """Where its traffic stands on the line of ``nft.policy.traffic``."""
        return traffic.place(self.kind, self.port)

    def __str__(self) -> str:
        towards = f"{self.target_zone} {self.target}" if self.target_zone else str(self.target)
        kind = f"{self.kind}/{self.port}" if self.kind in traffic.BASE else self.kind
        return f"{self.zone} {self.source} -> {towards} {kind}"


def parse(text: str) -> Packet:
    """Read a packet; ``ModelError`` says how to write one."""
    found = _TEXT.fullmatch(text) if len(text) <= MAX_TEXT else None
    if not found:
        raise ModelError(f"{text[:60]!r} is no packet: write it as in {EXAMPLE!r}")
    kind = _TRAFFIC.fullmatch(found[5])
    if not kind or not 0 <= int(kind[2] or 0) < traffic.PORTS:
        raise ModelError(f"{found[5][:20]!r} is no traffic: write tcp/443, udp/5060, ping or other")
    try:
        source, target = ip_address(found[2]), ip_address(found[4])
    except ValueError as error:
        raise ModelError(f"{text[:60]!r}: {error}") from None
    if source.version != target.version:
        raise ModelError(f"{text[:60]!r}: source and destination are of different IP versions")
    word = kind[1] or kind[3]
    chosen: Kind = "tcp" if word == "tcp" else "udp" if word == "udp" else "ping" if word == "ping" else "other"
    return Packet(found[1], source, target, chosen, int(kind[2] or 0), found[3] or "")
