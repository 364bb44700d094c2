"""Why a side hung up, or gave up, is told to the other side (RFC 3326)."""

from __future__ import annotations

from b2bua import sip
from tests.b2bua.call.test_calls import ALICE, NET, Line, offer

ELSEWHERE = [("Reason", 'SIP;cause=200;text="Answered at the desk of Dr. Hansen"')]


def test_a_call_that_was_answered_elsewhere_is_not_missed() -> None:
    line = Line()
    leg = line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.ring(line.world.now)
    line.world.settle()
    leg.cancel(line.world.now, headers=ELSEWHERE)
    line.world.settle()
    cancelled = line.bob.last(sip.Cancelled)
    assert isinstance(cancelled, sip.Cancelled)
    assert cancelled.request.all("Reason") == ["SIP;cause=200"]
    line.idle()


def test_a_cancel_that_waits_for_a_first_answer_keeps_its_reason() -> None:
    line = Line()
    line.world.lose = lambda _from, to, data: to[0] == NET and data.startswith(b"SIP/2.0 1")
    leg = line.dial(offer(ALICE))
    leg.cancel(line.world.now, headers=ELSEWHERE)
    line.world.settle()
    assert not line.bob.saw(sip.Cancelled)
    line.world.lose = lambda _from, _to, _data: False
    assert line.bob.leg
    line.bob.leg.ring(line.world.now)
    line.world.settle()
    cancelled = line.bob.last(sip.Cancelled)
    assert isinstance(cancelled, sip.Cancelled)
    assert cancelled.request.all("Reason") == ["SIP;cause=200"]
    line.idle()


def test_a_bye_tells_why() -> None:
    line = Line()
    line.up()
    assert line.bob.leg
    line.bob.leg.bye(line.world.now, headers=[("Reason", 'Q.850;cause=16;text="x"')])
    line.world.settle()
    ended = line.alice.last(sip.ByeReceived)
    assert isinstance(ended, sip.ByeReceived)
    assert ended.request.all("Reason") == ["Q.850;cause=16"]
    line.idle()
