"""What the site file says of an authority, and what the firewall makes of it."""

from __future__ import annotations

import pytest

from gatewayd import firewall
from nft.model import Service, Upstream
from vdx import site
from vdx.site import SiteError

ACME = """\
acme:
  directory: 'https://ca.example.org:8443/dir'
  terms_agreed: true
  certificates: {sip: [sip.example.org]}
"""
SITE = """\
name: edge
zones:
  internet: {interface: eth0, addresses: [192.0.2.10/24]}
"""


def test_the_firewall_lets_the_authority_ask_and_us_go_there() -> None:
    model = firewall.edge(site.parse((SITE + ACME).encode()), {})
    assert model.services == (Service("internet", "tcp", 80, firewall.EVERYWHERE, "site.yaml:4"),)
    assert model.upstreams == (Upstream("internet", "tcp", None, 8443, "site.yaml:5"),)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("https:", "http:", "write an https URL"),
        ("ca.example.org:8443", "ca.example.org:x", "write an https URL"),
        ("[sip.example.org]", "['*.example.org']", "cannot be proved"),
        ("[sip.example.org]", "[192.0.2.1]", "cannot be proved"),
        ("[sip.example.org]", "[]", "at least 1"),
        ("terms_agreed: true", "terms_agreed: false", "terms_agreed"),
        ("terms_agreed: true", "terms_agreed: true\n  zone: sdn", "zone 'sdn' is not configured"),
        ("terms_agreed: true", "terms_agreed: true\n  contact: nobody", "contact"),
    ],
)
def test_what_cannot_be_meant_is_said(old: str, new: str, said: str) -> None:
    with pytest.raises(SiteError, match=said):
        site.parse((SITE + ACME.replace(old, new)).encode())


def test_port_80_has_one_user() -> None:
    text = SITE.replace("/24]", "/24], services: {web: {protocol: tcp, port: 80}}")
    with pytest.raises(SiteError, match="give this service another one"):
        site.parse((text + ACME).encode())
