"""A site for unit tests, as a person writes it."""

from __future__ import annotations

from vdx import site
from vdx.site.source import LoadedSite

TEXT = """\
name: edge-1
zones:
  sdn:
    interface: sdn0
    addresses: [10.0.0.1/24, "2001:db8:a::1/64"]
    routes:
      - {to: default, via: 10.0.0.254}
    media:
      addresses: [10.0.0.1, "2001:db8:a::1"]
    sip:
      - {transport: udp, address: 10.0.0.1}
  internet:
    interface: net0
    addresses: [198.51.100.1/24, 198.51.100.9/24, "2001:db8:b::1/64"]
    media:
      addresses:
        - {address: 198.51.100.1, advertise: 203.0.113.1}
        - 198.51.100.9
        - 2001:db8:b::1
      ports: 50000-50099
    sip:
      - {transport: tcp, address: 198.51.100.1, port: 5080, advertise: 203.0.113.1, advertise_port: 5060}
  mgmt:
    interface: mgmt0
    addresses: [192.0.2.1/24]
    services:
      ssh: {protocol: tcp, port: 22, sources: [192.0.2.0/24]}
peers:
  hospital: {zone: sdn, sources: [10.0.0.0/8, "2001:db8:a::/48"], target: {address: 10.0.0.7}}
  citizen: {zone: internet}
  clinic: {zone: internet, learn: false, media: [198.51.100.0/24], sources: [198.51.100.32/32]}
  silent: {zone: sdn}
  branch: {zone: sdn, sources: [10.7.0.0/16], learn: true}
dialplan:
  - {alias: "hospital*", to: hospital}
  - {alias: "*", refuse: 404}
limits: {calls: 3, streams_per_call: 4}
upstream: {zone: mgmt, dns: [192.0.2.53], ntp: [192.0.2.123]}
"""


def load(text: str = TEXT) -> LoadedSite:
    """Read a site from text."""
    return site.parse(text.encode())


def changed(*changes: tuple[str, str]) -> LoadedSite:
    """Read the site with some of its text replaced."""
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return load(text)
