"""What an answer of the callee says, and how much of it the caller is told."""

from __future__ import annotations

import pytest

from b2bua import sip
from b2bua.call.answers import MAX_RETRY_AFTER
from b2bua.call.exchange import ByRequest
from tests.b2bua.call.test_calls import ALICE, BOB, NET, Line, answer, offer, sdp


def refused(status: int, retry_after: str) -> tuple[int, str]:
    """Have Bob refuse a call, and give what Alice hears: the status, and when to try again."""
    line = Line()
    line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.reject(line.world.now, status, headers=[("Retry-After", retry_after)])
    line.world.settle()
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.response
    line.idle()
    return failed.status, failed.response.get("Retry-After")


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("120", "120"),
        ("18 (in a meeting; back soon);duration=3600", "18"),
        ("0;duration=60", "0"),
        (str(MAX_RETRY_AFTER + 1), str(MAX_RETRY_AFTER)),
        (str(2**32 - 1), str(MAX_RETRY_AFTER)),
        ("9" * 5000, ""),
        ("Fri, 1 Jan 2027 00:00:00 GMT", ""),
        ("-5", ""),
        ("(now)", ""),
    ],
)
def test_when_to_try_again_passes_bounded(said: str, heard: str) -> None:
    assert refused(486, said) == (486, heard)


@pytest.mark.parametrize(
    ("status", "heard"),
    [
        *((same, (same, "7")) for same in (404, 413, 480, 486, 500, 600, 603)),
        (503, (500, "7")),  # what the callee's server says of itself still tells when it may be had again
        (488, (488, "")),
        (420, (500, "")),
        (302, (480, "")),
    ],
)
def test_it_passes_where_it_means_something(status: int, heard: tuple[int, str]) -> None:
    """RFC 3261 20.33."""
    assert refused(status, "7") == heard


def test_a_change_that_came_too_early_says_when_to_try_again() -> None:
    """RFC 3261 14.2: a 500 to a re-INVITE carries Retry-After."""
    line = Line()
    line.up()
    assert line.alice.leg
    assert line.bob.leg
    line.alice.leg.reinvite(line.world.now, body=offer(ALICE, "a=x"))
    line.world.settle()
    line.bob.leg.reject(line.world.now, 500, headers=[("Retry-After", "9")])
    line.world.settle()
    failed = line.alice.last(sip.ReInviteFailed)
    assert isinstance(failed, sip.ReInviteFailed)
    assert failed.response
    assert (failed.status, failed.response.get("Retry-After")) == (500, "9")
    line.alice.leg.bye(line.world.now)
    line.idle()


def test_a_change_by_update_that_came_too_early_does_so_too() -> None:
    line = Line()
    line.up()
    assert line.bob.leg
    line.bob.leg.update(line.world.now, body=sdp(BOB, 7000, "a=x"))
    line.world.settle()
    asked = line.alice.last(sip.Offered)
    assert isinstance(asked, sip.Offered)
    ByRequest(asked.handle).refuse(line.world.now, 500, [("Retry-After", "3")])
    line.world.settle()
    failed = line.bob.last(sip.ReInviteFailed)
    assert isinstance(failed, sip.ReInviteFailed)
    assert failed.response
    assert failed.response.get("Retry-After") == "3"
    line.bob.leg.bye(line.world.now)
    line.idle()


@pytest.mark.parametrize(
    ("status", "words"), [(424, "Bad Location Information"), (499, "Bad Request"), (599, "Server")]
)
def test_an_unknown_status_is_one_of_its_class(status: int, words: str) -> None:
    """RFC 3261 8.1.3.2; the callee's own words do not pass."""
    line = Line()
    line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.reject(line.world.now, status, f"Ask at {BOB}")
    line.world.settle()
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == status
    assert failed.reason.startswith(words)


@pytest.mark.parametrize(("said", "heard"), [(180, 180), (181, 181), (182, 182), (183, 183), (150, 183), (189, 183)])
def test_an_unknown_progress_is_progress(said: int, heard: int) -> None:
    line = Line()
    line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.ring(line.world.now, said)
    line.world.settle()
    told = line.alice.last(sip.Provisional)
    assert isinstance(told, sip.Provisional)
    assert (told.response.status, told.response.reason) == (heard, sip.phrase(heard))


def test_a_fork_that_is_over_is_no_news() -> None:
    """RFC 6228: the caller has one dialog with us, and that goes on."""
    line = Line()
    line.dial(offer(ALICE))
    assert line.bob.leg
    flow = sip.Flow("udp", (NET, 5060), (BOB, 5060), "internet", 1, (NET, 5060))
    (invite,) = [sip.parse(data) for _, to, data in line.world.wire if to[0] == BOB]
    for status, tag in ((180, "f1"), (180, "f2"), (199, "f1")):
        rows = [f"SIP/2.0 {status} x", *(f"{name}: {invite.get(name)}" for name in ("Via", "From", "Call-ID", "CSeq"))]
        rows += [f"To: {invite.get('to')};tag={tag}", f"Contact: <sip:bob@{BOB}>", "Content-Length: 0", "", ""]
        line.gateway.receive("\r\n".join(rows).encode(), flow, line.world.now)
        line.world.settle()
    told = [event.response.status for event in line.alice.seen if isinstance(event, sip.Provisional)]
    assert told == [180, 180]
    (call,) = line.gateway._calls.values()
    assert set(call.legs["b"].forks) == {"f2"}
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert line.alice.saw(sip.Answered)
