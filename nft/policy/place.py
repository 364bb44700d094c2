"""Which zone a destination is in, seen from the zone a packet comes from. Pure.

Private ranges of two zones may overlap, so an address alone tells nothing. The most specific prefix that any network,
client or service of another zone names decides; what nobody names is the internet.
"""

from __future__ import annotations

from collections.abc import Iterator

from nft.policy.interval import Interval, Intervals, normal
from nft.policy.model import INTERNET, Policy
from nft.policy.prefix import SPACE, Prefix


def named(policy: Policy) -> Iterator[tuple[str, str, Prefix]]:
    """Yield every prefix that is named: (zone, what names it, prefix)."""
    for network in policy.networks:
        yield from ((network.zone, f"network {network.name}", prefix) for prefix in network.prefixes)
    for service in policy.agreements.services:
        yield from ((service.zone, f"service {service.name}", prefix) for prefix in service.endpoints)
    for client in policy.agreements.clients:
        yield from ((client.zone, f"client {client.name}", prefix) for prefix in client.prefixes)


def places(policy: Policy, zone: str, version: int) -> dict[str, Intervals]:
    """Return the addresses of each zone as a packet of ``zone`` means them."""
    claims = {
        (prefix.first, -prefix.last): other
        for other, _, prefix in named(policy)
        if other != zone and prefix.version == version
    }
    default = INTERNET if INTERNET in policy.zones and zone != INTERNET else ""
    found: dict[str, list[Interval]] = {}
    (_, top) = SPACE[version][0]
    open_: list[tuple[int, str]] = [(top, default)]  # prefixes around the cursor, the most specific last
    cursor = 0

    def up_to(end: int) -> None:
        nonlocal cursor
        if cursor <= end:
            found.setdefault(open_[-1][1], []).append((cursor, end))
            cursor = end + 1

    for (first, negative), other in sorted(claims.items()):
        while open_[-1][0] < first:
            up_to(open_[-1][0])
            open_.pop()
        up_to(first - 1)
        open_.append((-negative, other))
    while open_:
        up_to(open_[-1][0])
        open_.pop()
    return {name: normal(intervals) for name, intervals in found.items() if name}
