"""Re-INVITEs that are taken back, or never answered: the session stays, and either side can change it afterwards."""

from __future__ import annotations

import pytest

from b2bua import sip
from b2bua.call.call import MAX_RINGING
from tests.b2bua.call.test_calls import ALICE, BOB, Line, answer, bodies, offer, sdp
from tests.b2bua.call.world import Agent
from vdx import pinhole

MOVED = sdp(ALICE, 6100)
SLIDES = ("m=video 6004 RTP/AVP 98", "a=rtpmap:98 H264/90000")


def ask(line: Line, body: bytes) -> None:
    """Let alice change the session; bob does not answer."""
    line.up()
    line.world.wait(1)
    assert line.alice.leg
    line.alice.leg.reinvite(line.world.now, body=body)
    line.world.wait(1)


def withdraw(line: Line) -> None:
    assert line.alice.leg
    line.alice.leg.cancel_reinvite(line.world.now)


def statuses(agent: Agent) -> list[int]:
    return [event.status for event in agent.seen if isinstance(event, sip.ReInviteFailed)]


def changes_again(line: Line, asker: Agent, body: bytes, other: Agent, reply: bytes) -> None:
    assert asker.leg
    asker.seen.clear()
    asker.leg.reinvite(line.world.now, body=body)
    line.world.wait(1)
    answer(other, line.world, reply)
    assert asker.saw(sip.ReInviteAnswered)


def goes_on(line: Line) -> None:
    """Check that the call stands with the streams it had, and that both sides may change it."""
    assert len(line.gateway.calls(line.world.now)) == 1
    assert len(line.ports.open) == 2
    changes_again(line, line.alice, sdp(ALICE, 6100), line.bob, sdp(BOB, 7000))
    changes_again(line, line.bob, sdp(BOB, 7100), line.alice, sdp(ALICE, 6100))
    assert line.alice.leg
    line.alice.leg.bye(line.world.now)
    line.idle()


@pytest.mark.parametrize("body", [MOVED, sdp(ALICE, 6000, *SLIDES), b""])
def test_a_withdrawn_change_is_cancelled_on_the_other_side(body: bytes) -> None:
    line = Line()
    ask(line, body)
    withdraw(line)
    line.world.wait(1)
    assert statuses(line.alice) == [487]
    assert line.bob.saw(sip.Cancelled)
    goes_on(line)


def test_a_change_that_nobody_answers_is_given_up() -> None:
    line = Line()
    ask(line, sdp(ALICE, 6000, *SLIDES))
    line.world.wait(MAX_RINGING)
    assert statuses(line.alice) == [504]
    assert line.bob.saw(sip.Cancelled)
    goes_on(line)


def test_an_answered_change_outlives_its_deadline() -> None:
    line = Line()
    ask(line, MOVED)
    answer(line.bob, line.world, sdp(BOB, 7000))
    line.world.wait(MAX_RINGING + 1)
    assert statuses(line.alice) == []
    goes_on(line)


def test_a_change_withdrawn_and_never_answered_is_abandoned() -> None:
    line = Line()
    ask(line, MOVED)
    line.world.lose = lambda _from, to, data: to[0] == BOB and data.startswith(b"CANCEL")
    withdraw(line)
    line.world.wait(40)
    line.world.lose = lambda _from, _to, _data: False
    assert line.bob.leg
    line.bob.leg.reject(line.world.now, 486)  # far too late: nobody waits for it any more
    line.world.wait(40)
    goes_on(line)


def test_a_change_withdrawn_while_its_streams_are_opened() -> None:
    line = Line()
    line.up()
    line.world.wait(1)
    assert line.alice.leg
    line.world.answers = False
    line.alice.leg.reinvite(line.world.now, body=sdp(ALICE, 6000, *SLIDES))
    line.world.wait(0.3)
    withdraw(line)
    line.world.wait(0.3)
    line.world.answers = True
    lease = line.ports.told[-1]
    assert isinstance(lease, pinhole.Lease)
    line.gateway.on_pinhole(line.ports.ask(lease), line.world.now)
    line.world.settle()
    assert not line.bob.saw(sip.ReInvite)
    goes_on(line)


def test_a_refused_change_is_not_watched() -> None:
    line = Line()
    line.up()
    line.world.wait(1)
    assert line.alice.leg
    assert line.bob.leg
    line.world.answers = False  # the streams of alice's change are not open yet
    line.alice.leg.reinvite(line.world.now, body=sdp(ALICE, 6000, *SLIDES))
    line.world.settle()
    watched = line.gateway.sizes["deadlines"]
    line.bob.leg.reinvite(line.world.now, body=sdp(BOB, 7000))
    line.world.settle()
    assert line.bob.leg.can_reinvite is False  # 491: he waits before he tries again
    assert line.gateway.sizes["deadlines"] == watched


