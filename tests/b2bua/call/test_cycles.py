"""Ended calls leave nothing to the garbage collector, which looks when no calls are held (`vdx.collector`)."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest

from b2bua import sip
from tests.b2bua.call.test_calls import ALICE, BOB, SDN, Line, answer, offer, sdp
from tests.b2bua.call.test_transfer import CAROL, Party


def hung_up(line: Line) -> None:
    line.up()
    assert line.bob.leg
    line.bob.leg.bye(line.world.now)


def rejected(line: Line) -> None:
    line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.reject(line.world.now, 486)


def cancelled(line: Line) -> None:
    line.dial(offer(ALICE))
    assert line.alice.leg
    assert line.bob.leg
    line.bob.leg.ring(line.world.now)
    line.world.settle()
    line.alice.leg.cancel(line.world.now)


def never_acknowledged(line: Line) -> None:
    line.world.lose = lambda _from, _to, data: data.startswith(b"ACK")
    line.up()


def changed_and_hung_up(line: Line) -> None:
    line.up()
    assert line.alice.leg
    line.alice.leg.reinvite(line.world.now, body=offer(ALICE, "a=sendonly"))
    line.world.settle()
    answer(line.bob, line.world, sdp(BOB, 7000, "a=recvonly"))
    line.alice.leg.bye(line.world.now)


def answered_early(line: Line) -> None:
    line.dial(offer(ALICE))
    assert line.alice.leg
    assert line.bob.leg
    line.bob.leg.ring(line.world.now, 183, body=sdp(BOB, 7000))
    line.world.settle()
    line.alice.leg.update(line.world.now, body=offer(ALICE, "a=sendonly"))
    line.world.settle()
    offered = line.bob.last(sip.Offered)
    assert isinstance(offered, sip.Offered)
    offered.handle.respond(line.world.now, body=sdp(BOB, 7000, "a=recvonly"))
    line.world.settle()
    answer(line.bob, line.world, sdp(BOB, 7000))
    line.alice.leg.bye(line.world.now)


def never_confirmed(line: Line) -> None:
    line.world.lose = lambda _from, to, data: to[0] == SDN and data.startswith(b"PRACK")
    line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.ring(line.world.now, 183, body=sdp(BOB, 7000))


def refreshed(line: Line) -> None:
    line.up()
    line.world.wait(2000)
    assert line.alice.leg
    line.alice.leg.bye(line.world.now)


def turned_away(line: Line) -> None:
    line.dial(offer(ALICE), user="nobody")


ENDINGS = [hung_up, rejected, cancelled, never_acknowledged, changed_and_hung_up, turned_away]
ENDINGS += [answered_early, never_confirmed, refreshed]


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_cycle_is_left(ending: Callable[[Line], None]) -> None:
    line = Line()
    gc.collect()
    gc.disable()
    try:
        ending(line)
        line.idle()
        line.alice.leg = line.bob.leg = None
        line.alice.seen.clear()
        line.bob.seen.clear()
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("came", [True, False])
def test_no_cycle_is_left_of_a_transfer(came: bool) -> None:
    line = Party()
    gc.collect()
    gc.disable()
    try:
        line.up()
        line.refer(line.alice, f"<sip:carol@{SDN}>")
        assert line.carol.leg
        if came:
            answer(line.carol, line.world, sdp(CAROL, 9000))
            answer(line.bob, line.world, sdp(BOB, 7000))
        else:
            line.carol.leg.reject(line.world.now, 486)
        line.everybody_idle()
        for agent in (line.alice, line.bob, line.carol):
            agent.leg = None
            agent.seen.clear()
        assert gc.collect() == 0
    finally:
        gc.enable()
