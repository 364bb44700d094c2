from __future__ import annotations

from ipaddress import ip_address

from gatewayd.firewall import edge
from gatewayd.pinholes.layout import layout
from nft.ruleset import compile_edge
from tests.gatewayd.site import TEXT, load

LOADED = load()
MODEL = edge(LOADED, layout(LOADED.site, {}))


def line(text: str) -> int:
    return next(number for number, each in enumerate(TEXT.splitlines(), 1) if text in each)


def test_zones_have_their_numbers_addresses_and_media() -> None:
    zones = {zone.name: zone for zone in MODEL.zones}
    assert {name: zone.index for name, zone in zones.items()} == {"sdn": 1, "internet": 2, "mgmt": 4}
    assert [str(each.address) for each in zones["internet"].media] == ["198.51.100.1", "198.51.100.9", "2001:db8:b::1"]
    assert {(each.first_port, each.last_port) for each in zones["internet"].media} == {(50000, 50099)}
    assert zones["mgmt"].media == ()


def test_every_part_remembers_its_line() -> None:
    assert [one.origin for one in MODEL.listeners] == [
        f"site.yaml:{line('transport: udp')}", f"site.yaml:{line('transport: tcp')}"
    ]  # fmt: skip
    assert MODEL.services[0].origin == f"site.yaml:{line('ssh:')}"
    assert {one.origin for one in MODEL.upstreams} == {f"site.yaml:{line('upstream:')}"}


def test_dns_and_ntp_are_asked_through_their_zone() -> None:
    asked = {(one.zone, one.protocol, one.address, one.port) for one in MODEL.upstreams}
    dns, ntp = ip_address("192.0.2.53"), ip_address("192.0.2.123")
    assert asked == {("mgmt", "udp", dns, 53), ("mgmt", "tcp", dns, 53), ("mgmt", "udp", ntp, 123)}


def test_peers_and_users_of_services_are_never_banned() -> None:
    peers = {network for peer in LOADED.site.peers.values() for network in peer.sources}
    services = {
        network for zone in LOADED.site.zones.values() for one in zone.services.values() for network in one.sources
    }
    assert peers
    assert services
    assert set(MODEL.spared) == peers | services


def test_the_model_compiles() -> None:
    text = compile_edge(MODEL)
    assert f"site.yaml:{line('ssh:')}" in text
