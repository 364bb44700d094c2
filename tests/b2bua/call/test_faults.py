"""A fault in one call is the end of that call alone: nothing reaches the shell, nothing is left."""

from __future__ import annotations

import logging

import pytest

from b2bua import sip
from b2bua.call.call import Call
from b2bua.call.dialled import MAX_DIALLED
from b2bua.call.session import Session
from tests.b2bua.call.test_calls import ALICE, Line, offer


def heard(line: Line) -> int:
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    return failed.status


def boom(*_args: object, **_more: object) -> None:
    raise LookupError("a fault of ours")


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("length", [MAX_DIALLED + 1, 4096 - len("sip:@198.18.0.10")])
def test_a_long_dialled_user_is_not_found(length: int, late: bool) -> None:
    line = Line()
    line.dial(None if late else offer(ALICE), user="b" * length)
    assert heard(line) == 404
    assert line.ports.told == []
    assert line.gateway.counts["refused: dialled user"] == 1
    line.idle()


def test_the_longest_dialled_user_is_called() -> None:
    line = Line()
    line.dial(offer(ALICE), user="bob".ljust(MAX_DIALLED, "b"))
    assert line.bob.leg
    line.bob.leg.reject(line.world.now, 486)
    line.idle()


@pytest.mark.pure
@pytest.mark.parametrize("error", [sip.UriError("too long", 414), sip.HeaderError("broken")])
def test_an_invite_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, error: sip.SipError) -> None:
    line = Line()

    def refuse(*_args: object) -> sip.Leg:
        raise error

    monkeypatch.setattr(line.gateway.endpoint, "invite", refuse)
    line.dial(offer(ALICE))
    assert heard(line) == error.status
    line.idle()


@pytest.mark.parametrize(
    ("owner", "name"), [(Call, "_call_out"), (Call, "begin"), (Session, "offer"), (Session, "_take_offer")]
)
def test_a_fault_while_calling_ends_that_call(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, owner: type, name: str
) -> None:
    line = Line()
    line.up()
    monkeypatch.setattr(owner, name, boom)
    with caplog.at_level(logging.ERROR):
        line.dial(offer(ALICE))
    assert "LookupError: a fault of ours" in caplog.text
    assert heard(line) == 500
    assert len(line.gateway.calls(line.world.now)) == 1  # the one before goes on
    assert line.gateway.counts["faults"] == 1


def test_a_fault_before_there_is_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    monkeypatch.setattr(line.gateway.plan.dialplan, "route", boom)
    line.dial(offer(ALICE))
    assert heard(line) == 500
    line.idle()


def test_a_fault_over_a_request_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    line.up()
    assert line.alice.leg
    monkeypatch.setattr(Call, "beside", boom)
    line.alice.leg.request(line.world.now, "INFO", body=b"<x/>", content_type="application/media_control+xml")
    line.world.settle()
    answered = line.alice.last(sip.RequestAnswered)
    assert isinstance(answered, sip.RequestAnswered)
    assert answered.status == 500
    line.alice.leg.bye(line.world.now)
    line.idle()


def test_a_leg_that_cannot_end_holds_no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    line.up()
    call = line.gateway.calls(line.world.now)[0].call
    monkeypatch.setattr(sip.Leg, "end", boom)
    assert line.gateway.hang_up(call, "operator", line.world.now)
    line.world.settle()
    assert line.ports.open == {}
    assert line.gateway.sizes["calls"] == 0
