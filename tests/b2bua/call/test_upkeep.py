"""Calls while they last: leases renewed in slices, late answers, ends that vanish."""

from __future__ import annotations

import msgspec
import pytest

from b2bua import sip
from b2bua.call.plan import Plan
from b2bua.call.upkeep import QUIET_SECONDS, SLICE_LEASES
from b2bua.sip.farewell import close
from tests.b2bua.call.test_calls import ALICE, BOB, Line, answer, offer, sdp
from vdx import pinhole
from vdx.ids import RENEW_SECONDS


def hold(line: Line) -> None:
    """Put the call on hold: nobody is expected to be heard."""
    assert line.alice.leg
    line.alice.leg.reinvite(line.world.now, body=held(ALICE, 6000, "sendonly"))
    line.world.settle()
    answer(line.bob, line.world, held(BOB, 7000, "recvonly"))


def held(host: str, port: int, direction: str) -> bytes:
    return sdp(host, port).replace(b"t=0 0\r\n", f"t=0 0\r\na={direction}\r\n".encode())


def renewals(line: Line) -> list[pinhole.Renew]:
    return [told for told in line.ports.told if isinstance(told, pinhole.Renew)]


def options(line: Line, host: str) -> int:
    return sum(to[0] == host and data.startswith(b"OPTIONS") for _, to, data in line.world.wire)


def test_renewals_come_in_slices_over_the_whole_round() -> None:
    calls = SLICE_LEASES + 1  # of two leases each: three slices
    line = Line(calls=calls)
    for _ in range(calls):
        line.up()
    line.world.wait(RENEW_SECONDS * 1.5)
    line.ports.told.clear()
    asked = []
    for _ in range(10):
        line.world.wait(RENEW_SECONDS / 10)
        asked.append(len(renewals(line)))
    assert asked[-1] == 3
    assert max(later - earlier for earlier, later in zip([0, *asked], asked, strict=False)) == 1  # spread, not at once
    assert max(len(told.leases) for told in renewals(line)) <= SLICE_LEASES
    named = [lease for told in renewals(line) for lease in told.leases]
    assert sorted(named) == sorted(line.ports.open)


def test_a_round_leaves_out_calls_that_ended() -> None:
    line = Line(calls=SLICE_LEASES)
    for _ in range(SLICE_LEASES):
        line.up()
    line.world.wait(RENEW_SECONDS)
    line.ports.told.clear()
    for call in line.gateway.calls(line.world.now):
        line.gateway.hang_up(call.call, "operator", line.world.now)
    line.world.wait(RENEW_SECONDS)
    assert renewals(line) == []
    line.idle()


def test_a_late_answer_still_tells_what_is_gone() -> None:
    line = Line()
    line.up()
    line.world.answers = False
    line.world.wait(RENEW_SECONDS + 1)
    (renew,) = renewals(line)
    line.world.wait(10)
    line.gateway.on_pinhole(pinhole.Renewed(renew.id, (), renew.leases), line.world.now)
    line.world.answers = True
    line.world.settle()
    assert line.alice.saw(sip.ByeReceived)
    line.idle()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("idle", [None, QUIET_SECONDS + 1])
def test_a_call_whose_ends_vanished_ends(idle: float | None, transport: str) -> None:
    line = Line(transport)
    line.up()
    hold(line)
    line.ports.idle = idle
    line.world.lose = lambda _from, _to, _data: True
    line.world.wait(QUIET_SECONDS + 2 * RENEW_SECONDS + 64)
    (record,) = line.world.records
    assert record.why.startswith("lost: ")
    assert line.gateway.sizes["calls"] == 0
    assert line.ports.open == {}


def test_one_end_that_forgot_the_call_ends_it() -> None:
    line = Line()
    line.up()
    hold(line)
    line.ports.idle = None
    assert line.bob.leg
    close(line.bob.leg)  # bob was restarted: he answers 481
    line.world.wait(QUIET_SECONDS + 2 * RENEW_SECONDS)
    assert line.alice.saw(sip.ByeReceived)
    line.idle()


