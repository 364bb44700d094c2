"""IPv6 on both sides, and IPv4 on one with IPv6 on the other: the kernel relays the first, mediad the second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.peers.rtp import Probe, carry
from tests.peers.sipp import callee, caller
from tests.system.calls.crossing import CALLEE_PORTS, CALLER_PORTS, Crossing, Established
from tests.system.calls.edge import Edge, wait_until_serving

pytestmark = pytest.mark.system

WAYS = [
    ("hospital", "clinic", 6, 6),
    ("clinic", "hospital", 6, 6),
    ("hospital", "clinic", 4, 6),
    ("hospital", "clinic", 6, 4),
    ("clinic", "hospital", 4, 6),
    ("clinic", "hospital", 6, 4),
]
MIXED = [way for way in WAYS if way[2] != way[3]]


@pytest.fixture
def crossing(edge: Edge, request: pytest.FixtureRequest) -> Iterator[Crossing]:
    yield Crossing(edge, *request.param)
    edge.wait_idle()


def both_ways(crossing: Crossing, call: Established) -> tuple[int, int]:
    """Return how many of 20 packets each way were lost, after checking where the others came from."""
    with (
        Probe(crossing.left, crossing.left_address, CALLER_PORTS) as left,
        Probe(crossing.right, crossing.right_address, CALLEE_PORTS) as right,
    ):
        told_left = (call.told_left[0].address, call.told_left[0].port)
        told_right = (call.told_right[0].address, call.told_right[0].port)
        there, back = carry(left, told_left, right), carry(right, told_right, left)
        assert there.sources <= {told_right}
        assert back.sources <= {told_left}
        return there.lost, back.lost


@pytest.mark.parametrize("crossing", WAYS, indirect=True, ids=str)
def test_a_call(crossing: Crossing, tmp_path: Path) -> None:
    crossing.play(caller.call(crossing.offer()), callee.call(crossing.answer()), tmp_path)


@pytest.mark.parametrize("crossing", WAYS, indirect=True, ids=str)
def test_media(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        mixed = crossing.caller_family != crossing.callee_family
        assert {one.relay for one in crossing.edge.leases()} == {"mediad" if mixed else "kernel"}
        assert both_ways(crossing, call) == (0, 0)
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
        crossing.check_hidden(left, right)


@pytest.mark.parametrize("crossing", [WAYS[0], *MIXED[:2]], indirect=True, ids=str)
def test_a_restart_of_gatewayd_cuts_nothing(crossing: Crossing) -> None:
    lab = crossing.edge.lab
    with ExitStack() as stack:
        left, right = stack.enter_context(crossing.agents())
        call = crossing.establish(left, right)
        assert both_ways(crossing, call) == (0, 0)
        lab.stop("gatewayd", grace=0)
        try:
            assert both_ways(crossing, call) == (0, 0)
        finally:
            lab.start("gatewayd")
            wait_until_serving(crossing.edge)
        assert both_ways(crossing, call) == (0, 0)
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


@pytest.mark.parametrize("crossing", MIXED[:1], indirect=True, ids=str)
def test_after_a_restart_of_mediad_media_goes_on(crossing: Crossing) -> None:
    lab = crossing.edge.lab
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        assert both_ways(crossing, call) == (0, 0)
        lab.stop("mediad", grace=0)
        lab.start("mediad")
        wait_until_serving(crossing.edge)
        assert both_ways(crossing, call) == (0, 0)
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
