"""Reliable early answers, UPDATE and session timers through a gateway: each leg by what its own peer can do."""

from __future__ import annotations

import re

import pytest

from b2bua import sip
from b2bua.sip.session_timer import session_expires
from tests.b2bua.call.test_calls import ALICE, BOB, NET, SDN, Line, answer, offer, sdp
from tests.b2bua.call.world import Agent, Counting
from vdx import pinhole

BASIC = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS")
PLAIN = sip.Settings(supported=frozenset(), allow=BASIC)


def be(agent: Agent, settings: sip.Settings) -> None:
    """Make a user agent one of less ability."""
    agent.core = sip.Endpoint(Counting(agent.name), settings)


def ring(line: Line, body: bytes) -> sip.Leg:
    leg = line.bob.leg
    assert leg
    leg.ring(line.world.now, 183, body=body)
    line.world.settle()
    return leg


def early(line: Line) -> tuple[sip.Leg, sip.Leg]:
    """Call and answer early: the legs of alice and bob."""
    caller = line.dial(offer(ALICE))
    return caller, ring(line, sdp(BOB, 7000))


def sent(line: Line, host: str, start: bytes) -> list[sip.Message]:
    return [sip.parse(data) for _, to, data in line.world.wire if to[0] == host and data.startswith(start)]


def remotes(line: Line, side: str) -> list[int]:
    """Give the audio ports that `gatewayd` was told of for a side."""
    changes = [change for told in line.ports.told if isinstance(told, pinhole.SetRemote) for change in told.changes]
    return [change.remote.port for change in changes if change.side == side and change.remote]


def hang_up(line: Line) -> None:
    assert line.alice.leg
    line.alice.leg.bye(line.world.now)
    line.idle()


def test_an_early_answer_is_confirmed_on_both_sides() -> None:
    line = Line()
    _, callee = early(line)
    provisional = line.alice.last(sip.Provisional)
    assert isinstance(provisional, sip.Provisional)
    assert provisional.reliable
    assert provisional.response.session
    assert len(sent(line, BOB, b"PRACK")) == len(sent(line, SDN, b"PRACK")) == 1
    callee.answer(line.world.now, body=sdp(BOB, 7000))
    line.world.settle()
    answered = line.alice.last(sip.Answered)
    assert isinstance(answered, sip.Answered)
    assert not answered.response.body
    assert len(line.gateway.calls(line.world.now)[0].streams) == 2
    hang_up(line)


@pytest.mark.parametrize("asker", ["alice", "bob"])
def test_the_session_changes_before_the_answer(asker: str) -> None:
    line = Line()
    legs = dict(zip(("alice", "bob"), early(line), strict=True))
    new = {"alice": sdp(ALICE, 6100), "bob": sdp(BOB, 7100)}
    other = "bob" if asker == "alice" else "alice"
    legs[asker].update(line.world.now, body=new[asker])
    line.world.settle()
    offered = getattr(line, other).last(sip.Offered)
    assert re.search(rb"198\.18\.1|198\.51", offered.request.body) is None
    offered.handle.respond(line.world.now, body=offer(ALICE) if other == "alice" else sdp(BOB, 7000))
    line.world.settle()
    assert getattr(line, asker).saw(sip.ReInviteAnswered)
    assert (6100 in remotes(line, "a"), 7100 in remotes(line, "b")) == (asker == "alice", asker == "bob")
    legs["bob"].answer(line.world.now, body=sdp(BOB, 7000))
    line.world.settle()
    assert line.alice.saw(sip.Answered)
    hang_up(line)


