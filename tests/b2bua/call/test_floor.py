"""Floor control over TCP: who opens its connection on each side, and when it is another one."""

from __future__ import annotations

import pytest

from b2bua import sip
from tests.b2bua.call.test_calls import ALICE, BOB, Line, answer, bodies
from vdx import pinhole
from vdx.pinhole import Remote


def describe(host: str, port: int, *floor: str, bfcp_port: int = 0, proto: str = "TCP/BFCP") -> bytes:
    rows = ["v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    rows += [f"m=audio {port} RTP/AVP 0", f"m=application {bfcp_port or port + 10} {proto} *", *floor]
    return ("\r\n".join(rows) + "\r\n").encode()


def floors(line: Line) -> list[str]:
    return [name for name, stream in line.ports.open.items() if stream.kind == "tcp"]


def told(line: Line) -> dict[str, tuple[Remote | None, bool]]:
    """Give what gatewayd was told last of each side of the floor."""
    changes = [change for one in line.ports.told if isinstance(one, pinhole.SetRemote) for change in one.changes]
    return {change.side: (change.remote, change.connects) for change in changes if change.lease in floors(line)}


@pytest.mark.parametrize(
    ("offered", "answered", "to_alice", "to_bob"),
    [
        ("a=setup:active", "a=setup:passive", False, True),
        ("a=setup:passive", "a=setup:active", True, False),
        ("a=setup:actpass", "a=setup:active", True, False),
        ("a=setup:actpass", "a=setup:passive", False, True),
        ("a=setup:actpass", "a=floorctrl:s", False, True),
        ("a=floorctrl:c", "a=floorctrl:s", False, True),
        ("a=setup:passive", "a=floorctrl:s", True, False),
        ("a=setup:actpass", "a=setup:holdconn", False, False),
    ],
)
def test_each_side_is_connected_to_by_what_it_said(offered: str, answered: str, to_alice: bool, to_bob: bool) -> None:
    line = Line()
    line.dial(describe(ALICE, 6000, offered))
    (stream,) = [stream for stream in line.ports.open.values() if stream.kind == "tcp"]
    assert not stream.a.connects
    assert not stream.b.connects
    answer(line.bob, line.world, describe(BOB, 7000, answered))
    found = told(line)
    assert found["b"] == (Remote(BOB, 7010), to_bob)
    assert found.get("a", (None, False))[1] is to_alice
    assert line.alice.leg
    line.alice.leg.end(line.world.now, 480)
    line.idle()


@pytest.mark.parametrize("proto", ["TCP/BFCP", "TCP/TLS/BFCP"])
def test_the_proto_and_who_connects_pass(proto: str) -> None:
    line = Line()
    fingerprint = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
    line.dial(describe(ALICE, 6000, "a=setup:active", "a=connection:new", fingerprint, bfcp_port=9, proto=proto))
    answer(line.bob, line.world, describe(BOB, 7000, "a=setup:passive", "a=connection:new", fingerprint, proto=proto))
    offered, answered = bodies(line.world, BOB)[-1].decode(), bodies(line.world, ALICE)[-1].decode()
    assert f"m=application 9 {proto} *\r\na=setup:active\r\na=connection:new\r\n{fingerprint}" in offered
    assert f" {proto} *\r\na=setup:passive\r\na=connection:new\r\n{fingerprint}" in answered


def up(line: Line) -> bytes:
    """Set up a call with a floor; gives the caller's offer."""
    body = describe(ALICE, 6000, "a=setup:active", "a=connection:new")
    line.dial(body)
    answer(line.bob, line.world, describe(BOB, 7000, "a=setup:passive", "a=connection:new"))
    return body


def again(line: Line, body: bytes, connection: str) -> None:
    assert line.alice.leg
    line.alice.leg.reinvite(line.world.now, body=body)
    line.world.settle()
    answer(line.bob, line.world, describe(BOB, 7000, "a=setup:passive", f"a=connection:{connection}"))


def test_a_new_connection_is_a_new_lease() -> None:
    line = Line()
    up(line)
    before = floors(line)
    again(line, describe(ALICE, 6002, "a=setup:active", "a=connection:new"), "new")
    assert len(floors(line)) == 1
    assert floors(line) != before


@pytest.mark.parametrize("floor", [("a=connection:existing",), ()])
def test_the_existing_connection_stays(floor: tuple[str, ...]) -> None:
    line = Line()
    up(line)
    before = floors(line)
    again(line, describe(ALICE, 6002, "a=setup:active", *floor), "existing")
    assert floors(line) == before


def test_a_refresh_that_repeats_the_word_new_is_no_new_connection() -> None:
    line = Line()
    body = up(line)
    before = floors(line)
    again(line, body, "new")
    assert floors(line) == before


def test_an_early_answer_opens_no_connection() -> None:
    line = Line()
    line.dial(describe(ALICE, 6000, "a=setup:active"), reliable=False)  # she cannot confirm it
    assert line.bob.leg
    line.bob.leg.ring(line.world.now, 183, body=describe(BOB, 7000, "a=setup:passive"))
    line.world.settle()
    assert line.alice.saw(sip.Provisional)
    assert told(line) == {}
    answer(line.bob, line.world, describe(BOB, 7000, "a=setup:passive"))
    assert told(line)["b"] == (Remote(BOB, 7010), True)
