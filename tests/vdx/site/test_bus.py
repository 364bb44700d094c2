from __future__ import annotations

import pytest

from vdx import site
from vdx.site import SiteError

SITE = """
name: edge1
zones:
  core: {interface: eth0, addresses: [192.0.2.1/25]}
  mgmt: {interface: eth1, addresses: [198.51.100.1/25]}
peers:
  mixers: {zone: core, media: [192.0.2.16/28]}
bus:
  zone: core
  servers: [{address: 192.0.2.20}, {address: 192.0.2.21, port: 4333}]
  file: /etc/vdx/bus.secret
  trust: /etc/vdx/bus-ca.pem
  rooms: mixers
"""


def test_the_bus_of_a_site() -> None:
    bus = site.parse(SITE.encode()).site.bus
    assert bus is not None
    assert [(str(one.address), one.port) for one in bus.servers] == [("192.0.2.20", 4222), ("192.0.2.21", 4333)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rooms: mixers", "rooms: nobody", "no peer is called 'nobody'"),
        (", media: [192.0.2.16/28]", "", "say in which prefixes mixing servers are"),
        ("address: 192.0.2.20", 'address: "2001:db8::1"', "has no IPv6 address to reach it from"),
        ("  trust: /etc/vdx/bus-ca.pem\n", "", "`trust` (a PEM file) vouches for the servers"),
        ("trust: /etc/vdx/bus-ca.pem", "trust: /a.pem\n  encryption: off", "`trust` (a PEM file) vouches"),
        ("  file: /etc/vdx/bus.secret\n", "", "say where the secrets stand"),
        ("bus:\n  zone: core", "bus:\n  zone: internet", "bus.zone"),
        ("servers: [{address: 192.0.2.20}, {address: 192.0.2.21, port: 4333}]", "servers: []", "bus.servers"),
    ],
)
def test_what_stands_against_it_names_the_place(old: str, new: str, said: str) -> None:
    assert old in SITE
    with pytest.raises(SiteError) as refused:
        site.parse(SITE.replace(old, new).encode())
    assert said in str(refused.value)
    assert "bus" in str(refused.value)
