"""A base that delegates to two organisations, and a fragment of one of them."""

from __future__ import annotations

from gatewayd.config.whole import Source
from tests.gatewayd.site import TEXT

BASE_TEXT = (
    TEXT
    + """
domains: [hub.example]
delegations:
  north:
    title: North hospital
    networks: {sdn: [10.20.0.0/16], internet: []}
    domains: [north.example]
    uses: [hospital]
    limits: {calls: 10}
    files: /etc/vdx/north
  south:
    networks: {sdn: [10.30.0.0/16]}
    domains: [south.example]
agreements:
  organisations: [old]
  services:
    old.journal: {organisation: old, zone: internet, endpoints: [203.0.113.0/28], hosts: [old.example], tcp: [443]}
policy:
  rules:
    - {zone: mgmt, into: sdn, action: deny}
management:
  people:
    anna: {role: admin}
    bo: {role: owner, organisation: north}
    carl: {role: operator}
    dora: {role: viewer}
"""
)

NORTH = """\
peers:
  north: {zone: sdn, sources: [10.20.1.0/24], target: {address: 10.20.1.1}}
domains: [north.example]
dialplan:
  - {domain: north.example, alias: "*", to: north}
rooms:
  north.ward: {peer: north}
agreements:
  clients:
    north.pcs: {zone: sdn, prefixes: [10.20.2.0/24], files: [pcs.txt]}
  services:
    north.images: {zone: sdn, endpoints: [10.20.9.1/32], tcp: [443]}
  agreements:
    north.a: {client: north.pcs, service: old.journal, starts: 2026-01-01}
"""

LISTS = {"pcs.txt": b"# PCs\n10.20.3.0/24\n"}


def base(text: str = BASE_TEXT) -> Source:
    """Give a base."""
    return Source("base", "site.yaml", text.encode())


def north(*changes: tuple[str, str], lists: dict[str, bytes] | None = None) -> Source:
    """Give the fragment of north with some of its text replaced."""
    return Source(
        "north", "north.yaml", replaced(NORTH, *changes).encode(), LISTS if lists is None else lists, "b" * 64
    )


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """Replace text that has to be there."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text
