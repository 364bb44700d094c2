"""The site file as the model of the edge's ruleset. Pure; ``nft.apply`` brings it into the kernel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from typing import Final, Literal

from gatewayd.network.desired import zone_number
from gatewayd.pinholes.layout import Key, MediaPlace
from nft.model import Edge, Listener, MediaAddress, Pair, Service, Upstream, Zone
from vdx.site.acme import CHALLENGE_PORT
from vdx.site.model import Site
from vdx.site.revocation import HTTP_PORT
from vdx.site.source import LoadedSite
from vdx.site.values import IpNetwork

DNS: Final[tuple[tuple[Literal["udp", "tcp"], int], ...]] = (("udp", 53), ("tcp", 53))
"""DNS asks over UDP, and over TCP where an answer is cut short (RFC 7766)."""

NTP: Final[tuple[tuple[Literal["udp", "tcp"], int], ...]] = (("udp", 123),)


EVERYWHERE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def edge(loaded: LoadedSite, places: Mapping[Key, MediaPlace]) -> Edge:
    """Give the model of a site's ruleset; `places` are its media addresses with their indices."""
    return Edge(
        zones=tuple(_zones(loaded, places.values())),
        listeners=tuple(_listeners(loaded)),
        services=tuple(_services(loaded)),
        upstreams=tuple(_upstreams(loaded)),
        spared=tuple(network for _, network in spared(loaded.site)),
        pair=_pair(loaded),
    )


def _zones(loaded: LoadedSite, places: Iterable[MediaPlace]) -> Iterator[Zone]:
    media: dict[str, list[MediaAddress]] = {}
    for place in places:
        at = place.at
        one = MediaAddress(at.index, at.address, at.interface, *place.ports)
        media.setdefault(place.zone, []).append(one)
    for name, zone in loaded.site.zones.items():
        own = tuple(interface.ip for interface in zone.addresses)
        dscp = zone.media.dscp.by_class if zone.media.dscp else ()
        yield Zone(zone_number(name), name, (zone.interface,), own, tuple(media.get(name, ())), dscp)


def _listeners(loaded: LoadedSite) -> Iterator[Listener]:
    for name, zone in loaded.site.zones.items():
        for index, one in enumerate(zone.sip):
            origin = loaded.origin("zones", name, "sip", index)
            yield Listener(name, one.protocol, one.address, one.port, origin)


def _services(loaded: LoadedSite) -> Iterator[Service]:
    for name, zone in loaded.site.zones.items():
        for label, one in zone.services.items():
            origin = loaded.origin("zones", name, "services", label)
            yield Service(name, one.protocol, one.port, one.sources, origin)
    if acme := loaded.site.acme:
        yield Service(acme.zone, "tcp", CHALLENGE_PORT, EVERYWHERE, loaded.origin("acme"))


def _pair(loaded: LoadedSite) -> Pair | None:
    told = loaded.site.pair
    return None if told is None else Pair(told.zone, told.other, loaded.origin("pair"))


def spared(site: Site) -> Iterator[tuple[str, IpNetwork]]:
    """Give the sources that are never banned, each with the words for whose it is: of peers, and of services."""
    for name, peer in site.peers.items():
        for network in peer.sources:
            yield f"belongs to peer {name!r}: peers are not banned", network
    if site.pair:
        yield "is the other appliance of the pair: it is not banned", ip_network(site.pair.other)
    for name, zone in site.zones.items():
        for label, service in zone.services.items():
            for network in service.sources:
                yield f"may use service {label!r} of zone {name!r}: it is not banned", network


def _upstreams(loaded: LoadedSite) -> Iterator[Upstream]:
    if acme := loaded.site.acme:
        yield Upstream(acme.zone, "tcp", None, acme.port, loaded.origin("acme", "directory"))
    if revocation := loaded.site.revocation:
        yield Upstream(revocation.zone, "tcp", None, HTTP_PORT, loaded.origin("revocation"))
    yield from _collectors(loaded)
    if bus := loaded.site.bus:
        for index, one in enumerate(bus.servers):
            yield Upstream(bus.zone, "tcp", one.address, one.port, loaded.origin("bus", "servers", index))
    asked = loaded.site.upstream
    if asked is None:
        return
    for kind, servers, ports in (("dns", asked.dns, DNS), ("ntp", asked.ntp, NTP)):
        for index, server in enumerate(servers):
            for protocol, port in ports:
                yield Upstream(asked.zone, protocol, server, port, loaded.origin("upstream", kind, index))


def _collectors(loaded: LoadedSite) -> Iterator[Upstream]:
    if hep := loaded.site.hep:
        yield Upstream(hep.zone, "udp", hep.address, hep.port, loaded.origin("hep"))
    if syslog := loaded.site.syslog:
        yield Upstream(syslog.zone, "tcp", syslog.address, syslog.port, loaded.origin("syslog"))
