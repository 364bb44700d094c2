"""The hosts of a lab, their links, addresses and routes: a description, nothing is done here.

Addresses are of the documentation and benchmarking ranges only (RFC 5737, RFC 3849, RFC 2544), and the same in every
lab: namespaces keep labs apart.

    hospital ---.                                                              .--- clinic
                 sdn ---sdn0 [ edge ] net0--- internet ---------------.
    municipality '          core0  mgmt0                                       '--- nat --- home
                              |      |
                            core   admin
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Literal

Zone = Literal["sdn", "internet", "core", "mgmt"]
Address = IPv4Interface | IPv6Interface

SIP_PORT = 5060
TLS_PORT = 5061
WEB_PORT = 7443
DOMAIN = "lab.example"
ORIGIN = f"https://video.{DOMAIN}"  # where the page of the lab's browsers comes from
MIXER = "192.0.2.20"  # the mixing server's, and the bus's, on the host of the core
MEDIA_PORTS = (40000, 49999)  # what the sites' firewalls already open towards the edge


@dataclass(frozen=True, slots=True)
class Interface:
    """One end of a link: its name inside the host and the addresses that belong on it."""

    name: str
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """A static route; `destination` is a prefix or "default" of the gateway's family."""

    destination: str
    gateway: str


@dataclass(frozen=True, slots=True)
class Nat:
    """A home router's NAT (IPv4 only): masquerade out of `outside`, SIP handed to `sip_to`.

    Nobody registers in the lab, so the router forwards the SIP port, as such routers do; media has no such help.
    """

    outside: str
    sip_to: str


@dataclass(frozen=True, slots=True)
class Host:
    """One host: `zone` is the side of the edge it lives on; `forwards` makes it a router.

    `bare` means that the lab makes its links and nothing more: the edge is configured by gatewayd.
    """

    name: str
    title: str
    zone: Zone | None
    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...] = ()
    forwards: bool = False
    bare: bool = False
    nat: Nat | None = None

    def interface(self, name: str) -> Interface:
        """Return the interface of that name; KeyError if there is none."""
        for interface in self.interfaces:
            if interface.name == name:
                return interface
        raise KeyError(name)

    def address(self, family: Literal[4, 6] = 4) -> str:
        """Return the first address of that family, without prefix length; KeyError if there is none."""
        for interface in self.interfaces:
            for address in interface.addresses:
                if address.version == family:
                    return str(address.ip)
        raise KeyError(family)


@dataclass(frozen=True, slots=True)
class Link:
    """A cable between two hosts: (host, interface) at either end."""

    one: tuple[str, str]
    other: tuple[str, str]


@dataclass(frozen=True, slots=True)
class EdgeZone:
    """One side of the edge: where it listens, where its media ports are, and the way to hosts behind routers."""

    zone: Zone
    interface: str
    addresses: tuple[Address, ...]
    gateways: tuple[str, ...] = ()
    sip: bool = True
    media: bool = True


@dataclass(frozen=True, slots=True)
class Topology:
    """Hosts and links of a lab, and the plan for the edge that the site file carries out."""

    hosts: tuple[Host, ...]
    links: tuple[Link, ...]
    edge: tuple[EdgeZone, ...]

    def __iter__(self) -> Iterator[Host]:
        return iter(self.hosts)

    def host(self, name: str) -> Host:
        """Return the host of that name; KeyError if there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)

    def zone(self, name: str) -> EdgeZone:
        """Return the edge's side of that name; KeyError if there is none."""
        for zone in self.edge:
            if zone.zone == name:
                return zone
        raise KeyError(name)


def _on(name: str, *addresses: str) -> Interface:
    return Interface(name, tuple(ip_interface(address) for address in addresses))


def _default(*gateways: str) -> tuple[Route, ...]:
    return tuple(Route("default", gateway) for gateway in gateways)


_SDN0 = _on("sdn0", "198.18.0.10/24", "2001:db8:18::10/64")
_NET0 = _on("net0", "203.0.113.10/26", "2001:db8:113::10/64")
_CORE0 = _on("core0", "192.0.2.1/25", "2001:db8:c0::1/64")
_MGMT0 = _on("mgmt0", "192.0.2.129/25", "2001:db8:ad::1/64")

