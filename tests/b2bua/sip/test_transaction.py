"""The transaction machines: their tables are whole, their timers fire when RFC 3261 says."""

from __future__ import annotations

import pytest

from b2bua.sip import Endpoint, Flow, IncomingInvite, RequestReceived, Target, parse
from b2bua.sip.transaction import CLIENT, INVITE_CLIENT, INVITE_SERVER, SERVER, TERMINATED
from tests.b2bua.sip.test_endpoint import FLOW, TCP, TO_PEER, reply, request
from tests.b2bua.sip.wire import CountingIds

TABLES = {"INVITE client": INVITE_CLIENT, "client": CLIENT, "INVITE server": INVITE_SERVER, "server": SERVER}


@pytest.mark.parametrize("name", TABLES)
def test_every_state_can_be_left_and_reached(name: str) -> None:
    table = TABLES[name]
    states = {state for state, _ in table}
    reached = {row[0] for row in table.values()}
    first = next(iter(table))[0]
    assert reached - {TERMINATED} | {first} == states
    assert TERMINATED in reached
    for state in states:
        assert any(row[0] != state for (start, _), row in table.items() if start == state)


def sendings(endpoint: Endpoint) -> list[float]:
    """Run every timer at its moment and note when something was sent."""
    sent = [0.0] * len(endpoint.to_send())
    while (due := endpoint.next_timer()) is not None:
        endpoint.on_timer(due)
        sent += [due] * len(endpoint.to_send())
    return sent


REPEATS = [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
"""Doubling from T1 up to T2, until 64*T1."""


def test_timer_e_repeats_a_request() -> None:
    endpoint = Endpoint(CountingIds("x"))
    endpoint.request("OPTIONS", TO_PEER, 0.0)
    assert sendings(endpoint) == REPEATS
    assert not any(endpoint.sizes.values())


def test_timer_a_repeats_an_invite() -> None:
    endpoint = Endpoint(CountingIds("x"))
    endpoint.invite(TO_PEER, 0.0)
    assert sendings(endpoint) == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]  # doubling without end
    assert not any(endpoint.sizes.values())


def test_a_request_in_progress_is_repeated_every_t2() -> None:
    endpoint = Endpoint(CountingIds("x"))
    endpoint.request("OPTIONS", TO_PEER, 0.0)
    (sent,) = endpoint.to_send()
    endpoint.receive(reply(sent, 100), FLOW, 0.1)
    assert sendings(endpoint) == [0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]


def test_timer_g_repeats_a_refusal() -> None:
    endpoint = Endpoint(CountingIds("x"))
    endpoint.receive(request("INVITE"), FLOW, 0.0)
    event = endpoint.events()[0]
    assert isinstance(event, IncomingInvite)
    event.leg.reject(0.0, 486)
    assert sendings(endpoint) == REPEATS
    assert not any(endpoint.sizes.values())


def test_an_acked_refusal_is_not_repeated() -> None:
    endpoint = Endpoint(CountingIds("x"))
    endpoint.receive(request("INVITE"), FLOW, 0.0)
    event = endpoint.events()[0]
    assert isinstance(event, IncomingInvite)
    event.leg.reject(0.0, 486)
    to = parse(endpoint.to_send()[0].data).get("to")
    endpoint.receive(request("ACK", to=to), FLOW, 0.1)
    assert endpoint.next_timer() == pytest.approx(5.1)  # timer I: T4
    endpoint.on_timer(5.2)
    assert not endpoint.to_send()
    assert not any(endpoint.sizes.values())


def test_nothing_lingers_on_reliable_transports() -> None:
    endpoint = Endpoint(CountingIds("x"))
    via = "SIP/2.0/TCP 203.0.113.9;branch=z9hG4bKa"
    endpoint.receive(request("OPTIONS", via=via), TCP, 0.0)
    event = endpoint.events()[0]
    assert isinstance(event, RequestReceived)
    event.handle.respond(0.0)
    assert len(endpoint.to_send()) == 1
    assert not any(endpoint.sizes.values())


def test_a_retransmitted_request_gets_the_same_answer() -> None:
    endpoint = Endpoint(CountingIds("x"))
    for _ in range(3):
        endpoint.receive(request("OPTIONS"), FLOW, 0.0)
    (event,) = endpoint.events()
    assert isinstance(event, RequestReceived)
    assert not endpoint.to_send()
    event.handle.respond(0.0, 404)
    (answer,) = endpoint.to_send()
    endpoint.receive(request("OPTIONS"), FLOW, 1.0)
    assert endpoint.to_send() == [answer]
    event.handle.respond(2.0, 200)  # one answer is all there is
    assert not endpoint.to_send()


def test_rfc_2543_requests_without_a_cookie_are_matched() -> None:
    endpoint = Endpoint(CountingIds("x"))
    via = "SIP/2.0/UDP 203.0.113.9"
    for _ in range(2):
        endpoint.receive(request("INVITE", via=via), FLOW, 0.0)
    (event,) = endpoint.events()
    assert isinstance(event, IncomingInvite)
    (trying,) = endpoint.to_send()
    assert trying.data.startswith(b"SIP/2.0 100 ")
    event.leg.reject(0.0, 486)
    to = parse(endpoint.to_send()[0].data).get("to")
    endpoint.receive(request("ACK", via=via, to=to), FLOW, 0.0)
    endpoint.on_timer(10.0)
    assert not endpoint.to_send()
    assert not any(endpoint.sizes.values())


def test_branches_of_two_zones_do_not_meet() -> None:
    endpoint = Endpoint(CountingIds("x"))
    endpoint.receive(request("OPTIONS"), FLOW, 0.0)
    other = Flow("udp", ("198.51.100.1", 5060), FLOW.remote, "internet", 2, ("198.51.100.1", 5060))
    endpoint.receive(request("OPTIONS").replace(b"c1", b"c2"), other, 0.0)
    assert len(endpoint.events()) == 2


TCP_TARGET = Target("sdn", "tcp", FLOW.remote[0], FLOW.remote[1])
TCP_FLOW = Flow("tcp", FLOW.local, FLOW.remote, "sdn", 7, FLOW.local)


@pytest.mark.parametrize("path", [TCP_TARGET, TCP_FLOW])
def test_the_transport_gives_up(path: Flow | Target) -> None:
    endpoint = Endpoint(CountingIds("x"))
    handle = endpoint.request("OPTIONS", TO_PEER._replace(destination=path), 0.0)
    (sent,) = endpoint.to_send()
    assert sent.to == path
    endpoint.flow_closed(TCP_FLOW, 0.0)
    (event,) = endpoint.events()
    assert getattr(event, "handle", None) is handle
    assert getattr(event, "status", None) == 503
    endpoint.send_failed(sent._replace(to=path), "late news", 1.0)
    assert not endpoint.events()
    assert not any(endpoint.sizes.values())