def cross(line: Line, body: bytes, accepted: bytes) -> None:
    """Let bob accept a change that alice has already taken back."""
    ask(line, body)
    line.world.lose = lambda _from, to, data: to[0] == BOB and data.startswith(b"CANCEL")
    withdraw(line)
    line.world.settle()
    line.bob.seen.clear()
    answer(line.bob, line.world, accepted)


def test_an_answer_that_crosses_the_withdrawal_is_taken_back() -> None:
    line = Line()
    cross(line, sdp(ALICE, 6000, "a=inactive"), sdp(BOB, 7000, "a=inactive"))
    offered = line.bob.last(sip.ReInvite)
    assert isinstance(offered, sip.ReInvite)
    assert b"a=inactive" not in offered.request.session
    answer(line.bob, line.world, sdp(BOB, 7200))
    assert not line.alice.saw(sip.ReInvite)  # alice keeps what she has
    changes = [told for told in line.ports.told if isinstance(told, pinhole.SetRemote)][-1].changes
    assert [(change.side, change.remote) for change in changes] == [
        ("b", pinhole.Remote(BOB, 7200)),
        ("b", pinhole.Remote(BOB, 7202)),
    ]
    goes_on(line)


def ended(line: Line) -> None:
    assert [record.ended_by for record in line.world.records] == ["gateway"]
    assert line.alice.saw(sip.ByeReceived)
    assert line.bob.saw(sip.ByeReceived)
    line.idle()


def test_an_accepted_stream_cannot_be_taken_back() -> None:
    line = Line()
    cross(line, sdp(ALICE, 6000, *SLIDES), sdp(BOB, 7000, "m=video 7004 RTP/AVP 98"))
    ended(line)


def test_an_offer_that_crosses_the_withdrawal_ends_the_call() -> None:
    line = Line()
    cross(line, b"", sdp(BOB, 7000))
    ended(line)


@pytest.mark.parametrize("status", [488, 491, 0])
def test_a_session_that_cannot_be_restored_ends_the_call(status: int) -> None:
    line = Line()
    cross(line, MOVED, sdp(BOB, 7000))
    assert line.bob.leg
    if status:
        line.bob.leg.reject(line.world.now, status)
    line.world.wait(MAX_RINGING)
    ended(line)


def test_a_change_withdrawn_after_the_answer_came_ends_the_call() -> None:
    line = Line()
    ask(line, MOVED)
    line.world.answers = False
    answer(line.bob, line.world, sdp(BOB, 7100))  # gatewayd has not set the remote side yet
    withdraw(line)
    line.world.settle()
    line.world.answers = True
    change = line.ports.told[-1]
    assert isinstance(change, pinhole.SetRemote)
    line.gateway.on_pinhole(pinhole.Done(change.id), line.world.now)
    line.world.settle()
    ended(line)


@pytest.mark.parametrize("seconds", [1, 60])  # after a while it is kept packed
def test_a_session_that_is_said_once_more_is_answered_here(seconds: int) -> None:
    line = Line()
    line.up()
    line.world.wait(seconds)
    assert line.alice.leg
    before = sum(isinstance(told, pinhole.Lease | pinhole.SetRemote) for told in line.ports.told)
    for _ in range(2):
        line.alice.seen.clear()
        line.alice.leg.reinvite(line.world.now, body=offer(ALICE))
        line.world.settle()
        answered = line.alice.last(sip.ReInviteAnswered)
        assert isinstance(answered, sip.ReInviteAnswered)
    first, second, third = (body.split(b"\r\n") for body in bodies(line.world, ALICE))
    assert first == second == third  # its version too (RFC 3264 8)
    assert not line.bob.saw(sip.ReInvite)
    assert sum(isinstance(told, pinhole.Lease | pinhole.SetRemote) for told in line.ports.told) == before
    goes_on(line)


def test_what_was_an_answer_is_passed_on_as_an_offer() -> None:
    line = Line()
    line.up()
    line.world.wait(1)
    assert line.bob.leg
    line.bob.leg.reinvite(line.world.now, body=sdp(BOB, 7000))
    line.world.settle()
    assert line.alice.saw(sip.ReInvite)
    answer(line.alice, line.world, offer(ALICE))
    assert line.bob.saw(sip.ReInviteAnswered)
    goes_on(line)
