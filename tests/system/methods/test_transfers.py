"""Transfers across the edge: REFER blind and attended, and an INVITE that takes a place."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.peers.agent import Agent, Dialog
from tests.peers.message import Message
from tests.system.calls.crossing import Crossing

pytestmark = pytest.mark.system


def told(agent: Agent, status: str) -> Message:
    """Take one NOTIFY about a transfer."""
    notify = agent.expect("NOTIFY")
    assert notify["Event"].startswith("refer;id=")
    assert notify.body == f"SIP/2.0 {status}\r\n"
    agent.reply(notify, 200)
    return notify


def tags(call: Dialog) -> str:
    """Name a dialog as its far end knows it (RFC 3891 6.1)."""
    remote, local = (one.rpartition("tag=")[2] for one in (call.remote, call.local))
    return f"{call.call_id};to-tag={remote};from-tag={local}"


def test_a_blind_transfer(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        left.request(call.left, "REFER", more=[("Refer-To", f"<{crossing.uri(crossing.alias)}>")])
        assert left.expect(202).method == "REFER"
        told(left, "100 Trying")
        invite = right.expect("INVITE")
        assert not invite.body
        assert not [name for name, _ in invite.fields if name.lower() in {"refer-to", "replaces"}]
        newcomer = right.accept(invite)
        right.reply(invite, 180, call=newcomer)
        told(left, "180 Ringing")
        right.reply(invite, 200, call=newcomer, body=crossing.answer(version=7))
        again = right.expect("INVITE")  # the one who stays is asked
        right.reply(again, 200, call=call.right, body=crossing.answer(version=2))
        first, second = right.expect("ACK"), right.expect("ACK")
        assert {bool(first.body), bool(second.body)} == {True, False}
        assert told(left, "200 OK")["Subscription-State"].startswith("terminated")
        left.reply(left.expect("BYE"), 200)
        right.bye(newcomer)
        _, bye = right.expect_each(200, "BYE")
        right.reply(bye, 200)
        crossing.check_hidden(left, right)


def test_a_transfer_to_somebody_who_is_busy(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        left.request(call.left, "REFER", more=[("Refer-To", f"<{crossing.uri(crossing.alias)}>")])
        left.expect(202)
        told(left, "100 Trying")
        right.reply(right.expect("INVITE"), 486)
        right.expect("ACK")
        assert told(left, "486 Busy Here")["Subscription-State"].startswith("terminated")
        left.bye(call.left)  # the call is as it was
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


def test_an_attended_transfer(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        one, two = crossing.establish(left, right), crossing.establish(left, right)
        refer_to = f"<{crossing.uri(crossing.alias)}?Replaces={quote(tags(two.left), safe='')}>"
        left.request(one.left, "REFER", more=[("Refer-To", refer_to)])
        left.expect(202)
        told(left, "100 Trying")
        asked = right.expect("INVITE")
        assert asked["Call-ID"] == two.invite["Call-ID"]
        assert not asked.body
        right.reply(asked, 200, call=two.right, body=crossing.answer(version=2))
        offered = right.expect("INVITE")
        assert offered["Call-ID"] == one.invite["Call-ID"]
        right.reply(offered, 200, call=one.right, body=crossing.answer(version=2))
        right.expect("ACK")
        right.expect("ACK")
        told(left, "200 OK")
        for _ in range(2):
            left.reply(left.expect("BYE"), 200)
        assert len(crossing.edge.calls()) == 1
        right.bye(one.right)
        _, bye = right.expect_each(200, "BYE")
        assert bye["Call-ID"] == two.invite["Call-ID"]
        right.reply(bye, 200)
        crossing.check_hidden(left, right)


def test_an_invite_takes_the_place_of_its_own_peer(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        more = [("Require", "replaces"), ("Replaces", tags(call.left))]
        other = left.invite(crossing.uri(crossing.alias), crossing.hop, body=crossing.offer(version=9), more=more)
        again = right.expect("INVITE")
        assert again["Call-ID"] == call.invite["Call-ID"]
        right.reply(again, 200, call=call.right, body=crossing.answer(version=2))
        final, bye = left.expect_each(200, "BYE")
        assert bye["Call-ID"] == call.left.call_id
        left.reply(bye, 200)
        left.ack(other, final)
        right.expect("ACK")
        left.bye(other)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


def test_a_replaces_that_fits_no_dialog(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        more = [("Require", "replaces"), ("Replaces", "nobody;to-tag=x;from-tag=y")]
        call = left.invite(crossing.uri(crossing.alias), crossing.hop, body=crossing.offer(), more=more)
        left.ack(call, left.expect(481))
        right.expect_nothing()


def test_a_refer_outside_a_call(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = left.invite(crossing.uri("nobody"), crossing.hop, body=crossing.offer())
        left.ack(call, left.expect(404))
        call.remote = call.remote.partition(";tag=")[0]
        left.request(call, "REFER", more=[("Refer-To", f"<{crossing.uri(crossing.alias)}>")])
        left.expect(403)
        right.expect_nothing()
