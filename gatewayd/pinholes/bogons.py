"""Prefixes that media of an internet peer is never sent to, unless its `media` names them.

From the IANA special-purpose registries (RFC 6890). The documentation prefixes (RFC 5737, RFC 3849) are left out on
purpose: nothing can be reached through them, and a laboratory uses them as its internet.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

BOGONS_4: Final = tuple(
    IPv4Network(prefix)
    for prefix in (
        "0.0.0.0/8",  # this network, RFC 791
        "10.0.0.0/8",  # private, RFC 1918
        "100.64.0.0/10",  # shared by carrier NAT, RFC 6598
        "127.0.0.0/8",  # loopback, RFC 1122
        "169.254.0.0/16",  # link local, RFC 3927
        "172.16.0.0/12",  # private, RFC 1918
        "192.0.0.0/24",  # protocol assignments, RFC 6890
        "192.168.0.0/16",  # private, RFC 1918
        "198.18.0.0/15",  # benchmarking, RFC 2544
        "224.0.0.0/3",  # multicast, reserved, broadcast, RFC 1112
    )
)

GLOBAL_6: Final = IPv6Network("2000::/3")
"""What is handed out as global unicast; everything outside is a bogon."""

BOGONS_6: Final = tuple(
    IPv6Network(prefix)
    for prefix in (
        "2001::/32",  # Teredo carries an IPv4 address, RFC 4380
        "2002::/16",  # 6to4 carries an IPv4 address, RFC 3056
        "3fff::/20",  # documentation that no laboratory here uses, RFC 9637
    )
)


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
