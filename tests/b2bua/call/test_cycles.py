"""Ended calls leave nothing to the garbage collector, which looks when no calls are held (`vdx.collector`)."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest

from tests.b2bua.call.test_calls import ALICE, BOB, Line, answer, offer, sdp


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


def turned_away(line: Line) -> None:
    line.dial(offer(ALICE), user="nobody")


@pytest.mark.parametrize("ending", [hung_up, rejected, cancelled, never_acknowledged, changed_and_hung_up, turned_away])
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
