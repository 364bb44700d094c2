"""`gatewayctl dns`: the records by which calls find the appliance, as zone-file text. Pure: a site in, text out.

Each zone has a view of its own: what the internet sees, and what the private network sees. For every domain stand NAPTR
records (RFC 3263 4.1), SRV records (RFC 2782) and the addresses of one host, `<site name>.<domain>`.
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
    for _, prefix, ports in there:
        for port in ports:
            yield f"{prefix} {TTL} IN SRV 10 100 {port} {host}"
    for address in dict.fromkeys(str(one.advertise or one.address) for one in zone.sip):
        yield f"{host} {TTL} IN {'AAAA' if ':' in address else 'A'} {address}"


def _ports(zone: ZoneSettings, transport: str) -> list[int]:
    """Give the ports at which a transport is reached from outside, each once."""
    return list(dict.fromkeys(_port(one) for one in zone.sip if one.transport == transport))


def _port(one: Listener) -> int:
    return one.advertise_port or one.port
