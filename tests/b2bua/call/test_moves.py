"""Devices that come back over another connection: whose calls go on there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from b2bua import sip
from b2bua.call.registrar import Registrar
from tests.b2bua.call.test_registrar import INSTANCE, RULES, TCP, UDP, WSS, T, register

BACK = replace(WSS, remote=("203.0.113.50", 50_000), id=9)
CONTACT = f"<sip:r@x.invalid;transport=ws>;+sip.instance={INSTANCE};reg-id=1"


def registered(flow: sip.Flow, *lines: str) -> Registrar:
    made = Registrar(RULES)
    made.register(register(*lines, contact=CONTACT), flow, "rooms", "room", T)
    assert made.moves() == []
    return made


@pytest.mark.parametrize("closed", [True, False])
def test_a_device_that_comes_back_is_told_with_the_connection_it_had(closed: bool) -> None:
    made = registered(WSS)
    if closed:
        made.flow_closed(WSS)
    made.register(register(contact=CONTACT, number=2), BACK, "rooms", "room", T + 1)
    assert made.moves() == [(WSS, BACK, "room")]
    assert made.moves() == []


def test_who_stays_does_not_move() -> None:
    made = registered(WSS)
    made.register(register(contact=CONTACT, number=2), WSS, "rooms", "room", T + 1)
    assert made.moves() == []


def test_another_device_of_the_user_takes_nothing_over() -> None:
    made = registered(WSS)
    other = CONTACT.replace("A95A0E128", "A95A0E129")
    made.register(register(contact=other, call="b"), BACK, "rooms", "room", T + 1)
    assert made.moves() == []


def test_the_connection_of_a_proxy_carries_others_as_well() -> None:
    path = "Path: <sip:proxy.example;lr>"
    made = registered(TCP, path, "Supported: path")
    made.register(
        register(path, "Supported: path", contact=CONTACT, number=2), replace(TCP, id=10), "rooms", "room", T + 1
    )
    assert made.moves() == []


@pytest.mark.parametrize("line", ["Via: SIP/2.0/WS 192.0.2.77;branch=z9hG4bKd", "Path: <sip:proxy.example;lr>"])
def test_nobody_moves_to_or_by_way_of_a_proxy(line: str) -> None:
    made = Registrar(RULES)
    plain = CONTACT.partition(";+sip")[0]
    made.register(register(contact=plain), WSS, "rooms", "room", T)
    made.register(register(line, "Supported: path", contact=plain, number=2), BACK, "rooms", "room", T + 1)
    assert made.find("rooms", "room", T + 1)[0].to == BACK
    assert made.moves() == []


def test_datagrams_have_no_connection() -> None:
    made = registered(UDP)
    made.register(register(contact=CONTACT, number=2), replace(UDP, remote=("198.51.100.9", 5070)), "rooms", "room", T)
    assert made.moves() == []


def test_what_is_known_of_a_device_goes_with_it() -> None:
    made = registered(WSS)
    made.flow_closed(WSS)
    made.register(register(contact=CONTACT.replace(";reg-id", ";expires=0;reg-id"), number=2), BACK, "rooms", "room", T)
    assert not made._was
    assert not made._flows
    assert made.moves() == []
