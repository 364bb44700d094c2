"""A request too large for a datagram goes to a peer on UDP over TCP, if it listens there (RFC 3261 18.1.1)."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from lab.topology import SIP_PORT
from tests.peers import sdp
from tests.peers.agent import Agent
from tests.peers.wires import Transport
from tests.system.calls.edge import Edge, sip

pytestmark = pytest.mark.system

LONG = 20.0
LARGE = sdp.video(30002, f"fmtp:97 sprop-parameter-sets={'Z0IACpZTBYmI' * 100}")


@pytest.mark.parametrize("hears", ["tcp", "udp"])
def test_a_large_invite(edge: Edge, hears: Transport) -> None:
    """The hospital calls the municipality, which the site file reaches over UDP; the edge remembers who refuses TCP."""
    ward, town = edge.host("hospital"), edge.host("municipality")
    with ExitStack() as stack:
        caller = stack.enter_context(Agent(ward, ward.address(4), SIP_PORT, "tcp", "hospital"))
        rooms = [
            stack.enter_context(Agent(town, town.address(4), SIP_PORT, one, "municipality"))
            for one in (("udp", "tcp") if hears == "tcp" else ("udp",))
        ]
        room = rooms[-1]
        offer = sdp.write(caller.address, [sdp.audio(30000), LARGE])
        hop = sip(edge.address("sdn"))
        call = caller.invite(f"sip:municipality@{hop[0]}:{SIP_PORT}", hop, body=offer)
        invite = room.expect("INVITE", within=LONG)
        assert len(invite.write()) > 1300
        assert invite["Via"].startswith(f"SIP/2.0/{hears.upper()} ")
        theirs = room.accept(invite)
        answer = sdp.write(room.address, [sdp.audio(31000), sdp.video(31002)])
        room.reply(invite, 200, call=theirs, body=answer)
        caller.ack(call, caller.expect(200, within=LONG))
        ack = room.expect("ACK", within=LONG)
        assert ack["Via"].startswith(f"SIP/2.0/{hears.upper()} ")
        caller.bye(call)
        room.reply(room.expect("BYE", within=LONG), 200)
        caller.expect(200, within=LONG)
        assert not [one for other in rooms[:-1] for one in other.received]
