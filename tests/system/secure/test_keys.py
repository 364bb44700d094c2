"""Keys in the signalling (RFC 4568) cross between TLS legs as they are, and what they encrypt crosses with them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.peers import sdp
from tests.peers.rtp import Probe, carry
from tests.system.calls.crossing import CALLEE_PORTS, CALLER_PORTS, Crossing

pytestmark = pytest.mark.system

CRYPTO = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:S0VZT0ZUSEVDQUxMRVJBVURJT0tFWU9GVEhFQ0FM"
THEIRS = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:S0VZT0ZUSEVDQUxMRUVBVURJT0tFWU9GVEhFQ0FM"


def description(address: str, port: int, proto: str, crypto: str) -> str:
    return sdp.write(address, [replace(sdp.audio(port, crypto), proto=proto)])


@pytest.mark.parametrize("proto", ["RTP/SAVP", "RTP/AVP"])
def test_keys_and_media_pass_both_ways(crossing: Crossing, proto: str) -> None:
    with ExitStack() as stack:
        left, right = stack.enter_context(crossing.agents())
        offer = description(crossing.left_address, CALLER_PORTS, proto, CRYPTO)
        answer = description(crossing.right_address, CALLEE_PORTS, proto, THEIRS)
        call = crossing.establish(left, right, offer, answer)
        (to_right,), (to_left,) = call.told_right, call.told_left
        assert (to_right.proto, to_left.proto) == (proto, proto)
        assert CRYPTO in to_right.attributes
        assert THEIRS in to_left.attributes
        near = stack.enter_context(Probe(crossing.left, crossing.left_address, CALLER_PORTS))
        far = stack.enter_context(Probe(crossing.right, crossing.right_address, CALLEE_PORTS))
        assert carry(near, (to_left.address, to_left.port), far).lost == 0
        assert carry(far, (to_right.address, to_right.port), near).lost == 0
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
        crossing.check_hidden(left, right)
        logs = "".join(path.read_text() for path in crossing.edge.lab.state.logs.glob("*.log"))
        assert logs
        assert "inline:S0VZ" not in logs