STANDARD = Topology(
    hosts=(
        Host(
            "hospital",
            "a hospital on the private health network",
            "sdn",
            (_on("eth0", "198.18.1.10/24", "2001:db8:18:1::10/64"),),
            _default("198.18.1.1", "2001:db8:18:1::1"),
        ),
        Host(
            "municipality",
            "a municipality on the private health network",
            "sdn",
            (_on("eth0", "198.18.2.10/24", "2001:db8:18:2::10/64"),),
            _default("198.18.2.1", "2001:db8:18:2::1"),
        ),
        Host(
            "sdn",
            "the private health network's router",
            "sdn",
            (
                _on("edge", "198.18.0.1/24", "2001:db8:18::1/64"),
                _on("hospital", "198.18.1.1/24", "2001:db8:18:1::1/64"),
                _on("municipality", "198.18.2.1/24", "2001:db8:18:2::1/64"),
            ),
            forwards=True,
        ),
        Host("edge", "the edge appliance", None, (_SDN0, _NET0, _CORE0, _MGMT0), bare=True),
        Host(
            "core",
            "a host of the mixing core",
            "core",
            (_on("eth0", "192.0.2.10/25", "2001:db8:c0::10/64", f"{MIXER}/25"),),
        ),
        Host(
            "admin",
            "the administrator's desk",
            "mgmt",
            (_on("eth0", "192.0.2.138/25", "2001:db8:ad::10/64"),),
        ),
        Host(
            "internet",
            "the internet's router",
            "internet",
            (
                _on("edge", "203.0.113.1/26", "2001:db8:113::1/64"),
                _on("clinic", "198.51.100.1/25", "2001:db8:100::1/64"),
                _on("nat", "198.51.100.129/25", "2001:db8:100:1::1/64"),
            ),
            # IPv6 of the home is routed, not translated: its router owns a prefix, as with most providers.
            routes=(Route("2001:db8:100:2::/64", "2001:db8:100:1::2"),),
            forwards=True,
        ),
        Host(
            "clinic",
            "a practice on the internet",
            "internet",
            (_on("eth0", "198.51.100.10/25", "2001:db8:100::10/64"),),
            _default("198.51.100.1", "2001:db8:100::1"),
        ),
        Host(
            "nat",
            "the citizen's home router",
            "internet",
            (
                _on("wan", "198.51.100.130/25", "2001:db8:100:1::2/64"),
                _on("lan", "198.19.0.1/24", "2001:db8:100:2::1/64"),
            ),
            _default("198.51.100.129", "2001:db8:100:1::1"),
            forwards=True,
            nat=Nat(outside="wan", sip_to="198.19.0.10"),
        ),
        Host(
            "home",
            "a citizen at home, behind NAT",
            "internet",
            (_on("eth0", "198.19.0.10/24", "2001:db8:100:2::10/64"),),
            _default("198.19.0.1", "2001:db8:100:2::1"),
        ),
    ),
    links=(
        Link(("sdn", "hospital"), ("hospital", "eth0")),
        Link(("sdn", "municipality"), ("municipality", "eth0")),
        Link(("sdn", "edge"), ("edge", "sdn0")),
        Link(("internet", "edge"), ("edge", "net0")),
        Link(("core", "eth0"), ("edge", "core0")),
        Link(("admin", "eth0"), ("edge", "mgmt0")),
        Link(("internet", "clinic"), ("clinic", "eth0")),
        Link(("internet", "nat"), ("nat", "wan")),
        Link(("nat", "lan"), ("home", "eth0")),
    ),
    edge=(
        EdgeZone("sdn", "sdn0", _SDN0.addresses, ("198.18.0.1", "2001:db8:18::1")),
        EdgeZone("internet", "net0", _NET0.addresses, ("203.0.113.1", "2001:db8:113::1")),
        EdgeZone("core", "core0", _CORE0.addresses),
        EdgeZone("mgmt", "mgmt0", _MGMT0.addresses, sip=False, media=False),
    ),
)