def test_an_end_that_cannot_be_reached_ends_the_call() -> None:
    line = Line("tcp")
    line.up()
    hold(line)
    line.world.wait(QUIET_SECONDS + 1)
    quiet = tuple(pinhole.Usage(lease, pinhole.Traffic(), pinhole.Traffic()) for lease in line.ports.open)
    line.gateway.on_pinhole(pinhole.Renewed(0, quiet), line.world.now)
    for outgoing in line.gateway.to_send():
        line.gateway.send_failed(outgoing, "nobody listens", line.world.now)
    line.world.settle()
    assert [record.why for record in line.world.records] == ["lost: OPTIONS could not be delivered"]


def test_a_call_on_hold_is_asked_and_stays() -> None:
    line = Line()
    line.up()
    hold(line)
    line.ports.idle = None
    line.world.wait(10 * (QUIET_SECONDS + RENEW_SECONDS))
    assert len(line.gateway.calls(line.world.now)) == 1
    for host in (ALICE, BOB):
        assert 9 <= options(line, host) <= 10


def test_a_call_that_is_heard_is_never_asked() -> None:
    line = Line()
    line.up()
    line.ports.idle = QUIET_SECONDS
    line.world.wait(3 * QUIET_SECONDS)
    assert options(line, ALICE) == options(line, BOB) == 0


def test_one_stream_that_is_heard_is_enough() -> None:
    line = Line()
    line.up()
    hold(line)
    line.world.wait(QUIET_SECONDS + 1)
    first, second = line.ports.open
    never, just = pinhole.Traffic(), pinhole.Traffic(1, 100, 0, 1.0)
    for usage in (
        (pinhole.Usage(first, never, just), pinhole.Usage(second, just, never)),
        (pinhole.Usage(first, never, never),),  # nothing is said of the other one
    ):
        line.gateway.on_pinhole(pinhole.Renewed(0, usage), line.world.now)
    line.world.settle()
    assert options(line, ALICE) == 0


@pytest.mark.parametrize("gone", ["a", "b"])
def test_a_lecture_whose_other_end_is_gone_ends(gone: str) -> None:
    """It is not judged by what is heard, as nobody has to speak; but the end that nobody hears is asked."""
    line = Line()
    line.up()
    hold(line)
    line.world.wait(QUIET_SECONDS + 1)
    never, just = pinhole.Traffic(), pinhole.Traffic(1, 100, 0, 1.0)
    ends = (never, just) if gone == "a" else (just, never)
    usage = tuple(pinhole.Usage(lease, *ends) for lease in line.ports.open)
    line.gateway.on_pinhole(pinhole.Renewed(0, usage), line.world.now)
    line.world.settle()
    assert options(line, ALICE) == options(line, BOB) == 1
    assert len(line.gateway.calls(line.world.now)) == 1
    agent = line.alice if gone == "a" else line.bob
    assert agent.leg
    close(agent.leg)  # it was restarted, and answers 481 the next time
    line.world.now += QUIET_SECONDS
    line.gateway.on_pinhole(pinhole.Renewed(0, usage), line.world.now)
    line.world.settle()
    assert line.gateway.calls(line.world.now) == ()
    line.idle()


def test_a_call_without_any_lease_is_asked_too() -> None:
    line = Line()
    line.up()
    assert line.alice.leg
    refused = sdp(ALICE, 6000).replace(b"m=audio 6000", b"m=audio 0").replace(b"m=video 6002", b"m=video 0")
    line.alice.leg.reinvite(line.world.now, body=refused)
    line.world.settle()
    answer(line.bob, line.world, sdp(BOB, 7000).replace(b"7000", b"0").replace(b"7002", b"0"))
    assert line.ports.open == {}
    line.world.wait(QUIET_SECONDS + 2 * RENEW_SECONDS)
    assert options(line, ALICE) == options(line, BOB) == 1


