"""Writes the edge's site file for a topology; what it says is checked by the site's own models before it is used."""

from pathlib import Path
from typing import Any

import yaml

from lab.topology import MEDIA_PORTS, ORIGIN, SIP_PORT, TLS_PORT, WEB_PORT, EdgeZone, Host, Topology
from vdx import site

CALLABLE_ZONES = ("sdn", "internet", "core")
ROOT_FILE = "lab-root.pem"
EDGE_FILES = "edge"


def site_text(topology: Topology, name: str, keys: Path) -> str:
    """Return the site file: every zone of the edge, every host that can be called as a peer, a rule for each.

    A host is called by its name; `<name>6` calls it over IPv6. `keys` is where the certificates are.
    """
    peers = {label: peer for host in callable_hosts(topology) for label, peer in _peers(topology, host).items()}
    document = {
        "name": name,
        "zones": {zone.zone: _zone(zone, keys) for zone in topology.edge},
        "peers": peers,
        "dialplan": [{"alias": label, "to": label} for label in peers],
    }
    text = yaml.safe_dump(document, sort_keys=False)
    site.parse(text.encode())
    return text


def callable_hosts(topology: Topology) -> list[Host]:
    """Return the hosts with a user agent: those that are neither routers nor the edge, outside management."""
    return [host for host in topology if not host.forwards and not host.bare and host.zone in CALLABLE_ZONES]


def outside_address(topology: Topology, host: Host, family: int) -> str:
    """Return the address under which the edge sees a host: its own, or its NAT's."""
    if family == 4:
        for router in topology:
            if router.nat and router.nat.sip_to == host.address(4):
                return str(next(a.ip for a in router.interface(router.nat.outside).addresses if a.version == 4))
    return host.address(4 if family == 4 else 6)


def _zone(zone: EdgeZone, keys: Path) -> dict[str, Any]:
    text: dict[str, Any] = {
        "interface": zone.interface,
        "addresses": [str(address) for address in zone.addresses],
    }
    if zone.gateways:
        text["routes"] = [{"to": "default", "via": gateway} for gateway in zone.gateways]
    if zone.zone == "internet":
        text["encryption"] = "preferred"  # most user agents of the lab speak in the clear, so that captures can be read
    if zone.media:
        first, last = MEDIA_PORTS
        text["media"] = {"addresses": [str(address.ip) for address in zone.addresses], "ports": f"{first}-{last}"}
    if zone.sip:
        text["sip"] = [
            {"transport": transport, "address": str(address.ip), "port": SIP_PORT}
            for address in zone.addresses
            for transport in ("udp", "tcp")
        ]
        text["sip"] += [listener for address in zone.addresses for listener in _secure(str(address.ip), keys)]
    return text


def _secure(address: str, keys: Path) -> list[dict[str, Any]]:
    """Return the listeners that speak TLS; browsers come to a port that needs no privilege."""
    files = {"certificate": str(keys / f"{EDGE_FILES}.pem"), "key": str(keys / f"{EDGE_FILES}.key")}
    peers = {"trust": str(keys / ROOT_FILE), "client_certificate": "optional"}
    web = {"port": WEB_PORT, "origins": [ORIGIN], "path": "/sip"}
    return [
        {"transport": "tls", "address": address, "port": TLS_PORT, **files, **peers},
        {"transport": "wss", "address": address, **files, **web},
    ]


def _peers(topology: Topology, host: Host) -> dict[str, Any]:
    def peer(family: int) -> dict[str, Any]:
        address = outside_address(topology, host, family)
        prefix = f"{address}/{32 if family == 4 else 128}"
        # Without `media`, the internet would mean every global address; the lab's are documentation addresses.
        return {
            "zone": host.zone,
            "sources": [prefix],
            "media": [prefix],
            "target": {"address": address, "port": SIP_PORT, "transport": "udp"},
        }

    return {host.name: peer(4), f"{host.name}6": peer(6)}
