"""Requests too large for a datagram: over TCP, back to UDP where TCP is refused (RFC 3261 18.1.1)."""

from __future__ import annotations

from b2bua.sip import Answered, Endpoint, Failed, Flow, Invitation, Target, parse
from b2bua.sip.large import LARGEST_DATAGRAM, REFUSED_SECONDS, Beside
from tests.b2bua.sip.wire import CountingIds

UDP = Target("sdn", "udp", "203.0.113.9", 5060, "192.0.2.250")
TCP = Target("sdn", "tcp", "203.0.113.9", 5060, "192.0.2.250")
FLOW = Flow("tcp", ("192.0.2.250", 5060), ("203.0.113.9", 5060), "sdn", 7, ("192.0.2.250", 5062))
LARGE, SMALL = b"v=0\r\n" * 300, b"v=0\r\n"


def endpoint() -> Endpoint:
    made = Endpoint(CountingIds("x"))
    made.widen(lambda to: Beside(TCP, FLOW.sent_by) if to.transport == "udp" else None)
    return made


def invitation(body: bytes) -> Invitation:
    return Invitation(UDP, "sip:room@203.0.113.9", "<sip:a@x>", "<sip:room@y>", ("192.0.2.250", 5060), body=body)


def answer(data: bytes, status: str) -> bytes:
    request = parse(data)
    lines = "".join(f"{name}: {request.get(name)}\r\n" for name in ("via", "from", "call-id", "cseq"))
    contact = "Contact: <sip:room@203.0.113.9>\r\n"
    return f"SIP/2.0 {status}\r\n{lines}To: {request.get('to')};tag=t\r\n{contact}Content-Length: 0\r\n\r\n".encode()


def test_a_small_request_stays_a_datagram() -> None:
    one = endpoint()
    one.invite(invitation(SMALL), 0.0)
    (sent,) = one.to_send()
    assert sent.to == UDP
    assert len(sent.data) <= LARGEST_DATAGRAM


def test_a_large_one_goes_over_tcp_and_its_dialog_stays_there() -> None:
    one = endpoint()
    leg = one.invite(invitation(LARGE), 0.0)
    (sent,) = one.to_send()
    assert sent.to == TCP
    assert parse(sent.data).get("via").startswith("SIP/2.0/TCP 192.0.2.250:5062;rport;branch=")
    one.on_timer(3.0)
    assert not one.to_send()  # nothing is repeated on a stream
    one.receive(answer(sent.data, "200 OK"), FLOW, 3.0)
    assert any(isinstance(event, Answered) for event in one.events())
    (ack,) = one.to_send()
    assert ack.to == FLOW
    assert parse(ack.data).get("via").startswith("SIP/2.0/TCP 192.0.2.250:5062;")
    one.flow_closed(FLOW, 4.0)
    leg.bye(5.0)
    (bye,) = one.to_send()
    assert bye.to == UDP  # where the dialog began
    assert parse(bye.data).get("via").startswith("SIP/2.0/UDP 192.0.2.250:5060;")


def test_the_ack_and_the_cancel_go_the_same_way() -> None:
    one = endpoint()
    leg = one.invite(invitation(LARGE), 0.0)
    (sent,) = one.to_send()
    one.receive(answer(sent.data, "180 Ringing"), FLOW, 1.0)
    leg.cancel(2.0)
    (cancel,) = one.to_send()
    assert (cancel.to, parse(cancel.data).get("via")) == (TCP, parse(sent.data).get("via"))
    one.receive(answer(sent.data, "487 Request Terminated"), FLOW, 3.0)
    (ack,) = one.to_send()
    assert (ack.to, parse(ack.data).get("via")) == (TCP, parse(sent.data).get("via"))


def test_where_tcp_is_refused_it_goes_back_to_udp_and_that_is_remembered() -> None:
    one = endpoint()
    one.invite(invitation(LARGE), 0.0)
    (sent,) = one.to_send()
    one.send_failed(sent, "connection refused", 0.1)
    (again,) = one.to_send()
    assert again.to == UDP
    assert parse(again.data).get("via").startswith("SIP/2.0/UDP 192.0.2.250:5060;")
    assert parse(again.data).via.branch == parse(sent.data).via.branch
    one.on_timer(0.7)
    assert [repeated.data for repeated in one.to_send()] == [again.data]
    one.send_failed(again, "no route", 1.0)
    assert [type(event) for event in one.events()] == [Failed]
    one.invite(invitation(LARGE), 10.0)
    assert [each.to for each in one.to_send()] == [UDP]
    one.invite(invitation(LARGE), 0.2 + REFUSED_SECONDS)
    assert TCP in [each.to for each in one.to_send()]


def test_nothing_is_left() -> None:
    one = endpoint()
    one.invite(invitation(LARGE), 0.0)
    (sent,) = one.to_send()
    one.flow_closed(FLOW, 0.1)  # before any answer: the connection to that place ended
    (again,) = one.to_send()
    assert again.to == UDP
    one.receive(answer(again.data, "486 Busy"), FLOW, 0.2)
    one.to_send()
    one.on_timer(100.0)
    assert not any(one.sizes.values()), one.sizes
    assert sent.key == again.key
