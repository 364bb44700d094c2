"""Reliable provisional responses (RFC 3262) between endpoints in memory, in virtual time."""

from __future__ import annotations

import pytest

from b2bua.sip import (
    Acknowledged,
    Answered,
    Confirmed,
    Endpoint,
    Failed,
    HeaderError,
    IncomingInvite,
    Leg,
    Lost,
    Offered,
    Provisional,
    Settings,
    StateError,
    Target,
    parse,
)
from b2bua.sip.reliable import RAck, parse_rack
from tests.b2bua.sip.talk import people, ring
from tests.b2bua.sip.test_endpoint import FLOW, PEER, US
from tests.b2bua.sip.test_endpoint import request as asked
from tests.b2bua.sip.wire import ANSWER, SDP, CountingIds, Host, LoseFirst, Wire

OTHER = SDP.replace(b"4000", b"6000")


def early(wire: Wire, body: bytes = SDP, described: bytes = ANSWER) -> tuple[Leg, Leg]:
    """Call and answer early: the caller's and the callee's leg, the PRACK has been there."""
    ann, bob = people(wire)
    caller = ann.endpoint.invite(wire.invitation(ann, bob, body=body), wire.now)
    wire.run()
    callee = bob.take(IncomingInvite).leg
    callee.ring(wire.now, 183, body=described)
    wire.run()
    return caller, callee


