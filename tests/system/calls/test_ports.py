"""RTCP that comes with RTP: it passes on the one port, and the pinholes that it does not need are closed."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.peers import sdp
from tests.peers.rtp import Probe, carry
from tests.system.calls.crossing import CALLEE_PORTS, CALLER_PORTS, Crossing

pytestmark = pytest.mark.system

MUX = "rtcp-mux"


def test_rtcp_passes_with_rtp_and_its_own_pinholes_are_closed(crossing: Crossing) -> None:
    with ExitStack() as stack:
        left, right = stack.enter_context(crossing.agents())
        before = crossing.edge.kernel_elements()
        offer = sdp.write(crossing.left_address, [sdp.audio(CALLER_PORTS, MUX)])
        answer = sdp.write(crossing.right_address, [sdp.audio(CALLEE_PORTS, MUX)])
        call = crossing.establish(left, right, offer, answer)
        (to_right,), (to_left,) = call.told_right, call.told_left
        assert MUX in to_right.attributes
        assert MUX in to_left.attributes
        near = stack.enter_context(Probe(crossing.left, crossing.left_address, CALLER_PORTS))
        far = stack.enter_context(Probe(crossing.right, crossing.right_address, CALLEE_PORTS))
        assert carry(near, (to_left.address, to_left.port), far).lost == 0
        assert carry(far, (to_right.address, to_right.port), near).lost == 0
        near.send_control(to_left.address, to_left.port)
        assert far.control_arrives() == (to_right.address, to_right.port)
        far.send_control(to_right.address, to_right.port)
        assert near.control_arrives() == (to_left.address, to_left.port)
        odd = stack.enter_context(Probe(crossing.right, crossing.right_address, CALLEE_PORTS + 1))
        near.send_control(to_left.address, to_left.port + 1)
        assert odd.silent()
        muxed = crossing.edge.kernel_elements() - before
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
        crossing.edge.wait_idle()
        before = crossing.edge.kernel_elements()
        call = crossing.establish(left, right, offer.replace("a=rtcp-mux\r\n", ""), answer)
        assert crossing.edge.kernel_elements() - before > muxed
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
