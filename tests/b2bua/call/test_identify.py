"""Who sent a request: every way in its order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from b2bua import sip
from b2bua.call.identify import WAYS, Caller, Peers, Shown, has_to_prove, identify
from b2bua.call.tokens import Guest
from vdx.access import PeerAccess, SecretPlace
from vdx.control import PeerTls, SipPeer

EDGE = ("192.0.2.1", 5061)
CLINIC = SipPeer("clinic", "internet", ("198.51.100.0/24",), 4)
WARD = SipPeer("ward", "internet", ("198.51.100.128/25",), 4)
REGION = SipPeer("region", "internet", (), 4, tls=PeerTls(names=("sip.region.example",)))
ROOMS = SipPeer("rooms", "internet", ("203.0.113.0/24",), 4, access=PeerAccess(users=SecretPlace("/x")))
HOSPITAL = SipPeer("hospital", "sdn", ("198.51.100.0/24",), 4)
PEERS = Peers((CLINIC, WARD, REGION, ROOMS, HOSPITAL))
TLS = sip.Flow("tls", EDGE, ("198.51.100.9", 40_000), "internet", 7, EDGE)
KNOWN = sip.Identity(frozenset({"sip.region.example"}))


def who(caller: Caller | None) -> tuple[str, str, str] | None:
    return (caller.peer.name, caller.by, caller.user) if caller else None


def test_a_certificate_comes_before_all_else() -> None:
    flow = replace(TLS, identity=KNOWN)
    assert who(identify(PEERS, flow, Shown("rooms", "r1"), Caller(ROOMS, "x", "r2"))) == ("region", "certificate", "")
    assert who(identify(PEERS, replace(flow, zone="sdn"))) == ("hospital", "source", "")


def test_then_who_logged_in_or_brought_a_token() -> None:
    guest = Guest("anna", "room-7", 0.0)
    assert who(identify(PEERS, TLS, Shown("rooms", "r1"), Caller(ROOMS, "x", "r2"))) == ("rooms", "credentials", "r1")
    caller = identify(PEERS, TLS, Shown("rooms", "anna", guest))
    assert caller
    assert caller.guest is guest


def test_then_who_registered_over_this_connection() -> None:
    assert who(identify(PEERS, TLS, None, Caller(ROOMS, "x", "r2"))) == ("rooms", "registration", "r2")
    udp = replace(TLS, transport="udp")
    assert who(identify(PEERS, udp, None, Caller(ROOMS, "x", "r2"))) == ("clinic", "source", "")


def test_then_the_longest_prefix() -> None:
    assert who(identify(PEERS, TLS)) == ("clinic", "source", "")
    assert who(identify(PEERS, replace(TLS, remote=("198.51.100.200", 1)))) == ("ward", "source", "")
    assert identify(PEERS, replace(TLS, remote=("192.0.2.77", 1))) is None


def test_a_prefix_is_not_enough_for_who_can_prove_himself() -> None:
    assert identify(PEERS, replace(TLS, remote=("203.0.113.5", 1))) is None
    assert [peer.name for peer in (CLINIC, REGION, ROOMS) if has_to_prove(peer)] == ["rooms"]


def test_users_of_another_zone_or_a_peer_that_is_gone_are_nobody() -> None:
    assert identify(PEERS, replace(TLS, zone="core"), Shown("rooms", "r1")) is None
    gone = Caller(SipPeer("gone", "internet", (), 4), "x", "r1")
    assert identify(PEERS, replace(TLS, remote=("192.0.2.77", 1)), None, gone) is None


@pytest.mark.parametrize(("address", "steps"), [("198.51.100.9", 4), ("192.0.2.77", 4)])
def test_every_way_explains_itself(address: str, steps: int) -> None:
    notes: list[tuple[str, str]] = []
    identify(PEERS, replace(TLS, remote=(address, 1)), note=lambda step, text: notes.append((step, text)))
    assert [step for step, _ in notes] == [way.name for way in WAYS][:steps]
    assert not any("{" in text for _, text in notes)
    assert address in notes[-1][1]


def test_what_was_found_is_the_last_word() -> None:
    notes: list[tuple[str, str]] = []
    identify(PEERS, TLS, Shown("rooms", "r1"), note=lambda step, text: notes.append((step, text)))
    assert notes[-1] == ("credentials", "user r1 of peer rooms proved himself")
