"""Edges that the golden rulesets are made from."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from nft.model import Edge, Listener, MediaAddress, Service, Upstream, Zone


def zone(index: int, name: str, *versions: int, media: int = 1, dscp: tuple[int, ...] = ()) -> Zone:
    """Return a zone with one address of each version for SIP, and ``media`` more of each for media."""
    interface = f"{name[:3]}0"

    def at(version: int, host: int) -> str:
        return f"198.18.{index}.{host}" if version == 4 else f"2001:db8:{index}::{host}"

    hosts = [(version, 2 + n) for version in versions for n in range(media)]
    addresses = [ip_address(at(version, 1)) for version in versions] + [ip_address(at(*host)) for host in hosts]
    medias = [MediaAddress(i, ip_address(at(*host)), interface) for i, host in enumerate(hosts)]
    return Zone(index, name, (interface,), tuple(addresses), tuple(medias), dscp)


def _listeners(*zones: Zone) -> tuple[Listener, ...]:
    return tuple(
        Listener(z.name, protocol, address, 5060, f"site.yaml:{10 * z.index}")
        for z in zones
        for address in z.addresses
        if address not in {m.address for m in z.media}
        for protocol in ("udp", "tcp")
    )


SDN, INTERNET = zone(1, "sdn", 4, 6, dscp=(34, 46, 24)), zone(2, "internet", 4, 6, dscp=(0, 46, 0))
CORE = zone(3, "core", 4, 6)
MGMT = zone(4, "mgmt", 4, 6, media=0)
ALONE = zone(1, "internet", 4, dscp=(34, 46, 24))
NEW = zone(2, "internet", 6, media=2)

EDGES = {
    "empty": Edge(),
    "one_zone": Edge((ALONE,), _listeners(ALONE)),
    "four_zones": Edge(
        (SDN, INTERNET, CORE, MGMT),
        _listeners(SDN, INTERNET, CORE),
        (
            Service("mgmt", "tcp", 22, (ip_network("198.18.4.0/24"), ip_network("2001:db8:4::/64")), "site.yaml:60"),
            Service("mgmt", "tcp", 443, (ip_network("198.18.4.9/32"),), "site.yaml:61"),
        ),
        (
            Upstream("mgmt", "udp", ip_address("198.18.4.53"), 53, "site.yaml:70"),
            Upstream("mgmt", "udp", ip_address("2001:db8:4::123"), 123, "site.yaml:71"),
        ),
        (
            ip_network("10.0.0.0/8"),
            ip_network("10.1.0.0/16"),
            ip_network("192.0.2.9/32"),
            ip_network("2001:db8:9::/48"),
        ),
    ),
    "ipv6_only": Edge((zone(1, "sdn", 6), NEW), _listeners(zone(1, "sdn", 6), NEW)),
}
