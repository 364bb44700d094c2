"""Fewer ports: RTCP with RTP (RFC 5761), lines in one group (RFC 9143), and what closes because of it."""

from __future__ import annotations

import pytest

from tests.b2bua.call.test_calls import ALICE, BOB, Line, answer, bodies
from vdx import pinhole

MUX = "a=rtcp-mux"


def describe(host: str, ports: tuple[int, ...], *more: str, group: str = "", mux: bool = True) -> bytes:
    rows = ["v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    rows += [f"a=group:BUNDLE {group}"] if group else []
    for index, port in enumerate(ports):
        rows += [f"m={'video' if index else 'audio'} {port} RTP/AVP 96", f"a=mid:{index}", *([MUX] if mux else [])]
        rows += ["a=bundle-only"] if not port and group else []
    return ("\r\n".join([*rows, *more]) + "\r\n").encode()


def narrowed(line: Line) -> list[str]:
    return [lease for one in line.ports.told if isinstance(one, pinhole.Narrow) for lease in one.leases]


def ports(line: Line, host: str) -> list[str]:
    """Give the ports of the last description that a host was sent."""
    return [row.split()[1] for row in bodies(line.world, host)[-1].decode().splitlines() if row[0] == "m"]


def up(offered: bytes, answered: bytes) -> Line:
    line = Line()
    line.dial(offered)
    answer(line.bob, line.world, answered)
    return line


def again(line: Line, offered: bytes, answered: bytes) -> None:
    assert line.alice.leg
    line.alice.leg.reinvite(line.world.now, body=offered)
    line.world.settle()
    answer(line.bob, line.world, answered)


@pytest.mark.parametrize(("offered", "answered"), [(True, True), (True, False), (False, True), (False, False)])
def test_rtcp_pinholes_close_where_both_sides_want_rtcp_with_rtp(offered: bool, answered: bool) -> None:
    line = up(describe(ALICE, (6000, 6002), mux=offered), describe(BOB, (7000, 7002), mux=answered))
    both = offered and answered
    assert sorted(narrowed(line)) == (sorted(line.ports.open) if both else [])
    changes = [change for one in line.ports.told if isinstance(one, pinhole.SetRemote) for change in one.changes]
    assert {change.rtcp.port - change.remote.port for change in changes if change.rtcp and change.remote} == {
        0 if both else 1
    }


def test_they_close_once_and_no_port_of_rtcp_is_told_any_more() -> None:
    line = up(describe(ALICE, (6000, 6002)), describe(BOB, (7000, 7002)))
    before = narrowed(line)
    again(line, describe(ALICE, (6010, 6012)), describe(BOB, (7000, 7002)))
    assert narrowed(line) == before
    assert len(line.ports.open) == 2


def test_whoever_wants_rtcp_apart_again_gets_other_ports() -> None:
    line = up(describe(ALICE, (6000,)), describe(BOB, (7000,)))
    before = set(line.ports.open)
    again(line, describe(ALICE, (6000,), mux=False), describe(BOB, (7000,), mux=False))
    assert len(line.ports.open) == 1
    assert not before & set(line.ports.open)


def test_an_early_answer_closes_nothing() -> None:
    line = Line()
    line.dial(describe(ALICE, (6000,)), reliable=False)  # she cannot confirm it
    assert line.bob.leg
    line.bob.leg.ring(line.world.now, 183, body=describe(BOB, (7000,)))
    line.world.settle()
    assert narrowed(line) == []


@pytest.mark.parametrize("offered", [(6000, 6002, 6004), (6000, 0, 0)])
def test_bundled_lines_share_one_lease_and_the_others_close(offered: tuple[int, ...]) -> None:
    line = up(describe(ALICE, offered, group="0 1 2"), describe(BOB, (7000, 7000, 7000), group="0 1 2"))
    assert len(line.ports.open) == 1
    assert len(set(ports(line, ALICE))) == 1
    assert "0" not in ports(line, ALICE)
    assert b"a=group:BUNDLE 0 1 2" in bodies(line.world, ALICE)[-1]
    assert narrowed(line) == list(line.ports.open)
    (call,) = line.gateway.calls(line.world.now)
    assert {stream.lease for stream in call.streams} == set(line.ports.open)


def test_who_does_not_bundle_gets_a_port_for_each_line() -> None:
    line = up(describe(ALICE, (6000, 6002, 0), group="0 1 2"), describe(BOB, (7000, 7002, 0)))
    assert len(line.ports.open) == 2
    first, second, third = ports(line, ALICE)
    assert first != second
    assert third == "0"
    assert b"BUNDLE" not in bodies(line.world, ALICE)[-1]


def test_nobody_is_answered_a_group_that_was_not_offered() -> None:
    line = up(describe(ALICE, (6000, 6002)), describe(BOB, (7000, 7000), group="0 1"))
    assert len(line.ports.open) == 2
    assert b"BUNDLE" not in bodies(line.world, ALICE)[-1]


@pytest.mark.parametrize("offered", [(6000, 6000), (6000, 0)])
def test_a_group_stays_together_through_new_offers(offered: tuple[int, ...]) -> None:
    line = up(describe(ALICE, (6000, 6002), group="0 1"), describe(BOB, (7000, 7000), group="0 1"))
    before = set(line.ports.open)
    again(line, describe(ALICE, offered, group="0 1"), describe(BOB, (7000, 7000), group="0 1"))
    assert set(line.ports.open) == before
    assert len(set(ports(line, ALICE))) == 1


def test_a_group_that_is_given_up_is_given_ports_again() -> None:
    line = up(describe(ALICE, (6000, 6002), group="0 1"), describe(BOB, (7000, 7000), group="0 1"))
    again(line, describe(ALICE, (6000, 6002)), describe(BOB, (7000, 7002)))
    assert len(line.ports.open) == 2
    assert len(set(ports(line, ALICE)) | set(ports(line, BOB))) == 4


def test_a_line_that_an_answer_takes_out_of_its_group_has_no_place_left() -> None:
    line = up(describe(ALICE, (6000, 6002), group="0 1"), describe(BOB, (7000, 7000), group="0 1"))
    again(line, describe(ALICE, (6000, 6000), group="0 1"), describe(BOB, (7000, 7002)))
    assert ports(line, ALICE)[1] == "0"
    assert len(line.ports.open) == 1


def test_nothing_is_left_of_a_bundled_call() -> None:
    line = up(describe(ALICE, (6000, 6002), group="0 1"), describe(BOB, (7000, 7000), group="0 1"))
    assert line.alice.leg
    line.alice.leg.end(line.world.now, 480)
    line.idle()
