"""Dialogs of one endpoint with a peer written by hand: route sets, flows that come and go, what is in order."""

from __future__ import annotations

import pytest

from b2bua.sip import (
    Confirmed,
    Endpoint,
    Flow,
    IncomingInvite,
    RequestReceived,
    Target,
    parse,
)
from tests.b2bua.sip.test_endpoint import FLOW, PEER, TCP, TO_PEER, US, answer_to, branch, established, reply, request
from tests.b2bua.sip.wire import SDP, CountingIds


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint(CountingIds("x"))


def test_the_route_set_of_the_caller(endpoint: Endpoint) -> None:
    leg = endpoint.invite(TO_PEER, 0.0)
    (invite,) = endpoint.to_send()
    routes = ("Record-Route: <sip:p2;lr>, <sip:p1;lr>", "Record-Route: <sip:p0;lr>")
    endpoint.receive(reply(invite, 200, "t", *routes, body=SDP), FLOW, 0.0)
    leg.bye(0.0)
    ack, bye = endpoint.to_send()
    for sent in (ack, bye):
        message = parse(sent.data)
        assert message.all("route") == ["<sip:p0;lr>", "<sip:p1;lr>", "<sip:p2;lr>"]
        assert sent.data.split()[1] == b"sip:bob@203.0.113.9:5060;fork=t"


def test_a_strict_router_gets_the_request_uri(endpoint: Endpoint) -> None:
    endpoint.receive(request("INVITE", "Record-Route: <sip:old.example>, <sip:p1;lr>"), FLOW, 0.0)
    event = endpoint.events()[0]
    assert isinstance(event, IncomingInvite)
    leg = event.leg
    leg.answer(0.0, body=SDP)
    (answer,) = endpoint.to_send()
    answered = parse(answer.data)
    assert answered.record_routes == ["<sip:old.example>", "<sip:p1;lr>"]
    to = answered.get("to")
    endpoint.receive(request("ACK", to=to), FLOW, 0.0)
    assert isinstance(endpoint.events()[0], Confirmed)
    leg.bye(0.0)
    (bye,) = endpoint.to_send()
    assert bye.data.split()[1] == b"sip:old.example"
    assert parse(bye.data).all("route") == ["<sip:p1;lr>", "<sip:ann@203.0.113.9:5060>"]


def test_requests_in_a_dialog_are_checked(endpoint: Endpoint) -> None:
    to = established(endpoint)
    old = request("BYE", to=to, via=branch("1"), cseq="0 BYE")
    assert answer_to(endpoint, old).status == 500
    stranger = request("BYE", to=to, via=branch("2"), cseq="2 BYE").replace(b"tag=f", b"tag=g")
    assert answer_to(endpoint, stranger).status == 481
    other_call = request("BYE", to=to, via=branch("3"), cseq="2 BYE").replace(b"Call-ID: c1", b"Call-ID: c2")
    assert answer_to(endpoint, other_call).status == 481
    elsewhere = Flow("udp", US, PEER, "internet", 2, US)
    assert answer_to(endpoint, request("BYE", to=to, via=branch("4"), cseq="2 BYE"), elsewhere).status == 481
    assert not endpoint.events()
    assert answer_to(endpoint, request("BYE", to=to, via=branch("5"), cseq="2 BYE")).status == 200


def test_requests_stay_on_the_flow_behind_a_nat(endpoint: Endpoint) -> None:
    natted = Flow("udp", US, ("203.0.113.9", 4711), "sdn", 1, US)
    established(endpoint, natted, "<sip:ann@10.1.2.3:5060>")
    (leg,) = endpoint._layer.legs.values()
    leg.bye(1.0)
    (bye,) = endpoint.to_send()
    assert bye.to == natted
    assert bye.data.startswith(b"BYE sip:ann@10.1.2.3:5060 SIP/2.0")


def test_another_port_of_the_same_host_is_followed(endpoint: Endpoint) -> None:
    established(endpoint, FLOW, "<sip:ann@203.0.113.9:5082>")
    (leg,) = endpoint._layer.legs.values()
    leg.bye(1.0)
    assert endpoint.to_send()[0].to == Target("sdn", "udp", "203.0.113.9", 5082, "192.0.2.250")


def test_a_closed_connection_is_opened_anew(endpoint: Endpoint) -> None:
    established(endpoint, TCP, "<sip:ann@203.0.113.9:5070;transport=tcp>")
    (leg,) = endpoint._layer.legs.values()
    endpoint.flow_closed(TCP, 1.0)
    leg.bye(1.0)
    assert endpoint.to_send()[0].to == Target("sdn", "tcp", "203.0.113.9", 5070, "192.0.2.250")


def test_a_new_connection_takes_the_dialog_over(endpoint: Endpoint) -> None:
    to = established(endpoint, TCP)
    newer = Flow("tcp", US, ("203.0.113.9", 40_001), "sdn", 8, US)
    via = "SIP/2.0/TCP 203.0.113.9;branch=z9hG4bKi"
    endpoint.receive(request("INFO", to=to, cseq="2 INFO", via=via), newer, 1.0)
    (event,) = endpoint.events()
    assert isinstance(event, RequestReceived)
    assert event.leg is not None
    event.leg.bye(1.0)
    assert endpoint.to_send()[0].to is newer


def test_a_second_reinvite_waits_its_turn(endpoint: Endpoint) -> None:
    to = established(endpoint)
    for number, status in ((2, None), (3, 500)):
        via = f"SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bKr{number}"
        endpoint.receive(request("INVITE", to=to, cseq=f"{number} INVITE", via=via, body=SDP), FLOW, 1.0)
        answers = [parse(sent.data) for sent in endpoint.to_send()]
        assert [getattr(answer, "status", 0) for answer in answers] == ([status] if status else [])
    assert answers[0].get("retry-after").isdigit()
    assert len(endpoint.events()) == 1


def test_update_during_an_open_offer(endpoint: Endpoint) -> None:
    to = established(endpoint)
    (leg,) = endpoint._layer.legs.values()
    leg.reinvite(1.0, body=SDP)
    endpoint.to_send()
    via = "SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bKu"
    assert answer_to(endpoint, request("UPDATE", to=to, cseq="2 UPDATE", via=via, body=SDP)).status == 491


def test_an_ack_with_the_branch_of_the_invite_is_taken(endpoint: Endpoint) -> None:
    endpoint.receive(request("INVITE", body=SDP), FLOW, 0.0)
    event = endpoint.events()[0]
    assert isinstance(event, IncomingInvite)
    event.leg.answer(0.0, body=SDP)
    to = parse(endpoint.to_send()[0].data).get("to")
    endpoint.receive(request("ACK", to=to), FLOW, 0.0)
    assert isinstance(endpoint.events()[0], Confirmed)
    assert event.leg.state == "up"
