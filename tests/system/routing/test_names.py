"""Domains that are not ours, found by a real name server, with failover down its list (RFC 3263)."""

from __future__ import annotations

import pytest

from lab.host import Host
from tests.peers.agent import Agent, Dialog
from tests.peers.wires import Transport
from tests.system.calls.crossing import Crossing
from tests.system.routing.conftest import CLINIC
from tests.system.routing.ctl import gatewayctl

pytestmark = pytest.mark.system

SLOWLY = 20.0
"""Seconds for what waits for DNS and for other servers, on a busy machine."""


def server(host: Host, port: int, transport: Transport = "udp") -> Agent:
    return Agent(host, CLINIC, port, transport, f"server{port}")


def hang_up(left: Agent, ours: Dialog, right: Agent) -> None:
    left.bye(ours)
    right.reply(right.expect("BYE"), 200)
    left.expect(200)


def answer(crossing: Crossing, left: Agent, ours: Dialog, right: Agent) -> None:
    """Let the right side take the call, and the left side hear of it."""
    invite = right.expect("INVITE", within=SLOWLY)
    theirs = right.accept(invite)
    right.reply(invite, 200, call=theirs, body=crossing.answer())
    left.ack(ours, left.expect(200, within=SLOWLY))
    right.expect("ACK")


def test_an_overloaded_server_leads_to_the_next_one_and_is_left_in_peace(crossing: Crossing) -> None:
    with (
        crossing.agent(crossing.left, crossing.left_address, "hospital") as left,
        server(crossing.right, 5070) as one,
        server(crossing.right, 5080) as two,
    ):
        ours = left.invite("sip:desk@Partner.example", crossing.hop, body=crossing.offer())
        invite = one.expect("INVITE", within=SLOWLY)
        assert invite.uri == "sip:desk@partner.example"
        one.reply(invite, 503, more=[("Retry-After", "600")])
        one.expect("ACK")
        answer(crossing, left, ours, two)
        hang_up(left, ours, two)
        ours = left.invite("sip:desk@partner.example", crossing.hop, body=crossing.offer())
        answer(crossing, left, ours, two)
        hang_up(left, ours, two)
        assert [one.name for one in one.received] == ["INVITE", "ACK"]


def test_a_connection_that_is_refused_leads_to_the_next_server(crossing: Crossing) -> None:
    with (
        crossing.agent(crossing.left, crossing.left_address, "hospital") as left,
        server(crossing.right, 5080, "tcp") as two,
    ):
        ours = left.invite("sip:desk@stream.example", crossing.hop, body=crossing.offer())
        answer(crossing, left, ours, two)
        hang_up(left, ours, two)


@pytest.mark.parametrize(("host", "status"), [("nowhere.example", 404), ("trap.example", 480), (CLINIC, 404)])
def test_names_that_lead_nowhere(crossing: Crossing, host: str, status: int) -> None:
    with crossing.agent(crossing.left, crossing.left_address, "hospital") as left:
        ours = left.invite(f"sip:desk@{host}", crossing.hop, body=crossing.offer())
        left.ack(ours, left.expect(status, within=SLOWLY))


def test_explain_names_every_place(crossing: Crossing) -> None:
    said = gatewayctl(crossing.edge, "route", "explain", "hospital", "desk@partner.example")
    assert f"partner.example leads to udp {CLINIC}:5070, udp {CLINIC}:5080" in said
    assert "the call goes to sip:desk@" in said
