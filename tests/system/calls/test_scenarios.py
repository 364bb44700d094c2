"""Calls of every kind between two sipps, both ways across the edge, over UDP and TCP."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers import sdp
from tests.peers.sipp import callee, caller
from tests.system.calls.crossing import CALLEE_PORTS, CALLER_PORTS, Crossing

pytestmark = pytest.mark.system


def told(body: str) -> list[tuple[str, str]]:
    """Return medium and address of every stream of a description."""
    return [(one.medium, one.address) for one in sdp.read(body)]


def test_a_call_with_sound_picture_and_floor_control(crossing: Crossing, tmp_path: Path) -> None:
    alice, bob = crossing.play(caller.call(crossing.offer()), callee.call(crossing.answer()), tmp_path)
    media = ["audio", "video", "application"]
    assert told(bob.last("INVITE").body) == [(one, crossing.edge_right) for one in media]
    assert told(alice.last("200 INVITE").body) == [(one, crossing.edge_left) for one in media]
    assert [one.proto for one in sdp.read(bob.last("INVITE").body)] == ["RTP/AVP", "RTP/AVP", "UDP/BFCP"]


def test_each_side_has_a_dialog_of_its_own(crossing: Crossing, tmp_path: Path) -> None:
    alice, bob = crossing.play(caller.call(crossing.offer()), callee.call(crossing.answer()), tmp_path)
    left, right = next(one for one in alice.sent if one.name == "INVITE"), bob.last("INVITE")
    assert left["Call-ID"] != right["Call-ID"]
    assert left.tag("From") != right.tag("From")
    assert alice.last("200 INVITE").tag("To") != next(one for one in bob.sent if one.name == "200 INVITE").tag("To")
    assert len(list(right.all("Via"))) == 1
    assert left.branch != right.branch


def test_early_media(crossing: Crossing, tmp_path: Path) -> None:
    left = caller.call(crossing.offer(), early=True)
    alice, _ = crossing.play(left, callee.call(crossing.answer(), early=crossing.answer()), tmp_path)
    assert told(alice.last("183 INVITE").body)[0] == ("audio", crossing.edge_left)


def test_the_callee_hangs_up(crossing: Crossing, tmp_path: Path) -> None:
    right = callee.call(crossing.answer(), ending="bye")
    alice, _ = crossing.play(caller.call(crossing.offer(), ending="wait"), right, tmp_path)
    assert alice.received[-1].name == "BYE"


def test_the_caller_gives_up(crossing: Crossing, tmp_path: Path) -> None:
    alice, bob = crossing.play([caller.invite(crossing.offer()), *caller.cancel()], callee.cancelled(), tmp_path)
    assert alice.last("487 INVITE").status == 487
    assert bob.last("CANCEL").branch == bob.last("INVITE").branch


@pytest.mark.parametrize(("status", "heard"), [(404, 404), (480, 480), (486, 486), (488, 488), (503, 500), (603, 603)])
def test_the_callee_refuses(crossing: Crossing, tmp_path: Path, status: int, heard: int) -> None:
    left = [caller.invite(crossing.offer()), *caller.ringing(), *caller.refused(heard)]
    alice, bob = crossing.play(left, callee.refuse(status), tmp_path)
    assert alice.received[-1].status == heard
    assert bob.last("ACK").branch == bob.last("INVITE").branch


def test_the_caller_holds_and_resumes(crossing: Crossing, tmp_path: Path) -> None:
    changes = [crossing.offer("sendonly", version=2), crossing.offer("sendrecv", version=3)]
    answers = [crossing.answer("recvonly", version=2), crossing.answer("sendrecv", version=3)]
    left = caller.call(crossing.offer(), reinvites=changes)
    alice, bob = crossing.play(left, callee.call(crossing.answer(), changes=answers), tmp_path)
    held, resumed = [one.body for one in bob.received if one.name == "INVITE"][1:]
    assert [one.direction for one in sdp.read(held)[:2]] == ["sendonly"] * 2
    assert [one.direction for one in sdp.read(resumed)[:2]] == ["sendrecv"] * 2
    directions = [[one.direction for one in sdp.read(m.body)[:2]] for m in alice.received if m.name == "200 INVITE"]
    assert directions == [["sendrecv"] * 2, ["recvonly"] * 2, ["sendrecv"] * 2]


def test_the_callee_holds_and_resumes_and_hangs_up(crossing: Crossing, tmp_path: Path) -> None:
    changes = [crossing.answer("inactive", version=2), crossing.answer("sendrecv", version=3)]
    answers = [crossing.offer("inactive", version=2), crossing.offer("sendrecv", version=3)]
    left = caller.call(crossing.offer(), changes=answers, ending="wait")
    alice, _ = crossing.play(left, callee.call(crossing.answer(), reinvites=changes, ending="bye"), tmp_path)
    held, resumed = [one.body for one in alice.received if one.name == "INVITE"]
    assert [one.direction for one in sdp.read(held)[:2]] == ["inactive"] * 2
    assert [one.direction for one in sdp.read(resumed)[:2]] == ["sendrecv"] * 2


def test_a_late_offer(crossing: Crossing, tmp_path: Path) -> None:
    alice, bob = crossing.play(caller.call(crossing.offer(), late=True), callee.call(crossing.answer()), tmp_path)
    assert bob.last("INVITE").body == ""
    assert told(alice.last("200 INVITE").body)[0] == ("audio", crossing.edge_left)
    assert told(bob.last("ACK").body)[0] == ("audio", crossing.edge_right)


def test_a_refused_stream_stays_refused(crossing: Crossing, tmp_path: Path) -> None:
    lines = [sdp.audio(CALLEE_PORTS), sdp.video(0), sdp.bfcp(0)]
    answer = sdp.write(crossing.right_address, lines)
    alice, _ = crossing.play(caller.call(crossing.offer()), callee.call(answer), tmp_path)
    assert [one.port == 0 for one in sdp.read(alice.last("200 INVITE").body)] == [False, True, True]


def test_a_second_picture_is_added_in_the_call(crossing: Crossing, tmp_path: Path) -> None:
    more = sdp.write(
        crossing.left_address,
        [
            sdp.audio(CALLER_PORTS),
            sdp.video(CALLER_PORTS + 2),
            sdp.bfcp(CALLER_PORTS + 10),
            sdp.video(CALLER_PORTS + 20, "content:slides"),
        ],
        version=2,
    )
    answer = sdp.write(
        crossing.right_address,
        [
            sdp.audio(CALLEE_PORTS),
            sdp.video(CALLEE_PORTS + 2),
            sdp.bfcp(CALLEE_PORTS + 10),
            sdp.video(CALLEE_PORTS + 20, "content:slides"),
        ],
        version=2,
    )
    left = caller.call(crossing.offer(), reinvites=[more])
    alice, bob = crossing.play(left, callee.call(crossing.answer(), changes=[answer]), tmp_path)
    before, after = [sdp.read(one.body) for one in alice.received if one.name == "200 INVITE"]
    assert [one.port for one in after[:3]] == [one.port for one in before]
    assert after[3].port != 0
    assert "content:slides" in sdp.read(bob.last("INVITE").body)[3].attributes


def test_several_calls_at_once(crossing: Crossing, tmp_path: Path) -> None:
    left, right = caller.call(crossing.offer()), callee.call(crossing.answer())
    alice, bob = crossing.play(left, right, tmp_path, calls=20, rate=40)
    assert (alice.successful, bob.successful) == (20, 20)
