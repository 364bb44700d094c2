"""The network that a site file asks for. Pure.

Every zone has a routing table of its own, and only its own routes in it, so the private ranges of two zones may
overlap. Which table a packet follows is told by what is certain about it: a relayed packet carries its pinhole's number
as mark (first byte: the zone), a packet of our own programs leaves from an address of one zone. Neither ever falls
through to another zone's routes: the rule behind each look-up ends it.

    1000  fwmark ZONE/0xff000000   lookup TABLE        relayed media, and sockets that say their pinhole
    1001  fwmark ZONE/0xff000000   blackhole
    1100  from OWN ADDRESS         lookup TABLE        answers, SIP, everything bound to an address
    1101  from OWN ADDRESS         unreachable
    1200  to DNS, NTP, LOG, BUS    lookup TABLE        what the appliance itself asks, not bound yet
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from gatewayd.network.state import Address, IpAddress, IpNetwork, Link, Network, Route, Rule
from vdx.site import Site
from vdx.site.block import ZONES, Zone
from vdx.site.zones import Interface, ZoneSettings

TABLE_BASE = 5600
"""The tables of the zones are this plus the zone's number; distributions use 253-255 and small numbers."""

ZONE_MASK = 0xFF00_0000
ZONE_SHIFT = 24

MARKED, MARKED_END, OWN, OWN_END, UPSTREAM = 1000, 1001, 1100, 1101, 1200
"""Priorities: before main (32766), after local (0)."""


def zone_number(name: str) -> int:
    """Give the number of a zone, from 1: the first byte of its pinholes' numbers."""
    return [*ZONES].index(name) + 1  # type: ignore[arg-type] # a name that is no zone raises ValueError


def table(name: str) -> int:
    """Give the routing table of a zone."""
    return TABLE_BASE + zone_number(name)


def desired(site: Site, *, serving: bool = False) -> Network:
    """Give the links, addresses, routes and rules of a site.

    What a pair shares is not ours to give: keepalived puts it where the pair serves (`gatewayd.pair`), and a proof,
    which plays the one that does, says `serving`.
    """
    return Network(
        links=tuple(_links(site)),
        addresses=tuple(
            Address(zone.interface, one)
            for zone in site.zones.values()
            for one in (zone.addresses if serving else zone.own)
        ),
        routes=tuple(route for name, zone in site.zones.items() for route in _routes(name, zone)),
        rules=tuple(_rules(site)),
    )


def _links(site: Site) -> Iterator[Link]:
    """Give every link a site names, in the order in which they can be made."""
    wanted = {zone.interface for zone in site.zones.values()} | set(site.interfaces)
    wanted |= {name for each in site.interfaces.values() for name in (each.parent, *each.members) if name}
    done: set[str] = set()
    while wanted - done:
        ready = [name for name in sorted(wanted - done) if _stands_on(site, name) <= done]
        if not ready:  # a ring of links: the kernel would refuse it too
            ready = sorted(wanted - done)
        for name in ready:
            yield _link(name, site.interfaces.get(name) or Interface())
        done.update(ready)


def _stands_on(site: Site, name: str) -> set[str]:
    interface = site.interfaces.get(name) or Interface()
    return {below for below in (interface.parent, *interface.members) if below}


def _link(name: str, interface: Interface) -> Link:
    if interface.vlan is not None:
        return Link(name, "vlan", interface.mtu, vlan=interface.vlan, parent=interface.parent)
    if interface.members:
        members = tuple(sorted(interface.members))
        return Link(name, "bond", interface.mtu, members=members, mode=interface.mode)
    return Link(name, "physical", interface.mtu, ours=False)


def _routes(name: str, zone: ZoneSettings) -> Iterator[Route]:
    seen: set[IpNetwork] = set()
    for own in zone.own:
        if own.network not in seen:  # two addresses in one network share its route, from the first
            seen.add(own.network)
            yield Route(table(name), own.network, zone.interface, source=own.ip)
    for route in zone.routes:
        own_ip = next(own.ip for own in zone.own if route.via in own.network)
        yield Route(table(name), route.network, zone.interface, via=route.via, source=own_ip)


def _rules(site: Site) -> Iterator[Rule]:
    for name, zone in site.zones.items():
        mark = (zone_number(name) << ZONE_SHIFT, ZONE_MASK)
        for family in sorted({own.version for own in zone.addresses}):
            yield Rule(MARKED, family, "lookup", table(name), mark=mark)
            yield Rule(MARKED_END, family, "blackhole", mark=mark)
        for own in zone.addresses:
            yield from _own_rules(name, own.ip)
    for server, through in _asked(site).items():
        yield Rule(UPSTREAM, server.version, "lookup", table(through), destination=_host(server))


def _asked(site: Site) -> dict[IpAddress, Zone]:
    """Give the servers that the appliance itself asks, and the zone that each is reached through."""
    asked: dict[IpAddress, Zone] = {}
    if site.upstream:
        asked |= dict.fromkeys((*site.upstream.dns, *site.upstream.ntp), site.upstream.zone)
    if site.syslog:
        asked[site.syslog.address] = site.syslog.zone
    if site.bus:
        asked |= dict.fromkeys((server.address for server in site.bus.servers), site.bus.zone)
    return asked


def _own_rules(zone: str, own: IpAddress) -> Iterator[Rule]:
    yield Rule(OWN, own.version, "lookup", table(zone), source=_host(own))
    yield Rule(OWN_END, own.version, "unreachable", source=_host(own))


def _host(address: IpAddress) -> IpNetwork:
    return ip_network(address)
