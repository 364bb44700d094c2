"""Which certificate belongs to which peer."""

from __future__ import annotations

import pytest

from b2bua.call.certificate import shows
from b2bua.sip import Identity
from vdx.control import PeerTls, SipPeer

NUMBER = ("serialNumber", "202100-5489")
OTHER = ("O", "Region")


def peer(*names: str, subject: tuple[tuple[str, str], ...] = (), trust: str = "") -> SipPeer:
    return SipPeer("hospital", "sdn", (), 4, tls=PeerTls(names, subject, trust))


def identity(
    *names: str, subject: tuple[tuple[str, str], ...] = (), vouchers: frozenset[str] | None = None
) -> Identity:
    return Identity(frozenset(names), subject, frozenset({""}) if vouchers is None else vouchers)


@pytest.mark.parametrize(
    ("known", "shown", "same"),
    [
        (peer("sip.a.example"), identity("a.example", "sip.a.example"), True),
        (peer("sip.a.example", "sip2.a.example"), identity("sip2.a.example"), True),
        (peer("sip.a.example"), identity("sip.b.example"), False),
        (peer("sip.a.example"), identity("*.a.example"), False),  # RFC 5922 7.2: no wildcards
        (peer("*.a.example"), identity("*.a.example"), True),  # unless the site file names one
        (peer(subject=(NUMBER,)), identity("x", subject=(OTHER, NUMBER)), True),
        (peer(subject=(NUMBER, OTHER)), identity("x", subject=(NUMBER,)), False),
        (peer("a", subject=(NUMBER,)), identity("a"), False),
        (peer("a", subject=(NUMBER,)), identity("b", subject=(NUMBER,)), False),
        (peer("a", trust="/own.pem"), identity("a"), False),
        (peer("a"), identity("a", vouchers=frozenset({"/own.pem"})), False),  # vouched for by another peer's file only
        (peer("a", trust="/own.pem"), identity("a", vouchers=frozenset({"", "/own.pem"})), True),
        (peer(), identity("a"), False),
        (peer("a"), None, False),
        (SipPeer("hospital", "sdn", (), 4), identity("a"), False),
    ],
)
def test_a_certificate_shows_a_peer(known: SipPeer, shown: Identity | None, same: bool) -> None:
    assert shows(known, shown) is same
