"""The management address by hand, where nobody can reach the appliance over the network: pure.

A new appliance gets a site of nothing but its mgmt zone, with the management page open to it and one person who may do
everything; from there on the page takes over. In a site that is there, address, interface and default route of the mgmt
zone change and nothing else.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_interface
from typing import Any

import yaml

from gatewayd.system.errors import SetupError
from gatewayd.system.settle import WEB_PORT
from vdx import site
from vdx.site.model import Site

NAME = "gateway"
"""Of an appliance that has been told nothing yet."""

ADMIN = "admin"
"""Who may manage it then."""


def changed(text: bytes | None, interface: str, address: str, gateway: str) -> bytes:
    """Give a site file with this mgmt address; `text` is the file as it is, None where there is none.

    `address` has its prefix length, `gateway` may be empty. Raises `SetupError`, `SiteError`.
    """
    try:
        own = ip_interface(address)
        via = ip_address(gateway) if gateway else None
    except ValueError as error:
        raise SetupError(f"{error}: write an address as in 192.0.2.10/24, and the router as in 192.0.2.1") from error
    if "/" not in address:
        raise SetupError(f"{address} has no prefix length: write it as in {address}/24")
    if via is not None and via not in own.network:
        raise SetupError(f"the router {via} is not in {own.network}: it could not be reached")
    data: dict[str, Any] = _new(own.network, routed=via is not None) if text is None else dict(yaml.safe_load(text))
    zones = dict(data["zones"])
    routes = [{"to": "default", "via": str(via)}] if via is not None else []
    zones["mgmt"] = {**zones.get("mgmt", {}), "interface": interface, "addresses": [address], "routes": routes}
    written = yaml.safe_dump({**data, "zones": zones}, sort_keys=False, allow_unicode=True).encode()
    site.parse(written, "site.yaml")
    return written


def _new(network: IPv4Network | IPv6Network, *, routed: bool) -> dict[str, Any]:
    sources = ["0.0.0.0/0" if network.version == 4 else "::/0"] if routed else [str(network)]
    web = {"protocol": "tcp", "port": WEB_PORT, "sources": sources}
    people = {ADMIN: {"role": "admin"}}
    return {"name": NAME, "zones": {"mgmt": {"services": {"web": web}}}, "management": {"people": people}}


def admins(told: Site) -> list[str]:
    """Give the people of a site who may do everything, who may get a token."""
    return [name for name, person in told.management.people.items() if person.role == "admin"]
