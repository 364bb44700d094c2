"""Calls while they last: leases renewed in slices, late answers, ends that vanish."""

from __future__ import annotations

import pytest

from b2bua import sip
from b2bua.call.upkeep import QUIET_SECONDS, SLICE_LEASES
from tests.b2bua.call.test_calls import ALICE, BOB, Line, answer, offer, sdp
from vdx import pinhole
from vdx.ids import RENEW_SECONDS


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
    line.ports.idle = None
    assert line.bob.leg
    line.bob.leg.close()  # bob was restarted: he answers 481
    line.world.wait(QUIET_SECONDS + 2 * RENEW_SECONDS)
    assert line.alice.saw(sip.ByeReceived)
    line.idle()


def test_an_end_that_cannot_be_reached_ends_the_call() -> None:
    line = Line("tcp")
    line.up()
    line.world.wait(QUIET_SECONDS + 1)
    quiet = tuple(pinhole.Usage(lease, pinhole.Traffic(), pinhole.Traffic()) for lease in line.ports.open)
    line.gateway.on_pinhole(pinhole.Renewed(0, quiet), line.world.now)
    for outgoing in line.gateway.to_send():
        line.gateway.send_failed(outgoing, "nobody listens", line.world.now)
    assert [record.why for record in line.world.records] == ["lost: OPTIONS could not be delivered"]


def test_a_call_on_hold_is_asked_and_stays() -> None:
    line = Line()
    line.up()
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
    line.world.wait(QUIET_SECONDS + 1)
    first, second = line.ports.open
    never, just = pinhole.Traffic(), pinhole.Traffic(1, 100, 0, 1.0)
    for usage in (
        (pinhole.Usage(first, never, never), pinhole.Usage(second, never, just)),
        (pinhole.Usage(first, never, never),),  # nothing is said of the other one
    ):
        line.gateway.on_pinhole(pinhole.Renewed(0, usage), line.world.now)
    line.world.settle()
    assert options(line, ALICE) == 0


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
    answer(line.bob, line.world, sdp(BOB, 7000))
    line.world.wait(QUIET_SECONDS - RENEW_SECONDS)
    assert options(line, BOB) == 0