def test_an_early_answer_is_a_preview_where_the_caller_cannot_confirm() -> None:
    line = Line()
    be(line.alice, PLAIN)
    _, callee = early(line)
    provisional = line.alice.last(sip.Provisional)
    assert isinstance(provisional, sip.Provisional)
    assert not provisional.reliable
    assert provisional.response.session
    assert callee.can_update
    callee.update(line.world.now, body=sdp(BOB, 7100))
    line.world.settle()
    failed = line.bob.last(sip.ReInviteFailed)
    assert isinstance(failed, sip.ReInviteFailed)
    assert failed.status == 500
    assert failed.response
    assert failed.response.get("retry-after")
    callee.answer(line.world.now, body=sdp(BOB, 7000))
    line.world.settle()
    answered = line.alice.last(sip.Answered)
    assert isinstance(answered, sip.Answered)
    assert answered.response.session  # bob's 200 had none: it is what he said early
    hang_up(line)


def test_a_caller_that_requires_it_gets_it() -> None:
    line = Line()
    be(line.bob, PLAIN)
    line.dial(offer(ALICE), headers=[("Require", "100rel")])
    assert line.bob.leg
    line.bob.leg.ring(line.world.now)
    line.world.settle()
    provisional = line.alice.last(sip.Provisional)
    assert isinstance(provisional, sip.Provisional)
    assert provisional.reliable
    assert not sent(line, BOB, b"PRACK")
    line.bob.leg.reject(line.world.now, 486)
    line.idle()


def test_a_late_offer_comes_early() -> None:
    line = Line()
    caller = line.dial(None)
    callee = ring(line, sdp(BOB, 7000))
    provisional = line.alice.last(sip.Provisional)
    assert isinstance(provisional, sip.Provisional)
    assert provisional.prack_owed
    caller.prack(line.world.now, offer(ALICE))
    line.world.settle()
    assert line.bob.saw(sip.Acknowledged)
    assert len(line.ports.open) == 2
    callee.answer(line.world.now, body=sdp(BOB, 7000))
    line.world.settle()
    answered = line.alice.last(sip.Answered)
    assert isinstance(answered, sip.Answered)
    assert not answered.ack_owed
    hang_up(line)


def test_a_late_offer_is_not_asked_for_early_where_the_caller_cannot_answer_it() -> None:
    line = Line()
    be(line.alice, PLAIN)
    line.dial(None)
    (invite,) = sent(line, BOB, b"INVITE")
    assert "100rel" not in invite.tokens("supported")
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert line.alice.leg
    line.alice.leg.ack(line.world.now, body=offer(ALICE))
    line.world.settle()
    assert line.bob.saw(sip.Confirmed)
    hang_up(line)


def test_a_missing_answer_in_the_prack_ends_the_call() -> None:
    line = Line()
    caller = line.dial(None)
    ring(line, sdp(BOB, 7000))
    caller.prack(line.world.now, b"")
    line.world.settle()
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 500
    assert line.bob.saw(sip.Cancelled)
    line.idle()


@pytest.mark.parametrize("asker", ["alice", "bob"])
@pytest.mark.parametrize("able", [True, False])
def test_a_change_by_update(asker: str, able: bool) -> None:
    line = Line()
    other: Agent = line.bob if asker == "alice" else line.alice
    if not able:
        be(other, PLAIN)
    line.up()
    moving = getattr(line, asker)
    moving.leg.update(line.world.now, body=sdp(ALICE, 6100) if asker == "alice" else sdp(BOB, 7100))
    line.world.settle()
    reply = offer(ALICE) if other is line.alice else sdp(BOB, 7000)
    if able:
        offered = other.last(sip.Offered)
        assert isinstance(offered, sip.Offered)
        offered.handle.respond(line.world.now, body=reply)
        line.world.settle()
    else:
        assert other.saw(sip.ReInvite)
        answer(other, line.world, reply)
    assert moving.saw(sip.ReInviteAnswered)
    assert (6100 in remotes(line, "a"), 7100 in remotes(line, "b")) == (asker == "alice", asker == "bob")
    hang_up(line)


