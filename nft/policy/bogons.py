"""Sources that no packet from the internet can have, from the IANA special-purpose registries (RFC 6890). Pure.

Prefixes for documentation and benchmarks (RFC 5737, RFC 3849, RFC 2544) are left out: they lead nowhere, and a
laboratory uses them as its internet.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Final

from nft.policy.interval import Intervals, difference, normal
from nft.policy.prefix import SPACE

BOGONS_4: Final = (
    "0.0.0.0/8",  # this network, RFC 791
    "10.0.0.0/8",  # private, RFC 1918
    "100.64.0.0/10",  # shared by carrier NAT, RFC 6598
    "127.0.0.0/8",  # loopback, RFC 1122
    "169.254.0.0/16",  # link local, RFC 3927
    "172.16.0.0/12",  # private, RFC 1918
    "192.0.0.0/24",  # protocol assignments, RFC 6890
    "192.168.0.0/16",  # private, RFC 1918
    "224.0.0.0/3",  # multicast, reserved, broadcast, RFC 1112
)
GLOBAL_6: Final = ("2000::/3",)  # what is handed out as global unicast (RFC 4291 2.4); all else is a bogon
BOGONS_6: Final = (
    "2001::/32",  # Teredo carries an IPv4 address, RFC 4380
    "2002::/16",  # 6to4 carries an IPv4 address, RFC 3056
    "3fff::/20",  # documentation that no laboratory here uses, RFC 9637
)


def _covered(prefixes: tuple[str, ...]) -> Intervals:
    networks = map(ip_network, prefixes)
    return normal((int(each.network_address), int(each.broadcast_address)) for each in networks)


PUBLIC: Final[dict[int, Intervals]] = {
    4: difference(SPACE[4], _covered(BOGONS_4)),
    6: difference(_covered(GLOBAL_6), _covered(BOGONS_6)),
}
"""What a host of the internet can have for an address, by IP version."""
