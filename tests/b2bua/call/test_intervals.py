"""422 Session Interval Too Small (RFC 4028), on either side: a matter of one leg, of which the other hears nothing."""

from __future__ import annotations

import pytest

from b2bua import sip
from b2bua.sip.limits import MAX_LENGTHENED
from tests.b2bua.call.test_calls import ALICE, BOB, NET, Line, answer, offer, sdp
from tests.b2bua.call.world import Agent, Rewritten


def wants(agent: Agent, least: int) -> None:
    """Let somebody take no session interval below this one."""
    agent.core._layer.settings = sip.Settings(min_se=least, session_expires=least)


def sent(line: Line, host: str, start: str) -> list[sip.Message]:
    return [sip.parse(data) for _, to, data in line.world.wire if to[0] == host and data.startswith(start.encode())]


def asked(line: Line, host: str, method: str) -> list[tuple[str, str]]:
    """Give Session-Expires and Min-SE of the requests that somebody was sent."""
    return [(each.get("session-expires"), each.get("min-se")) for each in sent(line, host, method)]


def test_a_callee_that_wants_longer_gets_it_and_the_caller_hears_nothing() -> None:
    line = Line()
    wants(line.bob, 3600)
    line.dial(offer(ALICE))
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert asked(line, BOB, "INVITE") == [("1800;refresher=uac", ""), ("3600;refresher=uac", "3600")]
    first, second = sent(line, BOB, "INVITE")
    assert (first.cseq.number, second.cseq.number, first.call_id == second.call_id) == (1, 2, True)
    assert line.alice.saw(sip.Answered)
    assert not sent(line, ALICE, "SIP/2.0 422")
    (answered,) = {each.get("session-expires") for each in sent(line, ALICE, "SIP/2.0 200")}
    assert answered.startswith("1800")  # each leg has its own
    line.world.wait(1801)
    assert asked(line, BOB, "UPDATE") == [("3600;refresher=uac", "3600")]
    assert line.alice.leg
    line.alice.leg.bye(line.world.now)
    line.idle()


@pytest.mark.parametrize("by_update", [False, True])
def test_a_change_that_meets_a_longer_interval_goes_through(by_update: bool) -> None:
    """The far end may have moved behind another proxy meanwhile."""
    line = Line()
    line.up()
    assert line.alice.leg
    wants(line.bob, 7200)
    change = line.alice.leg.update if by_update else line.alice.leg.reinvite
    change(line.world.now, body=offer(ALICE, "a=x"))
    line.world.settle()
    if by_update:
        event = line.bob.last(sip.Offered)
        assert isinstance(event, sip.Offered)
        event.handle.respond(line.world.now, body=sdp(BOB, 7000))
        line.world.settle()
    else:
        answer(line.bob, line.world, sdp(BOB, 7000))
    method = "UPDATE" if by_update else "INVITE"
    assert asked(line, BOB, method)[-2:] == [("1800;refresher=uac", ""), ("7200;refresher=uac", "7200")]
    assert line.alice.saw(sip.ReInviteAnswered)
    assert not line.alice.saw(sip.ReInviteFailed)
    assert not sent(line, ALICE, "SIP/2.0 422")
    line.alice.leg.bye(line.world.now)
    line.idle()


def test_a_refresh_that_meets_a_longer_interval_goes_through() -> None:
    line = Line()
    line.up()
    wants(line.bob, 7200)
    line.world.wait(901)
    assert asked(line, BOB, "UPDATE") == [("1800;refresher=uac", ""), ("7200;refresher=uac", "7200")]
    line.world.wait(3000)
    assert len(asked(line, BOB, "UPDATE")) == 2
    assert len(line.gateway.calls(line.world.now)) == 1


@pytest.mark.parametrize("least", ["", "90", "90000", "x"])
def test_a_callee_that_asks_for_nothing_that_can_be_given(least: str) -> None:
    """The caller, whose own interval was well, is told that the fault is on our side; 422 would have it try again."""
    line = Line()
    line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.reject(line.world.now, 422, headers=[("Min-SE", least)] if least else [])
    line.world.settle()
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.response
    assert (failed.status, failed.response.get("min-se")) == (500, "")
    assert line.world.records[0].why == "422 Session Interval Too Small"
    line.idle()


def test_a_callee_that_asks_for_more_each_time_is_given_up() -> None:
    line = Line()
    line.dial(offer(ALICE))
    flow = sip.Flow("udp", (NET, 5060), (BOB, 5060), "internet", 1, (NET, 5060))
    for turn in range(2 * MAX_LENGTHENED):
        invite = sent(line, BOB, "INVITE")[-1]
        rows = ["SIP/2.0 422 x", *(f"{name}: {invite.get(name)}" for name in ("Via", "From", "Call-ID", "CSeq"))]
        rows += [f"To: {invite.get('to')};tag=t", f"Min-SE: {2000 + turn}", "Content-Length: 0", "", ""]
        line.gateway.receive("\r\n".join(rows).encode(), flow, line.world.now)
        line.world.settle()
    assert len({each.cseq.number for each in sent(line, BOB, "INVITE")}) == 1 + MAX_LENGTHENED
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 500


def test_a_caller_that_asks_for_too_short_a_session_is_told_by_us() -> None:
    line = Line()
    core = line.alice.core
    line.alice.core = Rewritten(  # type: ignore[assignment]
        core, lambda data: data.replace(b"Session-Expires: 1800;", b"Session-Expires: 60;")
    )
    line.dial(offer(ALICE))
    (refused,) = sent(line, ALICE, "SIP/2.0 422")
    assert refused.get("min-se") == "90"
    assert not sent(line, BOB, "INVITE")
    line.alice.core = core
    wants(line.alice, 90)
    line.up()
    assert line.alice.leg
    assert line.alice.leg.timer.seconds == 90
    assert asked(line, BOB, "INVITE") == [("1800;refresher=uac", "")]
    line.alice.leg.bye(line.world.now)
    line.idle()


def test_a_caller_that_wants_longer_than_we_ask_for_gets_it_on_its_leg() -> None:
    line = Line()
    wants(line.alice, 5400)
    line.up()
    assert line.alice.leg
    assert line.bob.leg
    assert (line.alice.leg.timer.seconds, line.bob.leg.timer.seconds) == (5400, 1800)
