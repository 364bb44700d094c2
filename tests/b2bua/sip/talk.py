"""How two endpoints come to talk: who they are, ringing, and a call that is up."""

from __future__ import annotations

from b2bua.sip import Answered, Confirmed, IncomingInvite, Leg, Provisional
from tests.b2bua.sip.wire import ANSWER, SDP, Host, Wire


def people(wire: Wire) -> tuple[Host, Host]:
    ann, bob = wire.hosts.values()
    return ann, bob


def ring(wire: Wire) -> tuple[Leg, Leg]:
    """Call and let it ring: the caller's and the callee's leg."""
    ann, bob = people(wire)
    caller = ann.endpoint.invite(wire.invitation(ann, bob), wire.now)
    wire.run()
    incoming = bob.take(IncomingInvite)
    assert incoming.request.session == SDP
    incoming.leg.ring(wire.now)
    wire.run()
    assert ann.take(Provisional).response.status == 180
    return caller, incoming.leg


def connect(wire: Wire) -> tuple[Leg, Leg]:
    """Call, ring and answer: the caller's and the callee's leg, up."""
    ann, bob = people(wire)
    caller, callee = ring(wire)
    callee.answer(wire.now, body=ANSWER)
    wire.run()
    answered = ann.take(Answered)
    assert answered.response.session == ANSWER
    assert not answered.ack_owed
    assert bob.take(Confirmed).initial
    assert caller.state == callee.state == "up"
    return caller, callee
