"""A citizen behind NAT: media is learned from its first packet, and its private address is never a destination."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.peers.rtp import Probe, carry
from tests.system.calls.crossing import CALLEE_PORTS, CALLER_PORTS, Crossing
from tests.system.calls.edge import Edge

pytestmark = pytest.mark.system

TTL_AT_HOME = 61  # the edge sets 64; itself, the internet's router and the home router take one each
TTL_ON_SDN = 62


@pytest.fixture(params=[("hospital", "home"), ("home", "hospital")], ids="-".join)
def crossing(edge: Edge, request: pytest.FixtureRequest) -> Iterator[Crossing]:
    yield Crossing(edge, *request.param)
    edge.wait_idle()


def test_media_waits_for_the_first_packet_from_home(crossing: Crossing) -> None:
    with ExitStack() as stack:
        left, right = stack.enter_context(crossing.agents())
        call = crossing.establish(left, right)
        near = stack.enter_context(Probe(crossing.left, crossing.left_address, CALLER_PORTS))
        far = stack.enter_context(Probe(crossing.right, crossing.right_address, CALLEE_PORTS))
        told_left = (call.told_left[0].address, call.told_left[0].port)
        told_right = (call.told_right[0].address, call.told_right[0].port)
        at_home = crossing.caller == "home"
        home, inside = (near, far) if at_home else (far, near)
        told_home, told_inside = (told_left, told_right) if at_home else (told_right, told_left)

        inside.send(*told_inside, 3)
        assert home.silent()
        first = carry(home, told_home, inside)
        assert (first.lost, set(first.sources), set(first.ttls)) == (0, {told_inside}, {TTL_ON_SDN})
        back = carry(inside, told_inside, home)
        assert (back.lost, set(back.sources), set(back.ttls)) == (0, {told_home}, {TTL_AT_HOME})

        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
        crossing.check_hidden(left, right)
