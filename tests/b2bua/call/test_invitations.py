"""What an INVITE says of itself beside whom it calls: for how long it is good, and how its body is packed."""

from __future__ import annotations

import pytest

from b2bua import sip
from b2bua.call.call import MAX_RINGING
from tests.b2bua.call.test_calls import ALICE, BOB, Line, answer, offer, sdp
from tests.b2bua.call.town import Town
from tests.b2bua.call.world import Rewritten
from vdx.dialplan import Alternative, DialRule


@pytest.mark.parametrize("rings", [True, False])
def test_an_invitation_expires_by_its_own_word(rings: bool) -> None:
    """RFC 3261 13.3.1."""
    line = Line()
    line.dial(offer(ALICE), headers=[("Expires", "30")])
    assert line.bob.leg
    if rings:
        line.bob.leg.ring(line.world.now)
    line.world.wait(29)
    assert not line.alice.saw(sip.Failed)
    line.world.wait(2)
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 487
    assert line.bob.saw(sip.Cancelled)
    (record,) = line.world.records
    assert (record.status, record.ended_by, record.why) == (
        487,
        "caller",
        "the invitation expired, by its own Expires",
    )
    line.idle()


def test_other_places_have_what_is_left_of_it() -> None:
    town = Town(DialRule("s:1", "*", among=(Alternative("one"), Alternative("two"))))
    town.world.lose = lambda _from, to, _data: to == town.agent("one").address
    town.dial("a", headers=[("Expires", "20")])
    town.world.wait(19)
    assert town.invited()[0] == "one"
    assert town.agent("two").leg
    town.world.wait(2)
    assert town.failed().status == 487
    assert town.agent("two").saw(sip.Cancelled)
    town.idle()


@pytest.mark.parametrize("said", ["0", "soon", "-1", "3600"])
def test_what_says_nothing_of_use_changes_nothing(said: str) -> None:
    line = Line()
    line.dial(offer(ALICE), headers=[("Expires", said)])
    assert line.bob.leg
    line.bob.leg.ring(line.world.now)
    line.world.wait(MAX_RINGING - 1)
    assert not line.alice.saw(sip.Failed)
    answer(line.bob, line.world, sdp(BOB, 7000))
    line.world.wait(4000)
    assert len(line.gateway.calls(line.world.now)) == 1


def test_a_call_that_was_answered_expires_no_more() -> None:
    line = Line()
    line.dial(offer(ALICE), headers=[("Expires", "30")])
    answer(line.bob, line.world, sdp(BOB, 7000))
    line.world.wait(25)
    assert line.alice.leg
    line.alice.leg.reinvite(line.world.now, body=offer(ALICE, "a=x"))
    line.world.wait(60)  # a change has its own time
    assert not line.alice.saw(sip.ReInviteFailed)
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert line.alice.saw(sip.ReInviteAnswered)
    assert len(line.gateway.calls(line.world.now)) == 1


@pytest.mark.parametrize("said", ["signal;handling=optional", "signal ; Handling = OPTIONAL;x=y"])
def test_a_strange_body_may_be_left_aside_where_its_sender_says_so(said: str) -> None:
    """RFC 3261 8.2.3: the call is one without an offer, and a change one that asks for one."""
    line = Line()
    more = f"Content-Type: application/isup\r\nContent-Disposition: {said}\r\nContent-Length: 2\r\n\r\n\x01I".encode()

    def spoken(data: bytes) -> bytes:
        return data.replace(b"Content-Length: 0\r\n\r\n", more) if data.startswith(b"INVITE") else data

    line.alice.core = Rewritten(line.alice.core, spoken)  # type: ignore[assignment]
    line.dial(None)
    assert line.bob.leg
    invited = line.bob.last(sip.IncomingInvite)
    assert isinstance(invited, sip.IncomingInvite)
    assert not invited.request.body
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert line.alice.leg
    line.alice.leg.ack(line.world.now, body=offer(ALICE))
    line.world.settle()
    (info,) = line.gateway.calls(line.world.now)
    assert info.state == "up"
    assert len(info.streams) == 2
    line.alice.leg.bye(line.world.now)
    line.idle()


def test_and_may_not_where_it_has_to_be_understood() -> None:
    line = Line()
    line.dial(b"I", content_type="application/isup", headers=[("Content-Disposition", "signal;handling=optionally")])
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 415
    line.idle()


@pytest.mark.parametrize(("coding", "status"), [("gzip", 415), ("identity, gzip", 415), ("Identity", 486)])
def test_a_packed_body_is_refused(coding: str, status: int) -> None:
    """RFC 3261 8.2.3."""
    line = Line()
    line.dial(offer(ALICE), headers=[("Content-Encoding", coding)])
    if line.bob.leg:
        line.bob.leg.reject(line.world.now, 486)
        line.world.settle()
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.response
    assert failed.status == status
    assert failed.response.get("accept-encoding") == ("identity" if status == 415 else "")
    line.idle()


@pytest.mark.parametrize("by_update", [False, True])
def test_so_is_that_of_a_change(by_update: bool) -> None:
    line = Line()
    line.up()
    assert line.alice.leg
    change = line.alice.leg.update if by_update else line.alice.leg.reinvite
    change(line.world.now, headers=[("Content-Encoding", "gzip")], body=offer(ALICE))
    line.world.settle()
    failed = line.alice.last(sip.ReInviteFailed)
    assert isinstance(failed, sip.ReInviteFailed)
    assert failed.response
    assert (failed.status, failed.response.get("accept-encoding")) == (415, "identity")
    assert not line.bob.saw(sip.ReInvite)
    assert not line.bob.saw(sip.Offered)
    line.alice.leg.bye(line.world.now)
    line.idle()
