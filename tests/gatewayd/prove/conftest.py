from __future__ import annotations

import pytest

from gatewayd.prove import order
from gatewayd.prove.order import Order
from tests.nft.policy.world import NOW
from vdx.site.source import parse

SITE = """\
name: edge-1
zones:
  sdn: {interface: sdn0, addresses: [10.0.0.1/24, "2001:db8:f::1/64"], routes: [{to: 10.1.0.0/16, via: 10.0.0.254}]}
  core: {interface: core0, addresses: [10.9.255.1/16]}
  mgmt: {interface: mgmt0, addresses: [10.4.0.1/24]}
policy:
  networks:
    wards: {zone: sdn, prefixes: [10.1.0.0/24, 10.2.0.0/24]}
    web: {zone: core, prefixes: [10.9.0.0/24]}
    away: {zone: core, prefixes: [10.20.0.0/24]}
  services:
    https: {tcp: [443]}
  rules:
    - zone: sdn
      into: core
      action: allow
      sources: [wards]
      targets: [web]
      services: [https]
      rate: 1
      connections: 3
    - {zone: sdn, into: core, action: allow, targets: [away]}
  publish:
    - {zone: mgmt, address: 10.4.0.1, port: 8443, to: 10.9.0.5, to_port: 443}
  tests:
    - {packet: "sdn 10.1.0.3 -> core 10.9.0.5 tcp/443", expect: allow}
    - {packet: "sdn 10.1.1.3 -> mgmt 10.9.0.5 tcp/443", expect: deny}
agreements:
  organisations: [north, hub]
  services:
    sip: {organisation: hub, zone: core, endpoints: [10.9.2.9/32], tcp: [5061]}
  clients:
    clinic: {organisation: north, zone: sdn, prefixes: [10.1.7.0/24]}
  agreements:
    a-1: {client: clinic, service: sip, starts: 2027-03-01, ends: 2030-12-31, approved: true}
"""


@pytest.fixture
def candidate() -> Order:
    """Give an order of a small site, asked before its agreement starts."""
    return order.of(parse(SITE.encode()), None, NOW)
