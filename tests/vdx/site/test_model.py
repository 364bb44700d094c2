from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from vdx import headers
from vdx.site import SiteError, parse
from vdx.site.peers import Peer, Target
from vdx.site.values import PortRange
from vdx.site.zones import MediaAddress, Route


def test_media_addresses_may_be_written_short() -> None:
    site = parse(b"""
name: edge
zones:
  sdn:
    interface: sdn0
    addresses: [10.0.0.1/24, 10.0.0.2/24]
    media: {addresses: [10.0.0.1, {address: 10.0.0.2, advertise: 192.0.2.1}]}
""").site
    assert site.zones["sdn"].media.addresses == (
        MediaAddress(address=ip_address("10.0.0.1")),
        MediaAddress(address=ip_address("10.0.0.2"), advertise=ip_address("192.0.2.1")),
    )
    assert site.zones["sdn"].media.ports == PortRange((40000, 49999))


def test_a_default_route_takes_the_family_of_its_gateway() -> None:
    assert Route.model_validate({"to": "default", "via": "10.0.0.1"}).network == ip_network("0.0.0.0/0")
    assert Route.model_validate({"to": "default", "via": "2001:db8::1"}).network == ip_network("::/0")


def test_sources_are_learned_on_the_internet_only_unless_told() -> None:
    assert Peer(zone="internet").learns
    assert not Peer(zone="sdn").learns
    assert Peer(zone="sdn", learn=True).learns
    assert not Peer(zone="internet", learn=False).learns


def test_the_family_of_a_peer() -> None:
    six = Target(address=ip_address("2001:db8::7"))
    assert Peer(zone="sdn").media_family == 4
    assert Peer(zone="sdn", target=six).media_family == 6
    assert Peer(zone="sdn", target=six, family=4).media_family == 4


@pytest.mark.parametrize("name", ["Content-Type", "contact", "i", "K"])
def test_headers_of_one_leg_cannot_be_passed(name: str) -> None:
    text = f"{{name: edge, zones: {{sdn: {{interface: s}}}}, peers: {{pbx: {{zone: sdn, pass_headers: ['{name}']}}}}}}"
    with pytest.raises(SiteError) as caught:
        parse(text.encode())
    (fault,) = caught.value.faults
    assert fault.what == headers.refusal(name)


def test_a_small_site_is_enough() -> None:
    site = parse(b"{name: edge, zones: {}}").site
    assert (site.peers, site.dialplan, site.upstream, site.limits.calls) == ({}, (), None, 2000)


def test_a_site_file_line_up_and_serialises() -> None:
    site = parse(b"{name: edge, zones: {sdn: {interface: s, addresses: [10.0.0.1/24]}}}").site
    assert site.model_dump(mode="json")["zones"]["sdn"]["media"]["ports"] == "40000-49999"