def test_a_refused_change_by_update_leaves_everything() -> None:
    line = Line()
    line.up()
    assert line.alice.leg
    line.alice.leg.update(line.world.now, body=sdp(ALICE, 6100))
    line.world.settle()
    offered = line.bob.last(sip.Offered)
    assert isinstance(offered, sip.Offered)
    offered.handle.respond(line.world.now, 488)
    line.world.settle()
    failed = line.alice.last(sip.ReInviteFailed)
    assert isinstance(failed, sip.ReInviteFailed)
    assert failed.status == 488
    assert 6100 not in remotes(line, "a")
    assert line.alice.leg.can_update
    hang_up(line)


def test_a_change_by_update_that_is_never_answered() -> None:
    line = Line()
    be(line.bob, PLAIN)  # it gets a re-INVITE, and somebody has to agree to it
    line.up()
    assert line.alice.leg
    line.alice.leg.update(line.world.now, body=sdp(ALICE, 6100))
    line.world.wait(25)
    failed = line.alice.last(sip.ReInviteFailed)
    assert isinstance(failed, sip.ReInviteFailed)
    assert failed.status == 504
    assert line.bob.saw(sip.Cancelled)
    hang_up(line)


def test_two_changes_at_once_meet_in_the_gateway() -> None:
    line = Line()
    line.up()
    assert line.alice.leg
    assert line.bob.leg
    line.alice.leg.update(line.world.now, body=sdp(ALICE, 6100))
    line.world.settle()
    offered = line.bob.last(sip.Offered)
    assert isinstance(offered, sip.Offered)
    line.bob.leg.negotiation = "stable"  # an agent that does not wait
    line.bob.leg.offered = None
    line.bob.leg.update(line.world.now, body=sdp(BOB, 7100))
    line.world.settle()
    failed = line.bob.last(sip.ReInviteFailed)
    assert isinstance(failed, sip.ReInviteFailed)
    assert failed.status == 491
    offered.handle.respond(line.world.now, body=sdp(BOB, 7000))
    line.world.settle()
    assert line.alice.saw(sip.ReInviteAnswered)
    hang_up(line)


def test_timers_are_agreed_on_each_leg_and_refreshed_on_each_alone() -> None:
    line = Line()
    be(line.alice, sip.Settings(session_expires=600))
    line.up()
    (ok,) = [one for one in sent(line, ALICE, b"SIP/2.0 200") if one.cseq.method == "INVITE"]
    (invite,) = sent(line, BOB, b"INVITE")
    assert str(session_expires(ok)) == "600;refresher=uac"
    assert str(session_expires(invite)) == "1800;refresher=uac"
    line.world.wait(899)
    assert [len(sent(line, host, b"UPDATE")) for host in (SDN, BOB)] == [2, 0]  # alice's, and the gateway's own
    line.world.wait(2)
    assert [len(sent(line, host, b"UPDATE")) for host in (SDN, BOB)] == [3, 1]
    line.world.wait(3600)
    assert len(line.gateway.calls(line.world.now)) == 1
    hang_up(line)


def test_a_refresh_by_reinvite_repeats_the_session_and_stays_on_its_leg() -> None:
    line = Line()
    be(line.bob, sip.Settings(allow=BASIC, supported=frozenset({"timer"})))
    line.up()
    told = len(line.ports.told)
    line.world.wait(901)
    first, second = sent(line, BOB, b"INVITE")
    assert first.body == second.body  # the same version too
    assert line.bob.saw(sip.ReInvite)
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert not line.alice.saw(sip.ReInvite)
    assert not [one for one in line.ports.told[told:] if isinstance(one, pinhole.SetRemote | pinhole.Lease)]
    line.world.wait(901)
    assert len(sent(line, BOB, b"INVITE")) == 3
    answer(line.bob, line.world, sdp(BOB, 7100))  # it moved meanwhile
    assert 7100 in remotes(line, "b")
    hang_up(line)