def test_nobody_is_asked_before_an_answer() -> None:
    line = Line()
    line.dial(offer(ALICE))
    line.ports.idle = None
    assert line.bob.leg
    line.bob.leg.ring(line.world.now)
    line.world.wait(170)
    assert options(line, BOB) == 0
    answer(line.bob, line.world, held(BOB, 7000, "inactive"))
    line.world.wait(QUIET_SECONDS - RENEW_SECONDS)
    assert options(line, BOB) == 0


SILENCE = 60
HEARD = pinhole.Traffic(100, 10_000, 3, 1.0)
RTCP_ONLY = pinhole.Traffic(0, 0, 3, 4.0)  # a camera that is off, an audience that only listens
NEVER = pinhole.Traffic()
GONE = pinhole.Traffic(100, 10_000, 3, SILENCE + 1.0)


def renewed(line: Line, a: pinhole.Traffic, b: pinhole.Traffic) -> None:
    """Have gatewayd report the same traffic for every lease."""
    usage = tuple(pinhole.Usage(lease, a, b) for lease in line.ports.open)
    line.gateway.on_pinhole(pinhole.Renewed(0, usage), line.world.now)
    line.world.settle()


def fresh(after: float = SILENCE + 1, direction: str = "sendrecv") -> Line:
    """Give a call that has been up for some time, with an answer of that direction."""
    line = Line()
    line.dial(offer(ALICE))
    answer(line.bob, line.world, held(BOB, 7000, direction))
    line.world.now += after
    return line


@pytest.mark.parametrize(
    ("a", "b", "who"),
    [(NEVER, HEARD, "caller"), (GONE, HEARD, "caller"), (HEARD, GONE, "callee"), (RTCP_ONLY, NEVER, "callee")],
)
def test_a_side_that_falls_silent_ends_the_call(a: pinhole.Traffic, b: pinhole.Traffic, who: str) -> None:
    line = fresh()
    renewed(line, a, b)
    (record,) = line.world.records
    assert record.ended_by == "gateway"
    assert record.why == f"media of the {who} fell silent: nothing came to any of its pinholes"
    assert line.alice.saw(sip.ByeReceived)
    assert line.bob.saw(sip.ByeReceived)
    line.idle()


@pytest.mark.parametrize(("a", "b"), [(HEARD, HEARD), (RTCP_ONLY, HEARD), (RTCP_ONLY, RTCP_ONLY)])
def test_a_side_of_which_anything_is_heard_is_there(a: pinhole.Traffic, b: pinhole.Traffic) -> None:
    line = fresh()
    renewed(line, a, b)
    assert not line.world.records


@pytest.mark.parametrize("direction", ["recvonly", "sendonly", "inactive"])
def test_hold_and_lectures_are_not_silence(direction: str) -> None:
    line = fresh(direction=direction)
    renewed(line, NEVER, NEVER)
    assert not line.world.records


def test_silence_counts_from_the_answer_and_from_the_end_of_hold() -> None:
    line = fresh(after=SILENCE - 1)
    renewed(line, NEVER, NEVER)
    hold(line)
    line.world.now += 10 * SILENCE
    assert line.alice.leg
    line.alice.leg.reinvite(line.world.now, body=sdp(ALICE, 6000))
    line.world.settle()
    answer(line.bob, line.world, sdp(BOB, 7000))
    line.world.now += SILENCE - 1
    renewed(line, GONE, GONE)
    assert not line.world.records
    line.world.now += 2
    renewed(line, GONE, GONE)
    assert len(line.world.records) == 1


def test_one_stream_that_is_heard_speaks_for_its_side() -> None:
    line = fresh()
    first, second = line.ports.open
    for usage in (
        (pinhole.Usage(first, NEVER, NEVER), pinhole.Usage(second, HEARD, HEARD)),
        (pinhole.Usage(first, NEVER, NEVER),),  # nothing is said of the other one
    ):
        line.gateway.on_pinhole(pinhole.Renewed(0, usage), line.world.now)
    assert not line.world.records


def test_how_long_is_the_sites_word() -> None:
    line = fresh()
    line.gateway.plan = Plan("v2", msgspec.structs.replace(line.gateway.plan.signalling, media_silence=120))
    renewed(line, GONE, GONE)
    assert not line.world.records
