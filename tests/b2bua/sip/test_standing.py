"""Where dialogs stand: on a connection, after it, and on another one of the same device."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from b2bua.sip import Endpoint, Flow, Identity, IncomingInvite, Target, Wanted, parse
from tests.b2bua.sip.test_endpoint import request
from tests.b2bua.sip.wire import CountingIds

WEB = Flow("wss", ("192.0.2.1", 443), ("203.0.113.9", 40001), "internet", 3, ("192.0.2.1", 443))
BACK = replace(WEB, remote=("203.0.113.9", 40002), id=4)
TLS = replace(WEB, transport="tls", identity=Identity(frozenset({"a.example"})))


def called(flow: Flow, number: int = 1) -> tuple[Endpoint, IncomingInvite]:
    """Give an endpoint with a call that came over a connection and is up."""
    one = Endpoint(CountingIds("x"))
    one.receive(invite(flow, number), flow, 0.0)
    (event,) = one.events()
    assert isinstance(event, IncomingInvite)
    event.leg.answer(0.0, body=b"v=0\r\n")
    one.to_send()
    one.receive(within(event, "ACK", flow), flow, 0.0)
    one.events()
    return one, event


def invite(flow: Flow, number: int = 1) -> bytes:
    via = f"SIP/2.0/{flow.transport.upper()} x.invalid;branch=z9hG4bKi{number}"
    return request("INVITE", via=via, body=b"v=0\r\n").replace(b"c1", f"c{number}".encode())


def within(event: IncomingInvite, method: str, flow: Flow, number: int = 1) -> bytes:
    via = f"SIP/2.0/{flow.transport.upper()} x.invalid;branch=z9hG4bK{method}{number}{flow.id}"
    asked = event.request
    to = f"{asked.get('to')};tag={event.leg.id}"
    return (
        f"{method} sip:x@192.0.2.1 SIP/2.0\r\nVia: {via}\r\nFrom: {asked.get('from')}\r\nTo: {to}\r\n"
        f"Call-ID: {asked.call_id}\r\nCSeq: {number} {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def test_a_device_that_comes_back_takes_its_dialogs_over() -> None:
    one, event = called(WEB)
    one.flow_closed(WEB, 1.0)
    one.take_over(WEB, BACK, "ann")
    event.leg.bye(2.0)
    (bye,) = one.to_send()
    assert bye.to == BACK
    assert parse(bye.data).get("via").startswith("SIP/2.0/WSS ")


def test_a_device_that_comes_back_before_its_connection_is_known_to_be_dead() -> None:
    one, event = called(WEB)
    one.take_over(WEB, BACK, "ann")
    one.flow_closed(WEB, 1.0)
    event.leg.bye(2.0)
    assert [sent.to for sent in one.to_send()] == [BACK]


def test_the_dialogs_of_others_at_the_same_address_stay_theirs() -> None:
    one, event = called(WEB)
    one.flow_closed(WEB, 1.0)
    one.take_over(replace(WEB, id=99), BACK, "ann")  # another connection that had the same address and port
    event.leg.bye(2.0)
    (bye,) = one.to_send()
    assert isinstance(bye.to, Target)


@pytest.mark.parametrize("closed", [True, False])
def test_the_dialogs_of_others_on_the_same_connection_stay_theirs(closed: bool) -> None:
    one, event = called(WEB)  # a border element's: ann's, and those of everybody behind it
    if closed:
        one.flow_closed(WEB, 1.0)
    one.take_over(WEB, BACK, "ben")
    event.leg.bye(2.0)
    (bye,) = one.to_send()
    assert bye.to != BACK
    assert isinstance(bye.to, Target) is closed


def test_a_dialog_of_a_certificate_stays_with_it() -> None:
    one, event = called(TLS)
    one.flow_closed(TLS, 1.0)
    other = replace(TLS, id=5, remote=("203.0.113.9", 40002), identity=Identity(frozenset({"b.example"})))
    one.take_over(TLS, other, "ann")
    one.receive(within(event, "BYE", other, 2), other, 2.0)
    (refused,) = one.to_send()
    assert refused.data.startswith(b"SIP/2.0 481 ")
    renewed = replace(TLS, id=6, remote=("203.0.113.9", 40003))
    one.receive(within(event, "BYE", renewed, 3), renewed, 3.0)
    (accepted,) = one.to_send()
    assert accepted.data.startswith(b"SIP/2.0 200 ")


@pytest.mark.parametrize(
    ("comes", "admitted"),
    [
        ({"identity": Identity(frozenset({"a.example", "node2.example"}))}, True),  # another server of the same name
        ({"identity": Identity(frozenset({"a.example"}), vouchers=frozenset({"/other.pem"}))}, False),
        ({"identity": Identity(frozenset())}, False),
        ({"identity": None}, True),  # it shows a certificate where we call, and none when it connects
        ({"identity": None, "remote": ("203.0.113.8", 40009)}, False),
        ({"identity": None, "transport": "tcp"}, False),
    ],
)
def test_who_may_go_on_with_a_dialog_of_a_certificate(comes: dict[str, Any], admitted: bool) -> None:
    one, event = called(TLS)
    flow = replace(TLS, **{"id": 9, "remote": ("203.0.113.9", 40009), **comes})
    one.receive(within(event, "BYE", flow, 2), flow, 1.0)
    (answer,) = one.to_send()
    assert answer.data.startswith(b"SIP/2.0 200 " if admitted else b"SIP/2.0 481 ")


def test_where_a_dialog_looks_for_its_peer() -> None:
    one, event = called(TLS)
    one.flow_closed(TLS, 1.0)
    event.leg.bye(2.0)
    (bye,) = one.to_send()
    assert isinstance(bye.to, Target)
    assert (bye.to.host, bye.to.transport) == ("203.0.113.9", "tls")
    assert bye.to.wanted == Wanted(frozenset({"a.example"}), anywhere=True)


def test_one_we_called_is_called_again_where_we_had_called() -> None:
    opened = Target("internet", "tls", "203.0.113.9", 5061, "192.0.2.1", Wanted(frozenset({"a.example"})))
    one, event = called(replace(TLS, target=opened))
    one.flow_closed(replace(TLS, target=opened), 1.0)
    event.leg.bye(2.0)
    (bye,) = one.to_send()
    assert bye.to == replace(opened, wanted=Wanted(frozenset({"a.example"}), anywhere=True))


@pytest.mark.parametrize("ends", ["closed", "taken over", "neither"])
def test_nothing_is_left(ends: str) -> None:
    one, event = called(WEB)
    if ends == "closed":
        one.flow_closed(WEB, 1.0)
    elif ends == "taken over":
        one.take_over(WEB, BACK, "ann")
    now_at = BACK if ends != "neither" else WEB
    one.receive(within(event, "BYE", now_at, 2), now_at, 2.0)
    one.on_timer(100.0)
    one.to_send()
    assert not any(one.sizes.values()), one.sizes
