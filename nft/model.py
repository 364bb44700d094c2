"""What the edge's ruleset is made from. ``gatewayd`` fills these from the site file; nothing here knows that file.

Every value is checked when it is made, so the compiler renders only names and addresses that cannot break out of their
place. ``origin`` is where a person wrote it, such as ``site.yaml:12``, and ends up as the comment of its rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Literal, TypeAlias

from nft.errors import ModelError
from nft.number import CLASSES, MAX_MEDIA_ADDRESS, MAX_ZONE
from nft.schema import IPAddress

Network: TypeAlias = IPv4Network | IPv6Network
Protocol: TypeAlias = Literal["udp", "tcp"]

MIN_PORTS = 2  # RTP and RTCP of one stream
MAX_DSCP = 63  # six bits (RFC 2474 section 3)
FIRST_PORT, LAST_PORT = 40000, 49999  # the range the sites' firewalls already open

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,14}")  # IFNAMSIZ less its NUL, and nothing that nft reads
_ORIGIN = re.compile(r"[\w ./:,()@+-]{1,100}")  # nft comments hold 128 characters and cannot be escaped


def _match(pattern: re.Pattern[str], value: str, what: str) -> None:
    if not pattern.fullmatch(value):
        raise ModelError(f"{value[:40]!r} cannot be used as {what}")


def _port(value: int, what: str) -> None:
    if not 1 <= value <= 0xFFFF:
        raise ModelError(f"{what} {value} is not in 1..65535")


@dataclass(frozen=True, slots=True)
class MediaAddress:
    """One of a zone's media addresses: its index (0..255), the interface that holds it and its range of UDP ports."""

    index: int
    address: IPAddress
    interface: str
    first_port: int = FIRST_PORT
    last_port: int = LAST_PORT

    def __post_init__(self) -> None:
        if not 0 <= self.index <= MAX_MEDIA_ADDRESS:
            raise ModelError(f"media address {self.address}: index {self.index} is not in 0..{MAX_MEDIA_ADDRESS}")
        _match(_INTERFACE, self.interface, "the name of an interface")
        _port(self.first_port, "first media port")
        _port(self.last_port, "last media port")
        if self.last_port - self.first_port + 1 < MIN_PORTS:
            raise ModelError(f"media address {self.address}: ports {self.first_port}-{self.last_port} hold no stream")

    @property
    def ports(self) -> int:
        """Return how many ports the range holds."""
        return self.last_port - self.first_port + 1


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone: its index (1..254), its interfaces, and every address of ours on them, media addresses included."""

    index: int
    name: str
    interfaces: tuple[str, ...]
    addresses: tuple[IPAddress, ...]
    media: tuple[MediaAddress, ...] = ()
    dscp: tuple[int, ...] = ()
    """DSCP of relayed packets by class, as in ``nft.number.CLASSES``; empty: they keep what they came with."""

    def __post_init__(self) -> None:
        if not 1 <= self.index <= MAX_ZONE:
            raise ModelError(f"zone {self.name}: index {self.index} is not in 1..{MAX_ZONE}")
        _match(_NAME, self.name, "the name of a zone")
        if self.dscp and (len(self.dscp) != len(CLASSES) or not all(0 <= value <= MAX_DSCP for value in self.dscp)):
            raise ModelError(f"zone {self.name}: DSCP {self.dscp} is not {len(CLASSES)} values from 0 to {MAX_DSCP}")
        if not self.interfaces:
            raise ModelError(f"zone {self.name} has no interface")
        for interface in self.interfaces:
            _match(_INTERFACE, interface, "the name of an interface")
        for media in self.media:
            if media.interface not in self.interfaces:
                raise ModelError(
                    f"zone {self.name}: media address {media.address} is on {media.interface}, not its own"
                )
            if media.address not in self.addresses:
                raise ModelError(f"zone {self.name}: media address {media.address} is not among its addresses")
        _unique([media.index for media in self.media], f"zone {self.name}: media address index")


@dataclass(frozen=True, slots=True)
class Listener:
    """Where SIP is accepted: an address of the zone, a protocol and a port."""

    zone: str
    protocol: Protocol
    address: IPAddress
    port: int
    origin: str = ""

    def __post_init__(self) -> None:
        _service(self.zone, self.protocol, self.port, self.origin)


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the appliance itself, such as ssh on mgmt, and from where it may be reached."""

    zone: str
    protocol: Protocol
    port: int
    sources: tuple[Network, ...]
    origin: str = ""

    def __post_init__(self) -> None:
        _service(self.zone, self.protocol, self.port, self.origin)


@dataclass(frozen=True, slots=True)
class Upstream:
    """A server that the appliance itself asks: DNS, NTP, the bus; without `address` wherever its name leads."""

    zone: str
    protocol: Protocol
    address: IPAddress | None
    port: int
    origin: str = ""

    def __post_init__(self) -> None:
        _service(self.zone, self.protocol, self.port, self.origin)


@dataclass(frozen=True, slots=True)
class Pair:
    """The other appliance of a pair, whose adverts (VRRP) are heard, and to which ours go."""

    zone: str
    address: IPAddress
    origin: str = ""

    def __post_init__(self) -> None:
        _match(_NAME, self.zone, "the name of a zone")
        if self.origin:
            _match(_ORIGIN, self.origin, "the origin of a rule")


@dataclass(frozen=True, slots=True)
class Edge:
    """Everything a ruleset says. The parts name zones of the same edge; `spared` sources are never banned."""

    zones: tuple[Zone, ...] = ()
    listeners: tuple[Listener, ...] = ()
    services: tuple[Service, ...] = ()
    upstreams: tuple[Upstream, ...] = ()
    spared: tuple[Network, ...] = ()
    pair: Pair | None = None

    def __post_init__(self) -> None:
        _unique([zone.index for zone in self.zones], "zone index")
        _unique([zone.name for zone in self.zones], "zone name")
        _unique([name for zone in self.zones for name in zone.interfaces], "interface")
        _unique([(m.interface, m.address) for _, m in self.media()], "media address")
        parts: tuple[Listener | Service | Upstream | Pair, ...] = (*self.listeners, *self.services, *self.upstreams)
        for part in (*parts, *((self.pair,) if self.pair else ())):
            self.zone(part.zone, part.origin)
        for listener in self.listeners:
            if listener.address not in self.zone(listener.zone).addresses:
                raise ModelError(
                    f"{listener.origin}: SIP listens on {listener.address}, which is no address of zone {listener.zone}"
                )

    def zone(self, name: str, origin: str = "") -> Zone:
        """Return the zone of that name; ``ModelError`` names the origin of the wish."""
        for zone in self.zones:
            if zone.name == name:
                return zone
        raise ModelError(f"{origin or 'ruleset'}: there is no zone {name}")

    def media(self) -> Iterator[tuple[Zone, MediaAddress]]:
        """Yield every media address with its zone."""
        for zone in self.zones:
            for media in zone.media:
                yield zone, media


def _service(zone: str, protocol: str, port: int, origin: str) -> None:
    _match(_NAME, zone, "the name of a zone")
    if protocol not in ("udp", "tcp"):
        raise ModelError(f"{origin}: protocol {protocol[:10]!r} is neither udp nor tcp")
    _port(port, f"{origin}: port")
    if origin:
        _match(_ORIGIN, origin, "the origin of a rule")


def _unique(values: Sequence[object], what: str) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise ModelError(f"{what} {value} is used twice")
        seen.add(value)
