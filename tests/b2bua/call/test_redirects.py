"""Redirections: a refusal, unless the profile of the peer says that they are followed through the dial plan."""

from __future__ import annotations

import pytest
from msgspec import structs

from b2bua import sip
from b2bua.call.plan import Plan
from b2bua.call.redirects import MAX_REDIRECTIONS
from tests.b2bua.call.test_calls import ALICE, BOB, NET, Line, answer, offer, sdp
from tests.b2bua.call.test_transfer import CAROL, Party


class Redirected(Party):
    """Bob is not there, and says who is."""

    def __init__(self, *, followed: bool = True) -> None:
        super().__init__()
        signalling = self.gateway.plan.signalling
        peers = tuple(structs.replace(peer, redirects=followed) for peer in signalling.peers)
        self.gateway.plan = Plan("v9", structs.replace(signalling, peers=peers))
        self.turns = 0

    def redirect(self, *contacts: str) -> None:
        """Let whoever was called last say where to call."""
        sender, data = [
            (to, data) for _, to, data in self.world.wire if to[0] in {BOB, CAROL} and data.startswith(b"INVITE")
        ][-1]
        invite = sip.parse(data)
        rows = ["SIP/2.0 302 Moved", *(f"{name}: {invite.get(name)}" for name in ("Via", "From", "Call-ID", "CSeq"))]
        rows += [f"To: {invite.get('to')};tag=r{self.turns}", *(f"Contact: {one}" for one in contacts)]
        self.turns += 1
        flow = sip.Flow("udp", (NET, 5060), sender, "internet", 1, (NET, 5060))
        self.gateway.receive("\r\n".join([*rows, "Content-Length: 0", "", ""]).encode(), flow, self.world.now)
        self.world.settle()

    def heard(self) -> int:
        failed = self.alice.last(sip.Failed)
        assert isinstance(failed, sip.Failed)
        return failed.status


def test_a_redirection_is_followed_through_the_dial_plan() -> None:
    line = Redirected()
    line.dial(offer(ALICE))
    line.redirect(f"<sip:carol@{NET}>")
    assert line.carol.leg
    answer(line.carol, line.world, sdp(CAROL, 9000))
    assert line.alice.saw(sip.Answered)
    (info,) = line.gateway.calls(line.world.now)
    assert info.callee
    assert info.callee.peer == "practice"
    assert len(line.ports.open) == 2
    line.carol.leg.bye(line.world.now)
    line.world.settle()
    assert len(line.world.records) == 1


def test_the_best_contact_comes_first() -> None:
    line = Redirected()
    line.dial(offer(ALICE))
    line.redirect(f"<sip:nobody@{NET}>;q=0.9", f"<sip:bob2@{NET}>;q=0.1", f"<sip:carol@{NET}>;q=0.5", "<tel:1>;q=x")
    assert line.carol.leg


def test_by_default_it_is_a_refusal() -> None:
    line = Redirected(followed=False)
    line.dial(offer(ALICE))
    line.redirect(f"<sip:carol@{NET}>")
    assert not line.carol.leg
    assert line.heard() == 480
    assert line.ports.open == {}


@pytest.mark.parametrize("contacts", [[], ["<sip:nobody@192.0.2.1>"], ["<tel:+47>"], ["<mailto:a@b>"]])
def test_a_contact_that_leads_nowhere(contacts: list[str]) -> None:
    line = Redirected()
    line.dial(offer(ALICE))
    line.redirect(*contacts)
    assert line.heard() == 480
    assert line.ports.open == {}


def test_circles_end() -> None:
    line = Redirected()
    line.dial(offer(ALICE))
    for _ in range(MAX_REDIRECTIONS):
        line.redirect(f"<sip:bob@{NET}>")
        assert not line.alice.saw(sip.Failed)
    line.redirect(f"<sip:bob@{NET}>")
    assert line.heard() == 480
    assert isinstance(line, Line)
