"""Attended transfers through a gateway, and callers that take the place of their own peer (RFC 3891)."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from b2bua import sip
from tests.b2bua.call.test_calls import ALICE, BOB, NET, SDN, answer, invitation, offer, sdp
from tests.b2bua.call.test_transfer import CAROL, Party, bodies
from tests.b2bua.call.world import Agent


def replacing(leg: sip.Leg, host: str, user: str) -> str:
    """Write a Refer-To that names the dialog of a leg, as its far end knows it."""
    assert leg.dialog
    value = f"{leg.call_id};to-tag={leg.dialog.remote_tag};from-tag={leg.id}"
    return f"<sip:{user}@{host}?Replaces={quote(value, safe='')}>"


def consult(line: Party) -> sip.Leg:
    """Alice talks to Bob and calls Carol too: her leg to Carol."""
    line.up()
    first = line.alice.leg
    second = line.dial(offer(ALICE), user="carol")
    answer(line.carol, line.world, sdp(CAROL, 9000))
    line.alice.leg = first
    assert len(line.gateway.calls(line.world.now)) == 2
    return second


def test_an_attended_transfer_joins_two_calls() -> None:
    line = Party()
    second = consult(line)
    assert line.refer(line.alice, replacing(second, SDN, "carol")).status == 202
    event = line.carol.last(sip.ReInvite)
    assert isinstance(event, sip.ReInvite)
    assert not event.request.body
    answer(line.carol, line.world, sdp(CAROL, 9000))
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert line.progress(line.alice)[-1] == "200 OK"
    (info,) = line.gateway.calls(line.world.now)
    assert {info.caller.peer, info.callee and info.callee.peer} == {"practice", "clinic"}
    assert second.ended
    assert line.alice.leg
    assert line.alice.leg.ended
    assert len(line.ports.open) == 2
    assert line.world.records[0].why.startswith("transferred: joined to call")
    origins = [next(row for row in body.split(b"\r\n") if row[:2] == b"o=").split()[1] for body in bodies(line, CAROL)]
    assert len(set(origins)) == 1  # one dialog, one origin
    assert line.bob.leg
    line.bob.leg.bye(line.world.now)
    line.world.settle()
    assert line.carol.saw(sip.ByeReceived)
    line.everybody_idle()


def test_an_attended_transfer_that_is_refused_leaves_both_calls() -> None:
    line = Party()
    second = consult(line)
    line.refer(line.alice, replacing(second, SDN, "carol"))
    answer(line.carol, line.world, sdp(CAROL, 9000))
    assert line.bob.leg
    line.bob.leg.reject(line.world.now, 488)
    line.world.settle()
    assert line.progress(line.alice)[-1] == "488 Not Acceptable Here"
    assert len(line.gateway.calls(line.world.now)) == 2
    answer(line.carol, line.world, sdp(CAROL, 9000))  # she is given the session she had
    assert len(line.gateway.calls(line.world.now)) == 2
    assert len(line.ports.open) == 4
    second.bye(line.world.now)
    line.everybody_idle()


def test_the_newcomer_hangs_up_while_it_is_joined() -> None:
    line = Party()
    second = consult(line)
    line.refer(line.alice, replacing(second, SDN, "carol"))
    assert line.carol.leg
    line.carol.leg.bye(line.world.now)
    line.world.settle()
    assert line.progress(line.alice)[-1] == "487 Request Terminated"  # what her re-INVITE met
    assert second.ended
    assert len(line.gateway.calls(line.world.now)) == 1
    line.everybody_idle()


def test_only_own_calls_can_be_joined() -> None:
    line = Party()
    line.up()
    other = line.carol.core.invite(invitation(line.carol, NET, "bob2", "udp", sdp(CAROL, 9000)), line.world.now)
    line.world.settle()
    bob = line.bob.leg
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert other.state == "up"
    line.refer(line.alice, replacing(other, SDN, "bob"))  # she has overheard the tags of carol's call
    assert line.progress(line.alice)[-1] == "403 Forbidden"
    assert len(line.gateway.calls(line.world.now)) == 2
    other.bye(line.world.now)
    assert bob
    line.everybody_idle()


def test_the_first_call_outlives_a_consultation_that_ends_while_they_are_joined() -> None:
    line = Party()
    second = consult(line)
    line.refer(line.alice, replacing(second, SDN, "carol"))
    answer(line.carol, line.world, sdp(CAROL, 9000))
    assert line.bob.saw(sip.ReInvite)
    (ident,) = [one.call for one in line.gateway.calls(line.world.now) if one.callee and one.callee.peer == "practice"]
    line.gateway.hang_up(ident, "operator", line.world.now)
    line.world.settle()
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert len(line.gateway.calls(line.world.now)) == 1
    assert not line.bob.saw(sip.ByeReceived)
    assert line.progress(line.alice)[-1] == "487 Request Terminated"
    assert line.alice.leg
    assert line.alice.leg.state == "up"
    assert line.carol.saw(sip.ByeReceived)
    answer(line.bob, line.world, sdp(BOB, 7000))  # he is given the session he had
    assert len(line.ports.open) == 2
    line.everybody_idle()


# INVITE with Replaces


def take_over(line: Party, leg: sip.Leg, by_whom: Agent, more: str = "", body: bytes | None = b"") -> sip.Leg:
    assert leg.dialog
    value = f"{leg.call_id};to-tag={leg.dialog.remote_tag};from-tag={leg.id}{more}"
    host = SDN if by_whom.address[0] == ALICE else NET
    body = offer(ALICE) if body == b"" else body
    asked = invitation(by_whom, host, "bob", "udp", body, headers=[("Replaces", value)])
    leg = by_whom.core.invite(asked, line.world.now)
    line.world.settle()
    return leg


def test_an_invite_takes_the_place_of_its_own_peer() -> None:
    """Alice's other device picks the call up."""
    line = Party()
    line.up()
    first = line.alice.leg
    assert first
    second = take_over(line, first, line.alice)
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert second.state == "up"
    assert first.ended
    assert line.alice.saw(sip.ByeReceived)
    assert len(line.gateway.calls(line.world.now)) == 1
    assert len(line.ports.open) == 2
    line.alice.leg = second
    line.everybody_idle()


