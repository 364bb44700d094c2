"""Changes of a session, and offers that come late, between endpoints in memory, in virtual time."""

from __future__ import annotations

import pytest

from b2bua.sip import (
    Answered,
    ByeReceived,
    Cancelled,
    Confirmed,
    IncomingInvite,
    Lost,
    ReInvite,
    ReInviteAnswered,
    ReInviteFailed,
    ReInviteRetry,
    StateError,
)
from b2bua.sip.farewell import close
from tests.b2bua.sip.talk import connect, people
from tests.b2bua.sip.wire import ANSWER, SDP, Wire


def test_late_offer(wire: Wire) -> None:
    ann, bob = people(wire)
    caller = ann.endpoint.invite(wire.invitation(ann, bob, body=b""), wire.now)
    wire.run()
    incoming = bob.take(IncomingInvite)
    assert not incoming.request.body
    incoming.leg.answer(wire.now, body=SDP)
    wire.run()
    answered = ann.take(Answered)
    assert answered.ack_owed
    assert answered.response.session == SDP
    wire.advance(3)  # the 200 is repeated meanwhile, which tells nothing new
    assert not ann.seen
    caller.ack(wire.now, body=ANSWER)
    wire.run()
    assert bob.take(Confirmed).request.session == ANSWER
    with pytest.raises(StateError):
        caller.ack(wire.now)


def test_reinvite_by_either_side(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, callee = connect(wire)
    for mover, movers, other, others in ((ann, caller, bob, callee), (bob, callee, ann, caller)):
        movers.reinvite(wire.now, body=SDP)
        wire.run()
        assert other.take(ReInvite).request.session == SDP
        others.answer(wire.now, body=ANSWER)
        wire.run()
        assert mover.take(ReInviteAnswered).response.session == ANSWER
        assert not other.take(Confirmed).initial
        assert movers.can_reinvite
        assert others.can_reinvite
    caller.bye(wire.now)
    wire.run()
    bob.take(ByeReceived)
    wire.assert_empty()


def test_reinvite_with_a_late_offer(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, callee = connect(wire)
    callee.reinvite(wire.now)
    wire.run()
    assert not ann.take(ReInvite).request.body
    caller.answer(wire.now, body=SDP)
    wire.run()
    assert bob.take(ReInviteAnswered).ack_owed
    wire.advance(3)  # the 200 is repeated meanwhile, which tells nothing new
    assert not bob.seen
    callee.ack(wire.now, body=ANSWER)
    wire.run()
    assert ann.take(Confirmed).request.session == ANSWER


def test_refused_reinvite_keeps_the_call(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, callee = connect(wire)
    caller.reinvite(wire.now, body=SDP)
    wire.run()
    bob.take(ReInvite)
    callee.reject(wire.now, 488)
    wire.run()
    assert ann.take(ReInviteFailed).status == 488
    assert caller.state == callee.state == "up"
    assert caller.can_reinvite


def test_glare(wire: Wire) -> None:
    """Both re-INVITE at once: both get 491, the callee may try again first (RFC 3261 14.1)."""
    ann, bob = people(wire)
    caller, callee = connect(wire)
    caller.reinvite(wire.now, body=SDP)
    callee.reinvite(wire.now, body=SDP)
    wire.run()
    assert not ann.seen
    assert not bob.seen
    wire.advance(1.01)
    assert bob.take(ReInviteRetry).leg is callee
    assert not ann.seen
    wire.advance(2.1)
    assert ann.take(ReInviteRetry).leg is caller
    assert caller.can_reinvite
    assert callee.can_reinvite


def test_reinvite_without_answer_loses_the_call(udp: Wire) -> None:
    ann, _ = people(udp)
    caller, _ = connect(udp)
    udp.lose = lambda line: line.startswith("bob")
    caller.reinvite(udp.now, body=SDP)
    udp.advance(33)
    assert ann.take(ReInviteFailed).status == 408
    assert ann.take(Lost).status == 408


def test_a_peer_that_forgot_the_call(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, callee = connect(wire)
    close(callee)  # it restarted
    caller.reinvite(wire.now, body=SDP)
    wire.run()
    assert ann.take(ReInviteFailed).status == 481
    assert ann.take(Lost).status == 481
    assert not bob.seen
    wire.assert_empty()


def test_cancelled_reinvite_keeps_the_call(wire: Wire) -> None:
    _, bob = people(wire)
    caller, callee = connect(wire)
    caller.reinvite(wire.now, body=SDP)
    wire.advance(0.3)
    bob.take(ReInvite)
    assert caller.outgoing is not None
    caller.outgoing.cancel()
    wire.run()
    assert not bob.take(Cancelled).initial
    assert callee.state == "up"
