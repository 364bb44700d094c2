"""The bus in a site: opened and routed to, and handed to `b2bua` as places, never as secrets."""

from __future__ import annotations

from ipaddress import ip_address

from gatewayd.dialplan import room_bus
from gatewayd.firewall import edge
from gatewayd.network.desired import desired
from gatewayd.pinholes.layout import layout
from nft.ruleset import compile_edge
from tests.gatewayd.site import TEXT, load
from vdx.access import SecretPlace

BUS = """\
bus:
  zone: mgmt
  servers: [{address: 192.0.2.70}, {address: 192.0.2.71, port: 4333}]
  credential: bus
  trust: /etc/vdx/bus-ca.pem
  server_name: bus.example.org
  rooms: PEER
"""
PEER = next(iter(load().site.peers))
LOADED = load(TEXT + BUS.replace("PEER", PEER))


def test_its_servers_are_the_only_ones_that_are_opened() -> None:
    model = edge(LOADED, layout(LOADED.site, {}))
    added = {(one.zone, one.protocol, str(one.address), one.port) for one in model.upstreams} - {
        (one.zone, one.protocol, str(one.address), one.port) for one in edge(load(), layout(load().site, {})).upstreams
    }
    assert added == {("mgmt", "tcp", "192.0.2.70", 4222), ("mgmt", "tcp", "192.0.2.71", 4333)}
    assert "192.0.2.71" in compile_edge(model)


def test_its_servers_are_reached_through_their_zone() -> None:
    rules = {str(rule.destination): rule.table for rule in desired(LOADED.site).rules if rule.destination is not None}
    assert rules["192.0.2.70/32"] == rules["192.0.2.71/32"] == 5604


def test_b2bua_hears_of_places() -> None:
    told = room_bus(LOADED.site)
    assert told is not None
    assert told.servers == ("tls://192.0.2.70:4222", "tls://192.0.2.71:4333")
    assert told.secrets == SecretPlace(credential="bus")
    assert (told.peer, told.name, told.server_name) == (PEER, LOADED.site.name, "bus.example.org")
    assert room_bus(load().site) is None


def test_addresses_of_ipv6_are_written_as_urls_write_them() -> None:
    six = LOADED.site.model_copy(deep=True)
    assert six.bus is not None
    server = six.bus.servers[0].model_copy(update={"address": ip_address("2001:db8::1")})
    bus = six.bus.model_copy(update={"servers": (server,), "encryption": "off"})
    told = room_bus(six.model_copy(update={"bus": bus}))
    assert told is not None
    assert told.servers == ("nats://[2001:db8::1]:4222",)