@pytest.mark.parametrize("status", [488, 500])
def test_a_refused_refresh_is_tried_again_and_ends_the_call_at_last(status: int) -> None:
    line = Line()
    be(line.bob, sip.Settings(allow=BASIC, supported=frozenset({"timer"})))
    line.up()
    line.world.wait(901)
    assert line.bob.leg
    line.bob.leg.reject(line.world.now, status)
    line.world.settle()
    assert len(line.gateway.calls(line.world.now)) == 1
    line.world.wait(1801)
    assert [record.why for record in line.world.records] == ["bye"]  # bob's own timer
    line.idle()


def test_a_session_that_is_not_refreshed_ends_with_a_reason() -> None:
    line = Line()
    be(line.alice, sip.Settings(session_expires=600))
    line.up()
    line.world.lose = lambda source, _to, _data: source[0] == ALICE  # she is gone without a word
    line.world.wait(601)
    (record,) = line.world.records
    assert (record.ended_by, record.why) == ("caller", "lost: the session was not refreshed in 600 s")
    (bye,) = {one.get("cseq"): one for one in sent(line, ALICE, b"BYE")}.values()
    assert bye.get("reason") == 'SIP;cause=408;text="Session expired"'
    assert line.bob.saw(sip.ByeReceived)
    line.world.lose = lambda _from, _to, _data: False


def test_no_word_of_one_leg_reaches_the_other() -> None:
    line = Line()
    be(line.alice, sip.Settings(session_expires=600, min_se=100))
    line.up()
    for host in (BOB, ALICE):
        for one in sent(line, host, b""):
            text = "\n".join(one.lines)
            assert "100rel, norefersub, replaces, timer" in text or "Supported" not in text
            assert "Min-SE: 100" not in text
    assert NET not in "".join("\n".join(one.lines) for one in sent(line, ALICE, b""))
    hang_up(line)


def as_fork(data: bytes, tag: bytes, body: bytes) -> bytes:
    """Write a response again as another fork sends it."""
    head = data.partition(b"\r\n\r\n")[0]
    rows = []
    for row in head.split(b"\r\n"):
        if row.startswith(b"To:"):
            row = row.partition(b";tag=")[0] + b";tag=" + tag  # noqa: PLW2901 - the row as it is said here
        if not row.startswith((b"Content-Length", b"Content-Type")):
            rows.append(row)
    rows += [b"Content-Type: application/sdp"] if body else []
    return b"\r\n".join([*rows, b"Content-Length: %d" % len(body), b"", body])


def test_another_fork_answers_than_the_one_that_was_confirmed() -> None:
    line = Line()
    early(line)
    ringing = next(data for _, to, data in line.world.wire if to[0] == NET and data.startswith(b"SIP/2.0 183"))
    flow = sip.Flow("udp", (NET, 5060), (BOB, 5060), "internet", 1, (NET, 5060))
    line.gateway.receive(as_fork(ringing, b"two", sdp(BOB, 7300)), flow, line.world.now)
    line.world.settle()
    ok = as_fork(ringing.replace(b"183 Session Progress", b"200 OK").replace(b"Require: 100rel\r\n", b""), b"two", b"")
    line.gateway.receive(ok, flow, line.world.now)
    line.world.settle()
    answered = line.alice.last(sip.Answered)
    assert isinstance(answered, sip.Answered)
    assert not answered.response.body
    assert line.alice.saw(sip.ReInvite)  # she is told what the one that took the call has said
    answer(line.alice, line.world, offer(ALICE))
    assert 7300 in remotes(line, "b")
    assert line.alice.leg
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    assert [record.why for record in line.world.records] == ["bye"]


def test_nobody_has_to_speak_before_the_answer() -> None:
    line = Line()
    _, callee = early(line)
    line.ports.idle = None
    line.world.wait(100)
    assert len(line.gateway.calls(line.world.now)) == 1
    callee.answer(line.world.now, body=sdp(BOB, 7000))
    line.world.wait(50)
    assert len(line.gateway.calls(line.world.now)) == 1
    line.world.wait(50)
    assert "fell silent" in line.world.records[0].why
    line.idle()
