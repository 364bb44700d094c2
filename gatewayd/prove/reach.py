"""From where packets really come, and where they can go: the addresses that the routes of a zone lead to. Pure.

A rule may speak of every address. Sent are those only that the appliance does not refuse before it asks the policy, or
has no way to after: else the kernel would drop, and the policy had said nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network

from gatewayd.network.state import IpNetwork, Network
from nft.model import Edge
from nft.policy.interval import Interval, Intervals, contains, difference, intersection, normal, union
from nft.policy.prefix import SPACE, VERSIONS
from nft.ruleset.edge import MARTIANS
from nft.schema import IPAddress

# beside what no packet from a wire may carry: addresses of one link (RFC 4291 2.5.6), which routers pass on neither way
_LOCAL: dict[int, tuple[str, ...]] = {4: (), 6: ("fe80::/10",)}


class Ways:
    """What can be sent from each zone and into it, by zone and IP version."""

    def __init__(self, edge: Edge, network: Network) -> None:
        self._never = {version: union(_unusable(version), _own(network, version)) for version in VERSIONS}
        self._sound: dict[tuple[str, int], Intervals] = {}
        for zone in edge.zones:
            for version in VERSIONS:
                routed = normal(
                    _ends(route.to)
                    for route in network.routes
                    if route.link in zone.interfaces and route.to.version == version
                )
                self._sound[zone.name, version] = difference(routed, self._never[version])

    def sound(self, zone: str, version: int) -> Intervals:
        """Return the addresses of hosts in a zone."""
        return self._sound.get((zone, version), ())

    def towards(self, places: Mapping[str, Intervals], version: int) -> Intervals:
        """Return the addresses to which there is a way into the zone that they are in, and those in no zone."""
        nowhere = difference(SPACE[version], union((), *places.values()))
        led = (intersection(held, self.sound(zone, version)) for zone, held in places.items())
        return union(difference(nowhere, self._never[version]), *led)

    def known(self, zone: str, address: IPAddress) -> bool:
        """Tell whether a host of a zone can have an address."""
        return contains(self.sound(zone, address.version), int(address))


def _unusable(version: int) -> Intervals:
    return normal(_ends(ip_network(text)) for text in (*MARTIANS[version], *_LOCAL[version]))


def _own(network: Network, version: int) -> Intervals:
    """Return our addresses, and what stands for all hosts (IPv4) or any router (RFC 4291 2.6.1) of their networks."""
    found: list[Interval] = []
    for each in network.addresses:
        if each.address.version == version:
            first, last = _ends(each.address.network)
            special = last if version == 4 else first
            found += [(special, special)] if first < last else []
            found.append((int(each.address.ip), int(each.address.ip)))
    return normal(found)


def _ends(network: IpNetwork) -> Interval:
    return int(network.network_address), int(network.broadcast_address)