@pytest.mark.parametrize(("more", "status"), [(";early-only", 486), ("x", 481), (";to-tag=again", 400)])
def test_a_replaces_that_does_not_fit(more: str, status: int) -> None:
    line = Party()
    line.up()
    assert line.alice.leg
    take_over(line, line.alice.leg, line.alice, more)
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == status
    assert not line.bob.saw(sip.ReInvite)
    line.everybody_idle()


def test_nobody_takes_the_place_of_another_peer() -> None:
    line = Party()
    line.up()
    assert line.alice.leg
    take_over(line, line.alice.leg, line.carol)
    failed = line.carol.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 403
    line.everybody_idle()


def test_a_place_is_taken_with_an_offer_only() -> None:
    line = Party()
    line.up()
    assert line.alice.leg
    take_over(line, line.alice.leg, line.alice, body=None)
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 488
    line.everybody_idle()


def test_a_place_in_a_call_that_rings_cannot_be_taken() -> None:
    line = Party()
    first = line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.ring(line.world.now)
    line.world.settle()
    provisional = line.alice.last(sip.Provisional)
    assert isinstance(provisional, sip.Provisional)
    first.dialog = first.forks[provisional.to_tag]
    take_over(line, first, line.alice)
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 481
    first.dialog = None
    line.alice.leg = None
    first.cancel(line.world.now)
    line.world.settle()
    line.idle()


def test_a_picture_request_while_two_are_joined_is_nobodys() -> None:
    line = Party()
    second = consult(line)
    line.refer(line.alice, replacing(second, SDN, "carol"))
    assert line.carol.leg
    line.carol.leg.request(line.world.now, "INFO", body=b"x", content_type="application/media_control+xml")
    line.world.settle()
    answered = line.carol.last(sip.RequestAnswered)
    assert isinstance(answered, sip.RequestAnswered)
    assert answered.status == 415
    assert line.gateway.counts["faults"] == 0
    answer(line.carol, line.world, sdp(CAROL, 9000))
    answer(line.bob, line.world, sdp(BOB, 7000))
    line.everybody_idle()
