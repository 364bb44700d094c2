"""Whole calls between endpoints in memory, in virtual time."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest

from b2bua.sip import (
    Answered,
    ByeReceived,
    Cancelled,
    Confirmed,
    Failed,
    IncomingInvite,
    Leg,
    Lost,
    Message,
    Provisional,
    Redirected,
    RequestAnswered,
    RequestReceived,
    StateError,
)
from b2bua.sip.farewell import say_bye
from b2bua.sip.transaction import Transaction
from tests.b2bua.sip.talk import connect, people, ring
from tests.b2bua.sip.wire import ANSWER, SDP, Host, LoseFirst, Wire


def test_a_call_and_its_end_by_the_caller(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, callee = connect(wire)
    caller.bye(wire.now, headers=(("Reason", "Q.850;cause=16"),))
    wire.run()
    assert bob.take(ByeReceived).request.get("Reason") == "Q.850;cause=16"
    assert caller.ended
    assert callee.ended
    assert not ann.seen
    expected = [
        *("ann INVITE INVITE", "bob 180 INVITE", "bob 200 INVITE", "ann ACK ACK", "ann BYE BYE", "bob 200 BYE"),
    ]
    assert wire.log == expected
    wire.assert_empty()
    assert wire.log == expected


def test_the_end_by_the_callee(wire: Wire) -> None:
    ann, _ = people(wire)
    _, callee = connect(wire)
    callee.bye(wire.now)
    wire.run()
    ann.take(ByeReceived)
    wire.assert_empty()


def test_both_hang_up_at_once(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, callee = connect(wire)
    caller.bye(wire.now)
    callee.bye(wire.now)
    wire.run()
    assert not ann.seen
    assert not bob.seen
    assert sorted(wire.log[-2:]) == ["ann 200 BYE", "bob 200 BYE"]  # each is answered, though it crossed (RFC 5407 3.3)
    wire.assert_empty()


def test_trying_is_sent_only_if_nothing_else_was(wire: Wire) -> None:
    ann, bob = people(wire)
    ann.endpoint.invite(wire.invitation(ann, bob), 0.0)
    wire.advance(0.19)
    assert wire.log == ["ann INVITE INVITE"]
    wire.advance(0.02)
    assert wire.log == ["ann INVITE INVITE", "bob 100 INVITE"]
    bob.take(IncomingInvite).leg.reject(wire.now, 486)
    wire.run()
    assert ann.take(Failed).status == 486
    wire.assert_empty()


def test_ringing_for_minutes_is_no_timeout(wire: Wire) -> None:
    ann, _ = people(wire)
    _, callee = ring(wire)
    wire.advance(600)
    assert not ann.seen
    callee.answer(wire.now, body=ANSWER)
    wire.run()
    ann.take(Answered)


def test_early_media(wire: Wire) -> None:
    ann, bob = people(wire)
    ann.endpoint.invite(wire.invitation(ann, bob), wire.now)
    wire.run()
    leg = bob.take(IncomingInvite).leg
    leg.ring(wire.now, 183, body=ANSWER)
    wire.run()
    early = ann.take(Provisional)
    assert (early.response.status, early.response.session) == (183, ANSWER)
    leg.answer(wire.now, body=ANSWER)
    wire.run()
    assert ann.take(Answered).to_tag == early.to_tag
    bob.take(Confirmed)


@pytest.mark.parametrize("status", [400, 404, 480, 486, 488, 500, 503, 603])
def test_refusals_keep_status_and_reason(wire: Wire, status: int) -> None:
    ann, _ = people(wire)
    _, callee = ring(wire)
    callee.reject(wire.now, status, "Not today", headers=(("Retry-After", "5"),))
    wire.run()
    failed = ann.take(Failed)
    assert (failed.status, failed.reason) == (status, "Not today")
    assert failed.response is not None
    assert failed.response.get("retry-after") == "5"
    assert wire.log[-1] == "ann ACK ACK"
    wire.assert_empty()


def test_redirection_gives_the_contacts(wire: Wire) -> None:
    ann, _ = people(wire)
    caller, callee = ring(wire)
    callee.reject(wire.now, 302)
    wire.run()
    assert ann.take(Redirected).response.status == 302
    assert caller.ended
    wire.assert_empty()


def test_cancel(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, callee = ring(wire)
    caller.cancel(wire.now)
    wire.run()
    assert bob.take(Cancelled).initial
    assert callee.ended
    assert not ann.seen
    assert wire.log[2:] == ["ann CANCEL CANCEL", "bob 200 CANCEL", "bob 487 INVITE", "ann ACK ACK"]
    wire.assert_empty()


def test_cancel_waits_for_a_provisional_answer(wire: Wire) -> None:
    ann, bob = people(wire)
    caller = ann.endpoint.invite(wire.invitation(ann, bob), wire.now)
    caller.cancel(wire.now)
    wire.run()
    assert wire.log == ["ann INVITE INVITE"]
    wire.advance(0.3)  # the 100 of the other side
    assert wire.log[1:3] == ["bob 100 INVITE", "ann CANCEL CANCEL"]
    wire.assert_empty()


def test_late_200_after_cancel_is_acked_and_ended(udp: Wire) -> None:
    ann, bob = people(udp)
    caller, callee = ring(udp)
    udp.lose = LoseFirst("ann CANCEL CANCEL")
    caller.cancel(udp.now)
    udp.run()
    callee.answer(udp.now, body=ANSWER)
    udp.run()
    bob.take(Confirmed)
    bob.take(ByeReceived)
    assert not ann.seen
    udp.assert_empty()


def test_cancel_without_any_further_answer_ends(udp: Wire) -> None:
    caller, _callee = ring(udp)
    udp.lose = lambda line: line.startswith("bob")
    caller.cancel(udp.now)
    udp.advance(40)
    ann, bob = people(udp)
    assert ann.endpoint.sizes["clients"] == 0
    bob.seen.clear()
    udp.assert_empty()


def test_lost_200_is_repeated_until_its_ack(wire: Wire) -> None:
    ann, bob = people(wire)
    _, callee = ring(wire)
    wire.lose = LoseFirst("bob 200 INVITE", 3)
    callee.answer(wire.now, body=ANSWER)
    wire.advance(10)
    assert wire.log.count("bob 200 INVITE") == 4
    ann.take(Answered)
    bob.take(Confirmed)


def test_lost_ack_is_sent_again_for_the_repeated_200(wire: Wire) -> None:
    ann, bob = people(wire)
    _, callee = ring(wire)
    wire.lose = LoseFirst("ann ACK ACK", 2)
    callee.answer(wire.now, body=ANSWER)
    wire.advance(10)
    assert wire.log.count("ann ACK ACK") == 3
    assert len(ann.seen) == 1
    ann.take(Answered)
    bob.take(Confirmed)


def test_without_ack_the_call_ends(wire: Wire) -> None:
    ann, bob = people(wire)
    _, callee = ring(wire)
    wire.lose = LoseFirst("ann ACK ACK", 99)
    callee.answer(wire.now, body=ANSWER)
    wire.advance(33)
    assert bob.take(Lost).status == 408
    ann.take(Answered)
    ann.take(ByeReceived)
    wire.assert_empty()


def test_bye_before_the_ack_waits_for_it(wire: Wire) -> None:
    ann, bob = people(wire)
    _, callee = ring(wire)
    wire.lose = LoseFirst("ann ACK ACK")
    callee.answer(wire.now, body=ANSWER)
    wire.run()
    callee.bye(wire.now)
    wire.run()
    assert "bob BYE BYE" not in wire.log
    wire.advance(1)
    assert wire.log[-3:] == ["ann ACK ACK", "bob BYE BYE", "ann 200 BYE"]
    ann.take(Answered)
    ann.take(ByeReceived)
    assert not bob.seen
    wire.assert_empty()


def test_both_hang_up_before_the_ack(udp: Wire) -> None:
    ann, bob = people(udp)
    caller, callee = ring(udp)
    udp.lose = LoseFirst("ann ACK ACK", 99)
    callee.answer(udp.now, body=ANSWER)
    udp.run()
    callee.bye(udp.now)  # waits for the ACK
    caller.bye(udp.now)
    udp.run()
    ann.take(Answered)
    assert not bob.seen
    assert "bob BYE BYE" not in udp.log
    udp.assert_empty()
    assert not bob.seen


def test_a_leg_that_waits_to_say_bye_takes_no_more_requests(udp: Wire) -> None:
    ann, bob = people(udp)
    caller, callee = ring(udp)
    udp.lose = LoseFirst("ann ACK ACK")
    callee.answer(udp.now, body=ANSWER)
    udp.run()
    callee.bye(udp.now)
    caller.request(udp.now, "INFO")
    udp.run()
    assert "bob 481 INFO" in udp.log
    assert not bob.seen
    ann.seen.clear()
    udp.assert_empty()


def test_cancel_after_the_answer_has_no_effect(udp: Wire) -> None:
    ann, bob = people(udp)
    caller, callee = ring(udp)
    udp.lose = LoseFirst("bob 200 INVITE")
    callee.answer(udp.now, body=ANSWER)
    udp.run()
    caller.cancel(udp.now)
    udp.run()
    assert udp.log[-2:] == ["ann CANCEL CANCEL", "bob 200 CANCEL"]
    assert not bob.seen
    assert callee.state == "answered"
    udp.advance(1)
    bob.take(Confirmed)
    bob.take(ByeReceived)
    assert not ann.seen
    udp.assert_empty()


def test_ended_calls_need_no_garbage_collector(wire: Wire) -> None:
    """Whatever held a call lets go of it: nothing waits in cycles."""
    ann, bob = people(wire)
    gc.collect()
    gc.disable()
    before = _held()  # by another test's report
    try:
        for ending in ("bye", "cancel", "reject"):
            caller, callee = connect(wire) if ending == "bye" else ring(wire)
            callee.reject(wire.now, 486) if ending == "reject" else caller.end(wire.now)
            wire.run()
            ann.seen.clear()
            bob.seen.clear()
            del caller, callee
        wire.assert_empty()
        known = set(map(id, before))
        assert [one for one in _held() if id(one) not in known] == []
    finally:
        gc.enable()


def _held() -> list[object]:
    return [one for one in gc.get_objects() if isinstance(one, Leg | Transaction | Message)]


def test_a_bye_ends_the_repeating_of_the_200(udp: Wire) -> None:
    ann, bob = people(udp)
    caller, callee = ring(udp)
    udp.lose = LoseFirst("ann ACK ACK", 99)
    callee.answer(udp.now, body=ANSWER)
    udp.run()
    ann.take(Answered)
    caller.bye(udp.now)
    udp.run()
    bob.take(ByeReceived)
    udp.advance(40)
    assert udp.log.count("bob 200 INVITE") == 1
    assert not bob.seen


def test_bye_of_the_caller_crosses_the_200(udp: Wire) -> None:
    """The caller gives up on early media with a BYE (RFC 3261 15): the INVITE gets 487."""
    ann, bob = people(udp)
    caller, callee = ring(udp)
    caller.request(udp.now, "BYE")
    udp.run()
    bob.take(ByeReceived)
    assert callee.ended
    assert ann.take(RequestAnswered).status == 200
    assert ann.take(Failed).status == 487
    udp.assert_empty()


def test_bye_of_the_callee_arrives_before_its_200(udp: Wire) -> None:
    ann, bob = people(udp)
    _, callee = ring(udp)
    udp.lose = LoseFirst("bob 200 INVITE")
    callee.answer(udp.now, body=ANSWER)
    udp.run()
    assert callee.dialog is not None
    say_bye(callee, callee.dialog)  # a callee that does not wait for the ACK
    udp.run()
    ann.take(ByeReceived)
    assert udp.log[-4:] == ["bob BYE BYE", "ann 200 BYE", "ann CANCEL CANCEL", "bob 200 CANCEL"]
    udp.advance(40)
    assert not ann.seen
    bob.seen.clear()
    udp.assert_empty()


def test_nobody_answers(udp: Wire) -> None:
    ann, bob = people(udp)
    udp.lose = lambda line: line.startswith("ann")
    ann.endpoint.invite(udp.invitation(ann, bob), 0.0)
    udp.advance(31.9)
    assert udp.log == ["ann INVITE INVITE"] * 7  # at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 seconds
    assert not ann.seen
    udp.advance(0.2)
    assert ann.take(Failed).status == 408
    udp.assert_empty()


def test_undeliverable_is_503(wire: Wire) -> None:
    ann, _ = people(wire)
    ghost = Host("ghost", ("192.0.2.99", 5060))
    leg = ann.endpoint.invite(wire.invitation(ann, ghost), 0.0)
    wire.run()
    wire.run()
    failed = ann.take(Failed)
    assert (failed.leg, failed.status) == (leg, 503)
    wire.assert_empty()


def test_a_retransmitted_invite_is_absorbed(udp: Wire) -> None:
    ann, bob = people(udp)
    ann.endpoint.invite(udp.invitation(ann, bob), 0.0)
    udp.lose = lambda line: line.startswith("bob")
    udp.advance(4)
    assert udp.log.count("ann INVITE INVITE") == 4
    bob.take(IncomingInvite)
    assert not bob.seen


def test_requests_inside_and_outside_dialogs(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, callee = connect(wire)
    sent = caller.request(wire.now, "INFO", (("Info-Package", "x"),), b"<x/>", "application/x+xml")
    wire.run()
    info = bob.take(RequestReceived)
    assert info.leg is callee
    assert (info.request.method, info.request.body) == ("INFO", b"<x/>")
    info.handle.respond(wire.now)
    wire.run()
    answered = ann.take(RequestAnswered)
    assert (answered.handle, answered.status) == (sent, 200)
    ping = bob.endpoint.request("OPTIONS", wire.invitation(bob, ann, body=b""), wire.now)
    wire.run()
    options = ann.take(RequestReceived)
    assert options.leg is None
    options.handle.respond(wire.now, 503, headers=(("Retry-After", "10"),))
    wire.run()
    assert bob.take(RequestAnswered).handle is ping


def test_a_request_on_an_ended_leg_is_answered_481(wire: Wire) -> None:
    ann, _ = people(wire)
    caller, _ = connect(wire)
    caller.bye(wire.now)
    handle = caller.request(wire.now, "INFO")
    wire.run()
    answered = ann.take(RequestAnswered)
    assert (answered.handle, answered.status, answered.response) == (handle, 481, None)
    wire.assert_empty()


def test_the_owner_who_never_answers_options_leaks_nothing(wire: Wire) -> None:
    ann, bob = people(wire)
    ann.endpoint.request("OPTIONS", wire.invitation(ann, bob, body=b""), wire.now)
    wire.advance(33)
    assert ann.take(RequestAnswered).status == 408
    wire.assert_empty()


def test_end_fits_every_state(wire: Wire) -> None:
    ann, bob = people(wire)
    caller, callee = ring(wire)
    callee.end(wire.now, 486)
    wire.run()
    assert ann.take(Failed).status == 486
    caller, callee = ring(wire)
    caller.end(wire.now)
    wire.run()
    bob.take(Cancelled)
    caller, callee = connect(wire)
    callee.end(wire.now)
    wire.run()
    ann.take(ByeReceived)
    caller.end(wire.now)
    wire.assert_empty()


def test_commands_out_of_place(wire: Wire) -> None:
    caller, callee = ring(wire)
    commands: list[Callable[[], object]] = [
        lambda: caller.answer(wire.now, body=ANSWER),
        lambda: caller.bye(wire.now),
        lambda: caller.reinvite(wire.now, body=SDP),
        lambda: callee.cancel(wire.now),
        lambda: callee.answer(wire.now),
        lambda: callee.ring(wire.now, 200),
        lambda: callee.reject(wire.now, 200),
        lambda: callee.ack(wire.now),
        lambda: callee.request(wire.now, "INVITE"),
    ]
    for command in commands:
        with pytest.raises(StateError):
            command()
    caller.cancel(wire.now)
    caller.cancel(wire.now)
    caller.bye(wire.now)
    wire.assert_empty()
