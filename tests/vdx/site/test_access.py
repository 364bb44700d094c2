"""Keys of access: what fits together, and the sentence about what does not."""

from __future__ import annotations

import pytest

from vdx import site

ZONES = """
name: edge1
zones:
  internet: {interface: eth0, addresses: [192.0.2.10/24], sip: [{transport: tcp, address: 192.0.2.10}]}
peers:
"""


def faults(text: str) -> str:
    with pytest.raises(site.SiteError) as error:
        site.parse((ZONES + text).encode())
    return str(error.value)


def test_a_peer_whose_users_register_may_be_dialled() -> None:
    text = """
  rooms: {zone: internet, credentials: {file: /etc/vdx/rooms}, registers: true}
dialplan: [{alias: "room-*", to: rooms}]
"""
    assert site.parse((ZONES + text).encode()).site.peers["rooms"].registers


@pytest.mark.parametrize(
    ("peer", "sentence"),
    [
        ("{zone: internet, registers: true}", "whoever registers has to prove who they are"),
        (
            "{zone: internet, credentials: {file: /x}, registers: true, target: {address: 192.0.2.9}}",
            "calls go to `target` or to where its users registered, not both",
        ),
        ("{zone: internet, login: {username: edge, file: /x}}", "there is nobody to log in at: add `target`"),
        ("{zone: internet, credentials: {}}", "say where the secrets stand"),
        ("{zone: internet, credentials: {file: /x, credential: y}}", "say where the secrets stand"),
        ("{zone: internet, credentials: {file: relative}}", "is no absolute path"),
        ("{zone: internet, credentials: {password: x}}", "unknown key"),
        (
            "{zone: internet, tokens: {issuer: a, audience: b, keys: /k, authority: 'http://x'}}",
            "is no https address",
        ),
        (
            "{zone: internet, tokens: {issuer: a, audience: b, keys: /k, authority: 'https://x', algorithms: [HS256]}}",
            "RS256",
        ),
    ],
)
def test_what_does_not_fit(peer: str, sentence: str) -> None:
    assert sentence in faults(f"  one: {peer}\n")


@pytest.mark.parametrize(
    ("access", "sentence"),
    [
        ("{realm: 'a\"b'}", "access.realm"),
        ("{algorithms: []}", "access.algorithms"),
        ("{algorithms: [SHA-1]}", "access.algorithms"),
        ("{ban: 9999999}", "access.ban"),
        ("{registrations: {shortest: 900, usual: 600}}", "have to be in that order"),
    ],
)
def test_rules_that_cannot_be(access: str, sentence: str) -> None:
    assert sentence in faults(f"  one: {{zone: internet}}\naccess: {access}\n")
