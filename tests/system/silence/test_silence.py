"""A side of which no pinhole hears anything is dead; RTCP alone is a sign of life, and hold is no silence."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from tests.peers.agent import Agent
from tests.peers.rtp import Probe
from tests.system.calls.crossing import CALLEE_PORTS, CALLER_PORTS, Crossing
from tests.system.silence.conftest import SILENCE
from vdx.ids import RENEW_SECONDS

pytestmark = pytest.mark.system

NOTICED = SILENCE + 2 * RENEW_SECONDS
"""Seconds in which silence is noticed: it is known from one renewal to the next."""

PATIENCE = 3 * NOTICED
REPORTS = 2.0  # seconds between two reports of RTCP
POLL = 0.05


def hang_up(left: Agent, right: Agent) -> None:
    """Take in the BYE that each side is sent."""
    for agent in (left, right):
        agent.reply(agent.expect("BYE", within=PATIENCE), 200)


def test_reports_and_hold_keep_a_call_and_the_side_that_stops_ends_it(crossing: Crossing) -> None:
    held = Crossing(crossing.edge, "municipality", "home")
    with ExitStack() as stack:
        waiting, music = stack.enter_context(held.agents())
        on_hold = held.establish(waiting, music, held.offer("sendonly"), held.answer("recvonly"))
        left, right = stack.enter_context(crossing.agents())
        call = crossing.establish(left, right)
        near = stack.enter_context(Probe(crossing.left, crossing.left_address, CALLER_PORTS + 1))
        far = stack.enter_context(Probe(crossing.right, crossing.right_address, CALLEE_PORTS + 1))
        until = time.monotonic() + NOTICED
        while time.monotonic() < until:  # what is tested is that nothing ends for so long
            near.send_control(call.told_left[0].address, call.told_left[0].rtcp_port)
            far.send_control(call.told_right[0].address, call.told_right[0].rtcp_port)
            time.sleep(REPORTS)
        assert len(crossing.edge.calls()) == 2
        until = time.monotonic() + PATIENCE
        while len(crossing.edge.calls()) > 1:
            assert time.monotonic() < until
            near.send_control(call.told_left[0].address, call.told_left[0].rtcp_port)
            time.sleep(REPORTS)
        hang_up(left, right)
        waiting.bye(on_hold.left)
        music.reply(music.expect("BYE"), 200)
        waiting.expect(200)
    log = crossing.edge.lab.state.logs / "b2bua.log"
    until = time.monotonic() + PATIENCE
    while "call.ended" not in log.read_text():  # written once the kernel has told what the call carried
        assert time.monotonic() < until
        time.sleep(POLL)
    assert "media of the callee fell silent" in log.read_text()
