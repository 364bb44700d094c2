"""UPDATE (RFC 3311) between endpoints in memory: before the answer, after it, and where two changes meet."""

from __future__ import annotations

import pytest

from b2bua.sip import (
    Answered,
    ByeReceived,
    Confirmed,
    Endpoint,
    HeaderError,
    IncomingInvite,
    Leg,
    Lost,
    Offered,
    Provisional,
    ReInvite,
    ReInviteAnswered,
    ReInviteFailed,
    RequestReceived,
    Response,
    Settings,
    StateError,
    parse,
)
from b2bua.sip.farewell import close
from tests.b2bua.sip.talk import connect, people
from tests.b2bua.sip.test_endpoint import FLOW
from tests.b2bua.sip.test_endpoint import request as asked
from tests.b2bua.sip.test_prack import early
from tests.b2bua.sip.wire import ANSWER, SDP, CountingIds, Host, Wire, response

OTHER = SDP.replace(b"4000", b"6000")


def test_a_change_by_either_side(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, callee = connect(wire)
    for mover, movers, other, others in ((ann, caller, bob, callee), (bob, callee, ann, caller)):
        assert movers.can_update
        movers.update(wire.now, body=OTHER)
        with pytest.raises(StateError):
            movers.update(wire.now, body=SDP)
        wire.run()
        offered = other.take(Offered)
        assert offered.request.session == OTHER
        assert not others.can_update
        offered.handle.respond(wire.now, body=ANSWER)
        wire.run()
        answered = mover.take(ReInviteAnswered)
        assert answered.response.session == ANSWER
        assert not answered.ack_owed
    caller.bye(wire.now)
    wire.run()
    bob.take(ByeReceived)
    wire.assert_empty()


def test_a_refused_change_leaves_the_session(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, _ = connect(wire)
    caller.update(wire.now, body=OTHER)
    wire.run()
    bob.take(Offered).handle.respond(wire.now, 488)
    wire.run()
    assert ann.take(ReInviteFailed).status == 488
    assert caller.can_update


def test_before_the_answer_both_may_change(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, callee = early(wire)
    ann.take(Provisional)
    assert caller.can_update
    caller.update(wire.now, body=OTHER)
    wire.run()
    bob.take(Offered).handle.respond(wire.now, body=ANSWER)
    wire.run()
    assert ann.take(ReInviteAnswered).response.session == ANSWER
    callee.update(wire.now, body=OTHER)
    wire.run()
    ann.take(Offered).handle.respond(wire.now, body=SDP)
    wire.run()
    assert bob.take(ReInviteAnswered).response.session == SDP
    callee.answer(wire.now, body=ANSWER)
    wire.run()
    assert not ann.take(Answered).response.body
    bob.take(Confirmed)


def test_not_before_the_session_is_settled(wire: Wire) -> None:
    ann, bob = people(wire)
    caller = ann.endpoint.invite(wire.invitation(ann, bob), wire.now)
    wire.run()
    callee = bob.take(IncomingInvite).leg
    callee.ring(wire.now)
    wire.run()
    for leg in (caller, callee):
        assert not leg.can_update
        with pytest.raises(StateError):
            leg.update(wire.now, body=OTHER)


def test_not_with_a_peer_that_takes_none() -> None:
    plain = Settings(allow=("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS"))
    wire = Wire(Host("ann", ("192.0.2.1", 5060)), Host("bob", ("192.0.2.2", 5060), plain))
    caller, _ = connect(wire)
    assert not caller.can_update


def test_two_changes_at_once_are_both_refused(udp: Wire) -> None:
    """RFC 3311 5.2: 491 to an offer that meets ours."""
    ann, bob = people(udp)
    caller, callee = connect(udp)
    caller.update(udp.now, body=OTHER)
    callee.update(udp.now, body=OTHER)
    udp.run()
    assert ann.take(ReInviteFailed).status == 491
    assert bob.take(ReInviteFailed).status == 491
    assert caller.can_update
    assert callee.can_update


def test_an_update_meets_a_reinvite(udp: Wire) -> None:
    ann, bob = people(udp)
    caller, callee = connect(udp)
    caller.reinvite(udp.now, body=OTHER)
    callee.update(udp.now, body=OTHER)
    udp.run()
    assert bob.take(ReInviteFailed).status == 491
    udp.advance(5)  # the re-INVITE met 491 as well, which waits first (RFC 3261 14.1)
    assert len(ann.seen) == 1


def test_a_change_that_is_open_keeps_others_out(udp: Wire) -> None:
    """RFC 3311 5.2, RFC 3261 14.2: 500 with Retry-After."""
    ann, bob = people(udp)
    caller, callee = connect(udp)
    caller.update(udp.now, body=OTHER)
    udp.run()
    offered = bob.take(Offered)
    dialog = caller.dialog
    assert dialog is not None
    for method in ("UPDATE", "INVITE"):
        bob.endpoint.receive(within(caller, method), udp.flow(bob, ann.address), udp.now)
        answer = response(bob.endpoint.to_send()[-1].data)
        assert (answer.status, answer.get("retry-after")) == (500, "5"), method
    offered.handle.respond(udp.now, body=ANSWER)
    udp.run()
    ann.take(ReInviteAnswered)
    assert callee.can_update


def within(leg: Leg, method: str, *more: str, body: bytes = b"") -> bytes:
    """Write a request in the dialog of a leg that the leg would not send."""
    assert leg.dialog is not None
    head, _ = leg.dialog.head(f"hand{leg.dialog.local_seq}")
    lines = [
        f"{method} {head.uri} SIP/2.0",
        f"Via: {head.via}",
        f"From: {head.from_}",
        f"To: {head.to}",
        f"Call-ID: {head.call_id}",
        f"CSeq: {head.number} {method}",
        f"Contact: {leg.who.contact}",
        *more,
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_without_a_description_it_refreshes_the_target(udp: Wire) -> None:
    ann, bob = people(udp)
    caller, callee = connect(udp)
    moved = within(caller, "UPDATE").replace(b"Contact: <sip:ann@", b"Contact: <sip:moved@")
    bob.endpoint.receive(moved, udp.flow(bob, ann.address), udp.now)
    (answer,) = bob.endpoint.to_send()
    assert answer.data.startswith(b"SIP/2.0 200")
    assert not bob.endpoint.events()
    assert callee.dialog is not None
    assert callee.dialog.target.startswith("sip:moved@")


def test_a_body_of_another_type(udp: Wire) -> None:
    ann, bob = people(udp)
    caller, _ = connect(udp)
    data = within(caller, "UPDATE", body=b"hello").replace(b"application/sdp", b"text/plain")
    bob.endpoint.receive(data, udp.flow(bob, ann.address), udp.now)
    answer = response(bob.endpoint.to_send()[-1].data)
    assert (answer.status, answer.get("accept")) == (415, "application/sdp")


def test_a_body_of_another_type_that_may_be_left_aside(udp: Wire) -> None:
    ann, bob = people(udp)
    caller, _ = connect(udp)
    data = within(caller, "UPDATE", "Content-Disposition: x;handling=optional", body=b"hello")
    bob.endpoint.receive(data.replace(b"application/sdp", b"text/plain"), udp.flow(bob, ann.address), udp.now)
    assert response(bob.endpoint.to_send()[-1].data).status == 200
    assert not bob.endpoint.events()


def test_an_offer_before_our_answer_is_too_early() -> None:
    endpoint = Endpoint(CountingIds("x"))
    endpoint.receive(asked("INVITE", body=SDP), FLOW, 0.0)
    (event,) = endpoint.events()
    assert isinstance(event, IncomingInvite)
    event.leg.ring(0.0)
    to = parse(endpoint.to_send()[-1].data).get("to")
    via = "SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bKu"
    endpoint.receive(asked("UPDATE", via=via, to=to, cseq="2 UPDATE", body=SDP), FLOW, 0.0)
    answer = response(endpoint.to_send()[-1].data)
    assert (answer.status, answer.get("retry-after")) == (500, "5")
    assert not endpoint.events()


@pytest.mark.parametrize("status", [408, 481])
def test_a_dialog_the_peer_has_lost(udp: Wire, status: int) -> None:
    ann, bob = people(udp)
    caller, callee = connect(udp)
    caller.update(udp.now, body=OTHER)
    if status == 481:
        close(callee)
    else:
        udp.lose = lambda _line: True
    udp.advance(40)
    assert ann.take(ReInviteFailed).status == status
    assert ann.take(Lost).status == status
    udp.lose = lambda _line: False
    bob.seen.clear()


def test_ending_refuses_what_is_open(udp: Wire) -> None:
    ann, bob = people(udp)
    caller, callee = connect(udp)
    caller.update(udp.now, body=OTHER)
    udp.run()
    offered = bob.take(Offered)
    callee.bye(udp.now)
    udp.run()
    assert ann.take(ReInviteFailed).status == 487  # RFC 3261 15.1.2
    ann.take(ByeReceived)
    offered.handle.respond(udp.now, body=ANSWER)  # too late, and it does no harm
    udp.assert_empty()
    assert not ann.seen


def test_other_requests_reach_the_owner(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, _ = connect(wire)
    caller.request(wire.now, "INFO", body=b"x", content_type="application/dtmf")
    wire.run()
    bob.take(RequestReceived).handle.respond(wire.now)
    caller.reinvite(wire.now, body=OTHER)
    wire.run()
    bob.take(ReInvite)
    assert ann.seen


def test_the_answer_comes_while_an_early_change_is_open(udp: Wire) -> None:
    ann, bob = people(udp)
    caller, callee = early(udp)
    ann.take(Provisional)
    caller.update(udp.now, body=OTHER)
    udp.run()
    offered = bob.take(Offered)
    callee.answer(udp.now)
    udp.run()
    ann.take(Answered)
    bob.take(Confirmed)
    offered.handle.respond(udp.now, body=ANSWER)
    udp.run()
    assert ann.take(ReInviteAnswered).response.session == ANSWER
    assert caller.can_update
    assert callee.can_update


def test_an_answer_to_a_change_is_given_once(udp: Wire) -> None:
    ann, bob = people(udp)
    caller, _ = connect(udp)
    caller.update(udp.now, body=OTHER)
    udp.run()
    offered = bob.take(Offered)
    offered.handle.respond(udp.now, body=ANSWER)
    offered.handle.respond(udp.now, 488)
    udp.run()
    ann.take(ReInviteAnswered)
    assert not ann.seen


def test_a_reinvite_asks_for_no_reliable_answers(udp: Wire) -> None:
    _, bob = people(udp)
    caller, _ = connect(udp)
    caller.reinvite(udp.now, body=OTHER)
    udp.run()
    assert "100rel" not in bob.take(ReInvite).request.tokens("supported")


def test_an_answer_whose_contact_cannot_be_read(udp: Wire) -> None:
    """It counts as no answer: nothing raises, and the leg can change its session again once the change is over."""
    ann, bob = people(udp)
    caller, _ = connect(udp)
    caller.update(udp.now, body=OTHER)
    udp.run()
    bob.take(Offered).handle.respond(udp.now, body=ANSWER)
    (outgoing,) = bob.endpoint.to_send()
    contact = next(line for line in outgoing.data.split(b"\r\n") if line.startswith(b"Contact:"))
    flow = udp.flow(ann, bob.address)
    ann.endpoint.receive(outgoing.data.replace(contact, b"Contact: <sip:bob@x"), flow, udp.now)
    assert ann.endpoint.dropped["unparsable"] == 1
    assert ann.endpoint.events() == []
    ann.endpoint.receive(outgoing.data, flow, udp.now)
    udp.run()
    ann.take(ReInviteAnswered)
    assert caller.can_update


def test_what_an_owner_cannot_read_is_dropped(udp: Wire) -> None:
    """Nothing raises out of `receive`, whatever field a response breaks."""

    class Owner:
        def on_response(self, response: Response) -> None:
            raise HeaderError(f"the Warning of {response.status} cannot be read")

        def on_failure(self, _status: int, _sentence: str) -> None:
            raise AssertionError

    ann, bob = people(udp)
    ann.endpoint.request("OPTIONS", udp.invitation(ann, bob, b""), udp.now)
    (transaction,) = ann.endpoint._layer.clients.values()
    transaction.owner = Owner()
    udp.run()
    bob.take(RequestReceived).handle.respond(udp.now)
    udp.run()
    assert ann.endpoint.dropped["unparsable"] == 1
    udp.assert_empty()
