"""What the network of the appliance is made of, as values that can be compared.

`ours` marks what `gatewayd` put there (its protocol number in addresses, routes and rules, its alias on links); only
that is ever removed. It takes no part in comparison.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Literal, TypeAlias

IpAddress: TypeAlias = IPv4Address | IPv6Address
IpInterface: TypeAlias = IPv4Interface | IPv6Interface
IpNetwork: TypeAlias = IPv4Network | IPv6Network
Kind: TypeAlias = Literal["physical", "vlan", "bond"]
Action: TypeAlias = Literal["lookup", "blackhole", "unreachable"]

PROTOCOL = 0x56
"""Our number in IFA_PROTO, rtm_protocol and FRA_PROTOCOL; the kernel and other routing programs use others."""

ALIAS = "gatewayd"
"""The alias (IFLA_IFALIAS) of links that we made."""

BOND_MODES = {"active-backup": 1, "802.3ad": 4}


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface; `mtu` None leaves it as it is."""

    name: str
    kind: Kind = "physical"
    mtu: int | None = None
    up: bool = True
    vlan: int | None = None
    parent: str | None = None
    members: tuple[str, ...] = ()
    mode: str | None = None
    ours: bool = field(default=True, compare=False)

    @property
    def built(self) -> tuple[object, ...]:
        """What cannot be changed without making the link anew."""
        return self.kind, self.vlan, self.parent, self.mode


@dataclass(frozen=True, slots=True)
class Address:
    """An address on a link, without a route of its own (noprefixroute): that stands in the zone's table."""

    link: str
    address: IpInterface
    ours: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Route:
    """A route in a zone's table; without `via` its destination is on the link."""

    table: int
    to: IpNetwork
    link: str
    via: IpAddress | None = None
    source: IpAddress | None = None
    ours: bool = field(default=True, compare=False)

    @property
    def place(self) -> tuple[object, ...]:
        """What two routes cannot share."""
        return self.table, self.to


@dataclass(frozen=True, slots=True)
class Rule:
    """A routing rule: packets with this mark, source or destination follow a table, or go nowhere."""

    priority: int
    family: Literal[4, 6]
    action: Action
    table: int = 0
    mark: tuple[int, int] | None = None
    """Value and mask."""
    source: IpNetwork | None = None
    destination: IpNetwork | None = None
    ours: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Network:
    """All of it."""

    links: tuple[Link, ...] = ()
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
