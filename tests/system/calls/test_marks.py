"""How packets are marked for routers (RFC 2474): by what they carry, in whatever they came with."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from tests.peers.rtp import Probe, carry
from tests.system.calls.crossing import CALLEE_PORTS, CALLER_PORTS, Crossing, Family
from tests.system.calls.edge import Edge

pytestmark = pytest.mark.system

EF, AF41 = 46, 34
LIES = 8  # what the sender says of itself


@pytest.mark.parametrize(("caller", "callee"), [(4, 4), (6, 6), (4, 6)])  # the last by mediad
def test_audio_and_video_are_marked_by_what_they_are(edge: Edge, caller: Family, callee: Family) -> None:
    crossing = Crossing(edge, "hospital", "clinic", caller, callee)
    with ExitStack() as stack:
        left, right = stack.enter_context(crossing.agents())
        call = crossing.establish(left, right)
        for index, value in ((0, EF), (1, AF41)):
            near = stack.enter_context(Probe(crossing.left, crossing.left_address, CALLER_PORTS + 2 * index))
            far = stack.enter_context(Probe(crossing.right, crossing.right_address, CALLEE_PORTS + 2 * index))
            for probe in (near, far):
                if probe.socket.family == socket.AF_INET:
                    probe.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, LIES << 2)
                else:
                    probe.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, LIES << 2)
            to_left, to_right = call.told_left[index], call.told_right[index]
            for report in (
                carry(near, (to_left.address, to_left.port), far),
                carry(far, (to_right.address, to_right.port), near),
            ):
                assert report.lost == 0
                assert report.dscp == {value}
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
    edge.wait_idle()