def test_an_early_answer_is_acknowledged_and_final(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, callee = early(wire)
    event = ann.take(Provisional)
    assert event.reliable
    assert not event.prack_owed
    assert event.response.session == ANSWER
    assert "bob 200 PRACK" in wire.log
    callee.ring(wire.now)  # without a body there is no need
    wire.run()
    assert not ann.take(Provisional).reliable
    callee.answer(wire.now, body=ANSWER)
    wire.run()
    answered = ann.take(Answered)
    assert not answered.response.body  # it stands in one response only
    assert not answered.ack_owed
    assert bob.take(Confirmed).initial
    assert caller.state == callee.state == "up"
    caller.bye(wire.now)
    wire.run()
    wire.assert_empty()


def test_a_lost_reliable_response_is_repeated_until_its_prack(udp: Wire) -> None:
    udp.lose = LoseFirst("bob 183 INVITE", 3)
    ann, _ = people(udp)
    _, callee = ring(udp)  # else repeated INVITEs would bring it too
    callee.ring(udp.now, 183, body=ANSWER)
    udp.run()
    assert not ann.seen
    udp.advance(3.4)  # 0.5, 1, 2
    assert udp.log.count("bob 183 INVITE") == 3
    udp.advance(0.2)
    assert udp.log.count("bob 183 INVITE") == 4
    assert ann.take(Provisional).reliable
    udp.advance(10)
    assert udp.log.count("bob 183 INVITE") == 4
    assert not ann.seen


def test_a_lost_prack_is_repeated_and_told_once(udp: Wire) -> None:
    udp.lose = LoseFirst("ann PRACK PRACK", 2)
    ann, _ = people(udp)
    early(udp)
    udp.advance(10)
    ann.take(Provisional)
    assert not ann.seen
    assert udp.log.count("bob 200 PRACK") == 1


def test_no_prack_ends_the_call(wire: Wire) -> None:
    wire.lose = LoseFirst("ann PRACK PRACK", 100)
    ann, bob = people(wire)
    early(wire)
    wire.advance(40)
    assert bob.take(Lost).status == 504
    ann.take(Provisional)
    assert ann.take(Failed).status == 504
    wire.assert_empty()


def test_the_answer_waits_for_the_prack(udp: Wire) -> None:
    udp.lose = LoseFirst("ann PRACK PRACK")
    ann, bob = people(udp)
    _, callee = early(udp)
    callee.answer(udp.now, body=ANSWER)
    with pytest.raises(StateError):
        callee.answer(udp.now, body=ANSWER)
    udp.run()
    assert "bob 200 INVITE" not in udp.log
    udp.advance(1)
    assert udp.log.index("bob 200 PRACK") < udp.log.index("bob 200 INVITE")
    ann.take(Provisional)
    ann.take(Answered)
    bob.take(Confirmed)


def test_a_refusal_does_not_wait(udp: Wire) -> None:
    udp.lose = LoseFirst("ann PRACK PRACK", 100)
    ann, _ = people(udp)
    _, callee = early(udp)
    callee.answer(udp.now, body=ANSWER)
    callee.reject(udp.now, 480)
    udp.run()
    ann.take(Provisional)
    assert ann.take(Failed).status == 480
    udp.lose = lambda _line: False
    udp.assert_empty()


def test_one_is_under_way_at_a_time(udp: Wire) -> None:
    ann, bob = people(udp)
    invitation = udp.invitation(ann, bob)._replace(headers=[("Require", "100rel")])
    ann.endpoint.invite(invitation, udp.now)
    udp.run()
    callee = bob.take(IncomingInvite).leg
    udp.lose = LoseFirst("ann PRACK PRACK")
    for status in (180, 182, 183):  # the peer requires it: without a body too
        callee.ring(udp.now, status)
    udp.run()
    assert "bob 182 INVITE" not in udp.log
    udp.advance(1)
    events = [ann.take(Provisional) for _ in range(3)]
    assert [event.response.status for event in events] == [180, 182, 183]
    numbers = [int(event.response.get("rseq")) for event in events]
    assert numbers == list(range(numbers[0], numbers[0] + 3))


def test_a_late_offer_in_a_reliable_response(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, callee = early(wire, body=b"", described=SDP)
    event = ann.take(Provisional)
    assert event.prack_owed
    assert event.response.session == SDP
    assert "ann PRACK PRACK" not in wire.log
    caller.prack(wire.now, ANSWER)
    wire.run()
    assert bob.take(Acknowledged).request.session == ANSWER
    callee.answer(wire.now, body=SDP)
    wire.run()
    answered = ann.take(Answered)
    assert not answered.ack_owed
    assert not answered.response.body
    bob.take(Confirmed)
    with pytest.raises(StateError):
        caller.prack(wire.now, ANSWER)


def test_an_offer_needs_a_peer_that_takes_it(wire: Wire) -> None:
    ann, bob = people(wire)
    invitation = wire.invitation(ann, bob, body=b"")._replace(reliable=False)
    ann.endpoint.invite(invitation, wire.now)
    wire.run()
    callee = bob.take(IncomingInvite).leg
    assert not callee.takes_reliable
    with pytest.raises(StateError):
        callee.ring(wire.now, 183, body=SDP)
    callee.ring(wire.now)
    wire.run()
    assert not ann.take(Provisional).reliable


def test_an_offer_in_a_prack_is_answered() -> None:
    """RFC 3262 5: a UAC may offer anew in the PRACK; ours does not, so the bytes are written here."""
    bob = Host("bob", US)
    bob.endpoint.receive(asked("INVITE", "Supported: 100rel", body=SDP), FLOW, 0.0)
    (event,) = bob.endpoint.events()
    assert isinstance(event, IncomingInvite)
    event.leg.ring(0.0, 183, body=ANSWER)
    sent = parse(bob.endpoint.to_send()[-1].data)
    prack = within(sent.get("to"), sent.get("rseq"), OTHER)
    bob.endpoint.receive(prack, FLOW, 0.0)
    (offered,) = bob.endpoint.events()
    assert isinstance(offered, Offered)
    assert offered.request.session == OTHER
    offered.handle.respond(0.0, body=ANSWER)
    answer = parse(bob.endpoint.to_send()[-1].data)
    assert (answer.cseq.method, answer.session) == ("PRACK", ANSWER)
    bob.endpoint.receive(prack.replace(b"z9hG4bKprack", b"z9hG4bKagain"), FLOW, 0.0)
    assert b"SIP/2.0 481" in bob.endpoint.to_send()[-1].data  # acknowledged already


def within(to: str, rseq: str, body: bytes) -> bytes:
    """Write a PRACK as the peer of `asked` would."""
    invite = parse(asked("INVITE"))
    number = invite.cseq.number
    lines = [
        f"PRACK sip:room@{US[0]} SIP/2.0",
        f"Via: SIP/2.0/UDP {PEER[0]};branch=z9hG4bKprack",
        f"From: {invite.get('from')}",
        f"To: {to}",
        f"Call-ID: {invite.call_id}",
        f"CSeq: {number + 1} PRACK",
        f"RAck: {rseq} {number} INVITE",
        "Content-Type: application/sdp",
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def test_out_of_order_responses_wait(udp: Wire) -> None:
    """RFC 3262 4: a gap means that one is still to come; it is neither told nor acknowledged."""
    ann, bob = people(udp)
    ann.endpoint.invite(udp.invitation(ann, bob), udp.now)
    invite = parse(ann.endpoint.to_send()[0].data)
    flow = udp.flow(ann, bob.address)
    for number, told in ((7, 1), (9, 0), (7, 0), (8, 1), (9, 1)):
        ann.endpoint.receive(reliable(invite.lines, number), flow, 0.0)
        events = ann.endpoint.events()
        assert len(events) == told, number
        pracks = [parse(out.data).get("rack") for out in ann.endpoint.to_send()]
        assert pracks == [f"{number} 1 INVITE"] * told


def reliable(lines: list[str], number: int, tag: str = "b") -> bytes:
    kept = [f"{line};tag={tag}" if line.startswith("To:") else line for line in lines if line[:2] in {"Vi", "Fr", "To"}]
    kept += [line for line in lines if line.startswith(("Call-ID", "CSeq"))]
    kept += ["Contact: <sip:room@192.0.2.2>", "Require: 100rel", f"RSeq: {number}", "Content-Length: 0"]
    return ("SIP/2.0 180 Ringing\r\n" + "\r\n".join(kept) + "\r\n\r\n").encode()


def test_forks_count_for_themselves(udp: Wire) -> None:
    ann, bob = people(udp)
    ann.endpoint.invite(udp.invitation(ann, bob), udp.now)
    invite = parse(ann.endpoint.to_send()[0].data)
    flow = udp.flow(ann, bob.address)
    for number, tag in ((7, "b"), (100, "c"), (8, "b")):
        ann.endpoint.receive(reliable(invite.lines, number, tag), flow, 0.0)
        (out,) = ann.endpoint.to_send()
        prack = parse(out.data)
        assert (prack.to.tag, prack.get("rack")) == (tag, f"{number} 1 INVITE")


@pytest.mark.parametrize("number", ["", "0", "x", "99999999999"])
def test_a_broken_rseq_is_dropped(udp: Wire, number: str) -> None:
    ann, bob = people(udp)
    ann.endpoint.invite(udp.invitation(ann, bob), udp.now)
    invite = parse(ann.endpoint.to_send()[0].data)
    data = reliable(invite.lines, 1).replace(b"RSeq: 1", f"RSeq: {number}".encode())
    ann.endpoint.receive(data, udp.flow(ann, bob.address), 0.0)
    assert not ann.endpoint.events()
    assert not ann.endpoint.to_send()


def test_a_prack_for_nothing(wire: Wire) -> None:
    ann, bob = people(wire)
    ann.endpoint.invite(wire.invitation(ann, bob), wire.now)
    wire.run()
    callee = bob.take(IncomingInvite).leg
    callee.ring(wire.now)
    wire.run()
    ann.take(Provisional)
    early_leg = callee.layer.legs[callee.id]
    assert early_leg.takes_reliable
    assert "ann PRACK PRACK" not in wire.log


def test_a_peer_without_it_is_not_asked_for_it() -> None:
    plain = Settings(supported=frozenset())
    wire = Wire(Host("ann", ("192.0.2.1", 5060), plain), Host("bob", ("192.0.2.2", 5060)))
    ann, _ = people(wire)
    early(wire)
    assert not ann.take(Provisional).reliable


def test_rack() -> None:
    assert parse_rack("776656 1  INVITE") == RAck(776656, 1, "INVITE")
    for broken in ("", "1 INVITE", "x 1 INVITE", "1 2 3 4", "-1 1 INVITE"):
        with pytest.raises(HeaderError):
            parse_rack(broken)


def test_the_first_number_leaves_room() -> None:
    """RFC 3262 3: from 1 to 2**31-1, by chance."""
    for fraction, expected in ((0.0, 1), (0.999999, 2**30)):
        endpoint = Endpoint(CountingIds("bob", fraction))
        endpoint.receive(asked("INVITE", "Supported: 100rel", body=SDP), FLOW, 0.0)
        (event,) = endpoint.events()
        assert isinstance(event, IncomingInvite)
        event.leg.ring(0.0, 183, body=ANSWER)
        number = int(parse(endpoint.to_send()[-1].data).get("rseq"))
        assert 1 <= number <= expected


def test_targets_are_flows_or_addresses(udp: Wire) -> None:
    """The PRACK goes where the early dialog is, not where the INVITE was sent."""
    ann, bob = people(udp)
    ann.endpoint.invite(udp.invitation(ann, bob), udp.now)
    (invite,) = ann.endpoint.to_send()
    assert isinstance(invite.to, Target)
    ann.endpoint.receive(reliable(parse(invite.data).lines, 1), udp.flow(ann, bob.address), 0.0)
    (prack,) = ann.endpoint.to_send()
    assert prack.to == udp.flow(ann, bob.address)
