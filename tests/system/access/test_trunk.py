"""A trunk that challenges us, as a provider's border controller does: INVITE and BYE are logged in."""

from __future__ import annotations

import pytest

from b2bua.sip import digest
from b2bua.sip.digest import Challenge, Secret, parse_credentials
from lab.topology import SIP_PORT
from tests.peers import sdp
from tests.peers.agent import Agent
from tests.peers.message import Message
from tests.system.access.conftest import PASSWORD
from tests.system.calls.edge import Edge, sip

pytestmark = pytest.mark.system


def asks(nonce: str, *, stale: bool = False) -> list[tuple[str, str]]:
    return [
        ("Proxy-Authenticate", str(Challenge("provider", nonce, algorithm, ("auth",), "opaque", stale=stale)))
        for algorithm in ("MD5", "SHA-256")
    ]


def proven(request: Message, method: str) -> tuple[str, str, str]:
    """Check that a request proves who sends it; gives its nonce, count and algorithm."""
    told = parse_credentials(request["Proxy-Authorization"])
    hashed = Secret(PASSWORD).a1(told.algorithm, "edge", "provider")
    assert digest.proves(told, hashed, method, request.body.encode())
    assert (told.username, told.uri, told.opaque) == ("edge", request.uri, "opaque")
    return told.nonce, told.count, told.algorithm


def test_a_trunk_that_asks_is_answered_also_when_its_nonce_went_stale(edge: Edge) -> None:
    hospital, core = edge.host("hospital"), edge.host("core")
    with (
        Agent(hospital, hospital.address(4), SIP_PORT, edge.transport, "hospital") as caller,
        Agent(core, core.address(4), SIP_PORT, edge.transport, "core") as trunk,
    ):
        offer = sdp.write(hospital.address(4), [sdp.audio(30000)])
        call = caller.invite(f"sip:core@{edge.address('sdn')}", sip(edge.address("sdn")), body=offer)
        first = trunk.expect("INVITE")
        known = first["Proxy-Authorization"] if list(first.all("Proxy-Authorization")) else ""
        trunk.reply(first, 407, call=trunk.accept(first), more=asks("one", stale=bool(known)))
        trunk.expect("ACK")
        second = trunk.expect("INVITE")
        assert proven(second, "INVITE") == ("one", "00000001", "SHA-256")
        trunk.reply(second, 407, call=trunk.accept(second), more=asks("two", stale=True))
        trunk.expect("ACK")
        third = trunk.expect("INVITE")
        assert proven(third, "INVITE") == ("two", "00000001", "SHA-256")
        answer = trunk.accept(third)
        trunk.reply(third, 200, call=answer, body=sdp.write(core.address(4), [sdp.audio(31000)]))
        final = caller.expect(200)
        caller.ack(call, final)
        trunk.expect("ACK")
        caller.bye(call)
        bye = trunk.expect("BYE")
        assert proven(bye, "BYE")[:2] == ("two", "00000002")
        trunk.reply(bye, 200)
        caller.expect(200)
    edge.wait_idle()
