"""`gatewayctl dns`: the records by which calls find the appliance, as zone-file text. Pure: a site in, text out.

Each zone has a view of its own: what the internet sees, and what the private network sees. For every domain stand NAPTR
records (RFC 3263 4.1), SRV records (RFC 2782) and the addresses of a host, `<site name>.<domain>`. A port that is open
at some of these addresses alone has a host of its own, `<site name>-2.<domain>`: nobody is sent where nobody listens.
"""

from __future__ import annotations

from collections.abc import Iterator

from vdx.site.block import ZONES
from vdx.site.model import Site
from vdx.site.zones import Listener, ZoneSettings

TTL = 3600
"""Seconds: what stands here changes when an appliance moves, which is planned."""

_SERVICES = (
    ("tls", "SIPS+D2T", "_sips._tcp"),
    ("tcp", "SIP+D2T", "_sip._tcp"),
    ("udp", "SIP+D2U", "_sip._udp"),
    ("wss", "SIPS+D2W", "_sips._ws"),
)
"""[transport], service of NAPTR (RFC 3263 4.1, RFC 7118 7), name of SRV; the best first."""


def records(site: Site) -> str:
    """Give the records of all domains, for each zone that listens for SIP."""
    if not site.domains:
        return "; the site file names no `domains`: there is nothing to publish"
    return "\n".join(line for name in ZONES if name in site.zones for line in _view(site, name, site.zones[name]))


def _view(site: Site, name: str, zone: ZoneSettings) -> Iterator[str]:
    if not zone.sip:
        return
    yield f"; zone {name}: for the name servers that {name} asks"
    for domain in site.domains:
        yield f"$ORIGIN {domain}."
        yield from _domain(site.name, zone)
        yield ""


def _domain(host: str, zone: ZoneSettings) -> Iterator[str]:
    offered = [(service, prefix, _ports(zone, transport)) for transport, service, prefix in _SERVICES]
    there = [entry for entry in offered if entry[2]]
    for order, (service, prefix, _) in enumerate(there, 1):
        yield f'@ {TTL} IN NAPTR {order * 10} 50 "s" "{service}" "" {prefix}'
    hosts = {tuple(sorted(set(map(_address, zone.sip)))): host}
    for _, prefix, ports in there:
        for port, addresses in ports.items():
            target = hosts.setdefault(addresses, f"{host}-{len(hosts) + 1}")
            yield f"{prefix} {TTL} IN SRV 10 100 {port} {target}"
    for addresses, name in hosts.items():
        for address in addresses:
            yield f"{name} {TTL} IN {'AAAA' if ':' in address else 'A'} {address}"


def _ports(zone: ZoneSettings, transport: str) -> dict[int, tuple[str, ...]]:
    """Give the ports at which a transport is reached from outside, and at which addresses each."""
    found: dict[int, set[str]] = {}
    for one in zone.sip:
        if one.transport == transport:
            found.setdefault(one.advertise_port or one.port, set()).add(_address(one))
    return {port: tuple(sorted(addresses)) for port, addresses in found.items()}


def _address(one: Listener) -> str:
    """Give the address at which a listener is reached from outside."""
    return str(one.advertise or one.address)
