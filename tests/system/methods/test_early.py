"""PRACK and UPDATE across the edge: early answers that count, and changes of them before somebody answers."""

from __future__ import annotations

import pytest

from tests.peers.agent import Agent, Dialog, place
from tests.peers.message import Message
from tests.system.calls.crossing import Crossing

pytestmark = pytest.mark.system

ABLE = [("Supported", "100rel"), ("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE")]


def reliably(number: int) -> list[tuple[str, str]]:
    return [("Require", "100rel"), ("RSeq", str(number)), ABLE[1]]


def confirm(agent: Agent, call: Dialog, early: Message) -> None:
    """Acknowledge a reliable response, and enter its dialog."""
    assert "100rel" in early["Require"]
    call.remote, call.target, call.hop = early["To"], early.contact, place(early.contact)
    number = int(early["CSeq"].split()[0])
    agent.request(call, "PRACK", more=[("RAck", f"{early['RSeq']} {number} INVITE")])
    assert agent.expect(200).method == "PRACK"


def early(crossing: Crossing, left: Agent, right: Agent) -> tuple[Dialog, Dialog, Message]:
    """Call, and answer early: the dialogs of both, and the callee's INVITE."""
    ours = left.invite(crossing.uri(crossing.alias), crossing.hop, body=crossing.offer(), more=ABLE)
    invite = right.expect("INVITE")
    assert "100rel" in invite["Supported"]
    theirs = right.accept(invite)
    right.reply(invite, 183, call=theirs, body=crossing.answer(), more=reliably(41))
    prack = right.expect("PRACK")
    assert prack["RAck"] == f"41 {invite['CSeq']}"
    right.reply(prack, 200)
    confirm(left, ours, left.expect(183))
    return ours, theirs, invite


def finish(crossing: Crossing, left: Agent, right: Agent, ours: Dialog, theirs: Dialog, invite: Message) -> None:
    right.reply(invite, 200, call=theirs, more=ABLE)
    final = left.expect(200)
    assert not final.body  # it has been said, and confirmed
    left.ack(ours, final)
    right.expect("ACK")
    left.bye(ours)
    right.reply(right.expect("BYE"), 200)
    left.expect(200)
    crossing.check_hidden(left, right)


def test_an_early_answer_is_confirmed_on_both_sides(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        ours, theirs, invite = early(crossing, left, right)
        finish(crossing, left, right, ours, theirs, invite)


def test_the_session_changes_before_the_answer(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        ours, theirs, invite = early(crossing, left, right)
        left.request(ours, "UPDATE", body=crossing.offer("inactive", version=2), more=ABLE)
        update = right.expect("UPDATE")
        assert "a=inactive" in update.body
        right.reply(update, 200, body=crossing.answer("inactive", version=2))
        assert "a=inactive" in left.expect(200).body
        right.request(theirs, "UPDATE", body=crossing.answer(version=3), more=ABLE)
        update = left.expect("UPDATE")
        left.reply(update, 200, body=crossing.offer(version=3))
        assert "a=inactive" not in right.expect(200).body
        finish(crossing, left, right, ours, theirs, invite)


def test_a_reliable_answer_is_repeated_until_it_is_confirmed(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        ours = left.invite(crossing.uri(crossing.alias), crossing.hop, body=crossing.offer(), more=ABLE)
        invite = right.expect("INVITE")
        theirs = right.accept(invite)
        right.reply(invite, 183, call=theirs, body=crossing.answer(), more=reliably(1))
        right.reply(right.expect("PRACK"), 200)
        progress = left.expect(183)
        right.reply(invite, 200, call=theirs, more=ABLE)
        left.expect_copies(progress, 3, within=15)  # at T1, 2 T1; the 200 waits
        confirm(left, ours, progress)
        final = left.expect(200)
        left.ack(ours, final)
        right.expect("ACK")
        left.bye(ours)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


def test_another_fork_answers_than_the_one_that_was_confirmed(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        ours = left.invite(crossing.uri(crossing.alias), crossing.hop, body=crossing.offer(), more=ABLE)
        invite = right.expect("INVITE")
        one, two = right.accept(invite, "one"), right.accept(invite, "two")
        right.reply(invite, 183, call=one, body=crossing.answer(), more=reliably(1))
        right.reply(right.expect("PRACK"), 200)
        confirm(left, ours, left.expect(183))
        right.reply(invite, 183, call=two, body=crossing.answer("recvonly"), more=reliably(700))
        second = right.expect("PRACK")
        assert (second.tag("To"), second["RAck"].split()[0]) == ("two", "700")
        right.reply(second, 200)
        left.expect(183)
        right.reply(invite, 200, call=two, more=ABLE)
        final = left.expect(200)
        left.ack(ours, final)
        assert right.expect("ACK").tag("To") == "two"
        again = left.expect("INVITE")  # what the one that answered has said
        assert "a=recvonly" in again.body
        final = left.reply(again, 200, call=ours, body=crossing.offer("sendonly", version=2))
        left.expect("ACK")
        left.bye(ours)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


def test_two_updates_at_once(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        ours = left.invite(crossing.uri(crossing.alias), crossing.hop, body=crossing.offer(), more=ABLE)
        invite = right.expect("INVITE")
        theirs = right.accept(invite)
        right.reply(invite, 200, call=theirs, body=crossing.answer(), more=ABLE)
        left.ack(ours, left.expect(200))
        right.expect("ACK")
        left.request(ours, "UPDATE", body=crossing.offer(version=2), more=ABLE)
        update = right.expect("UPDATE")
        right.request(theirs, "UPDATE", body=crossing.answer(version=2), more=ABLE)
        assert right.expect_one_of(491, 500)["CSeq"].endswith("UPDATE")
        right.reply(update, 491)  # it has an offer of its own open, it thinks
        assert left.expect(491)["CSeq"].endswith("UPDATE")
        left.request(ours, "UPDATE", body=crossing.offer(version=3), more=ABLE)
        right.reply(right.expect("UPDATE"), 200, body=crossing.answer(version=3))
        left.expect(200)
        left.bye(ours)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
