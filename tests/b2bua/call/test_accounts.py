"""What a call's record holds when it is over, for every way it may go."""

from __future__ import annotations

import pytest

from b2bua.call.accounts import SETUP_BOUNDS, alias
from b2bua.call.desk import ANSWER_SECONDS
from b2bua.call.record import CallRecord, Details
from tests.b2bua.call.test_calls import ALICE, BOB, Line, answer, offer, sdp
from vdx import pinhole
from vdx.record import PartyRecord


def the_record(line: Line) -> tuple[CallRecord, Details]:
    (record,) = line.world.records
    assert record.details is not None
    return record, record.details


def test_an_answered_call() -> None:
    line = Line()
    began = line.world.now
    line.dial(offer(ALICE))
    assert line.bob.leg is not None
    line.world.wait(1.5)
    line.bob.leg.ring(line.world.now)
    line.world.wait(2.0)
    answer(line.bob, line.world, sdp(BOB, 7000))
    line.world.wait(60.0)
    assert line.alice.leg is not None
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    record, details = the_record(line)
    assert (details.caller, details.callee) == (
        PartyRecord("sdn", "hospital", "alice", "udp"),
        PartyRecord("internet", "clinic", "bob", "udp"),
    )
    assert (details.began, details.rang, details.answered, details.ended) == (
        began,
        began + 1.5,
        began + 3.5,
        began + 63.5,
    )
    assert (record.status, record.ended_by) == (200, "caller")
    assert record.setup == pytest.approx(3.5)
    audio = details.streams[0]
    assert (audio.medium, audio.codec, audio.caller_packets) == ("audio", "opus", 0)
    accounts = line.gateway.accounts
    assert accounts.open == 0
    assert accounts.answers == {200: 1}
    assert accounts.setup == {next(bound for bound in SETUP_BOUNDS if bound >= 3.5): 1}


def test_what_was_relayed_stands_in_the_record() -> None:
    line = Line()
    line.up()
    leases = sorted(line.ports.open)
    usage = tuple(
        pinhole.Usage(lease, pinhole.Traffic(10 + at, 1000), pinhole.Traffic(20 + at, 2000))
        for at, lease in enumerate(leases)
    )
    line.gateway.on_pinhole(pinhole.Renewed(1, usage), line.world.now)
    assert line.alice.leg is not None
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    _, details = the_record(line)
    assert [(one.caller_packets, one.callee_packets, one.callee_octets) for one in details.streams] == [
        (10 + at, 20 + at, 2000) for at in range(len(leases))
    ]


def carried(line: Line, packets: int) -> tuple[pinhole.Usage, ...]:
    traffic = pinhole.Traffic(packets, 100 * packets)
    return tuple(pinhole.Usage(lease, traffic, traffic) for lease in sorted(line.ports.open))


def test_what_came_after_the_last_renewal_is_told_with_the_release() -> None:
    line = Line()
    line.up()
    line.gateway.on_pinhole(pinhole.Renewed(1, carried(line, 10)), line.world.now)
    line.ports.carried = carried(line, 17)
    assert line.alice.leg is not None
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    _, details = the_record(line)
    assert {one.caller_packets for one in details.streams} == {17}
    assert {one.callee_octets for one in details.streams} == {1700}


def test_a_silent_gatewayd_leaves_what_it_told_last() -> None:
    line = Line()
    line.up()
    line.gateway.on_pinhole(pinhole.Renewed(1, carried(line, 10)), line.world.now)
    line.world.answers = False
    assert line.alice.leg is not None
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    ended = line.world.now
    assert not line.world.records, "the last word on its media may still come"
    line.world.wait(ANSWER_SECONDS)
    record, details = the_record(line)
    assert {one.caller_packets for one in details.streams} == {10}
    assert (record.status, details.ended) == (200, ended)
    assert line.gateway.accounts.open == 0


def test_gatewayd_that_goes_away_leaves_what_it_told_last() -> None:
    line = Line()
    line.up()
    line.world.answers = False
    assert line.alice.leg is not None
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    line.gateway.pinholes_lost(line.world.now)
    _, details = the_record(line)
    assert {one.caller_packets for one in details.streams} == {None}


def test_what_was_revoked_is_told_with_it() -> None:
    line = Line()
    line.up()
    usage = carried(line, 12)
    line.ports.open.clear()
    line.gateway.on_pinhole(pinhole.Revoked(tuple(each.lease for each in usage), "cut", usage), line.world.now)
    line.world.settle()
    record, details = the_record(line)
    assert "revoked: cut" in record.why
    assert {one.caller_packets for one in details.streams} == {12}


def test_a_short_call_says_that_nothing_is_known_of_its_media() -> None:
    line = Line()
    line.up()
    assert line.alice.leg is not None
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    _, details = the_record(line)
    assert {one.caller_packets for one in details.streams} == {None}


def test_a_call_that_nobody_answers() -> None:
    line = Line()
    line.dial(offer(ALICE))
    assert line.alice.leg is not None
    line.world.wait(5)
    line.alice.leg.cancel(line.world.now)
    line.world.wait(5)
    record, details = the_record(line)
    assert (record.status, record.ended_by, record.why, record.setup) == (487, "caller", "cancelled", None)
    assert (details.rang, details.answered, details.streams) == (None, None, ())
    assert line.gateway.accounts.answers == {487: 1}
    assert line.gateway.accounts.setup_seconds == 0


def test_the_log_names_peers_and_no_person() -> None:
    line = Line()
    line.up()
    assert line.alice.leg is not None
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    record, _ = the_record(line)
    (named,) = record.fields().values()
    assert named["caller"] == "hospital"
    assert "alice" not in str(named)
    assert "bob" not in str(named)


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("sip:or-1@x", "or-1"),
        ("sip:x.example", "x.example"),
        ("tel:+47-22", "+4722"),
        ("mailto:a@b", ""),
        ("", ""),
        (f"sip:{'u' * 200}@x", "u" * 128),
    ],
)
def test_aliases(uri: str, name: str) -> None:
    assert alias(uri) == name
