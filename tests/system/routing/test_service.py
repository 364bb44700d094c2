"""Limits, and out of service and back, with sipp at both ends and gatewayctl in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.sipp import caller
from tests.peers.sipp.run import Outcome, Sipp
from tests.system.calls.crossing import Crossing
from tests.system.calls.edge import sip, wait_for, wait_until_serving
from tests.system.routing.ctl import gatewayctl
from vdx.admission import RETRY_AFTER, RETRY_DRAINED

pytestmark = pytest.mark.system

SECOND_PORT = 5090


def refused(crossing: Crossing, directory: Path, status: int) -> Outcome:
    """Call with a second sipp of the hospital's, which is to be refused."""
    steps = [caller.invite(crossing.offer()), *caller.refused(status)]
    with Sipp(
        crossing.left, steps, directory, crossing.left_address, SECOND_PORT, sip(crossing.edge_left),
        service=crossing.alias, name="second",
    ) as second:  # fmt: skip
        return second.succeed()


def test_a_peer_at_its_limit(crossing: Crossing, tmp_path: Path) -> None:
    with crossing.agents() as (left, right):
        established = crossing.establish(left, right)
        outcome = refused(crossing, tmp_path, 480)
        assert outcome.last("480 INVITE")["Retry-After"] == str(RETRY_AFTER)
        left.bye(established.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


def test_out_of_service_and_back(crossing: Crossing, tmp_path: Path) -> None:
    edge = crossing.edge
    with crossing.agents() as (left, right):
        crossing.establish(left, right)
        assert gatewayctl(edge, "drain") == "done\n"
        try:
            outcome = refused(crossing, tmp_path, 503)
            assert outcome.last("503 INVITE")["Retry-After"] == str(RETRY_DRAINED)
            assert "out of service" in gatewayctl(edge, "status")
            assert len(edge.calls()) == 1
            gatewayctl(edge, "drain", "--deadline", "1s")
            for agent in (left, right):
                bye = agent.expect("BYE", within=20.0)
                assert "cause=503" in bye["Reason"]
                agent.reply(bye, 200)
        finally:
            assert gatewayctl(edge, "undrain") == "done\n"
        edge.wait_idle()
        crossing.establish(left, right)
        for call in edge.calls():
            gatewayctl(edge, "hangup", call)
        for agent in (left, right):
            agent.reply(agent.expect("BYE"), 200)


def test_a_b2bua_that_is_restarted_is_still_out_of_service(crossing: Crossing, tmp_path: Path) -> None:
    edge = crossing.edge
    gatewayctl(edge, "drain")
    try:
        edge.lab.stop("b2bua")
        edge.lab.start("b2bua")
        wait_for(lambda: "out of service" in gatewayctl(edge, "status"), 20.0, lambda: gatewayctl(edge, "status"))
        wait_for(lambda: bool(edge.status().others), 20.0, lambda: str(edge.status()))
        wait_for(lambda: edge.status().others[0].version != "none", 20.0, lambda: str(edge.status()))
        refused(crossing, tmp_path, 503)
    finally:
        gatewayctl(edge, "undrain")
    wait_until_serving(edge)
