"""Prefixes that media of an internet peer is never sent to, unless its `media` names them.

The bogons of the policy (`nft.policy.bogons`), and those for benchmarks, which no laboratory uses for media.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeAlias

from nft.policy import bogons

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

BENCHMARKS: Final = "198.18.0.0/15"
"""RFC 2544."""

BOGONS_4: Final = tuple(map(IPv4Network, (*bogons.BOGONS_4, BENCHMARKS)))
BOGONS_6: Final = tuple(map(IPv6Network, bogons.BOGONS_6))
GLOBAL_6: Final = IPv6Network(bogons.GLOBAL_6[0])


def is_bogon(address: Address) -> bool:
    """Tell whether no host of the internet can have this address."""
    if isinstance(address, IPv4Address):
        return any(address in network for network in BOGONS_4)
    return address not in GLOBAL_6 or any(address in network for network in BOGONS_6)


def never_a_host(address: Address) -> bool:
    """Tell whether the address stands for no single other host in any zone: multicast, loopback, unspecified, mapped.

    Link-local addresses belong here too: without an interface they name nobody.
    """
    return (
        address.is_multicast
        or address.is_loopback
        or address.is_unspecified
        or address.is_link_local
        or (isinstance(address, IPv6Address) and address.ipv4_mapped is not None)
        or (isinstance(address, IPv4Address) and int(address) >= 0xF000_0000)
    )
