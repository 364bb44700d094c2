"""Sipp callers and callees against each other on loopback: every scenario that system tests use."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from tests.peers import sdp
from tests.peers.host import Here, family
from tests.peers.sipp import callee, caller
from tests.peers.sipp.run import Outcome, Sipp
from tests.peers.sipp.steps import Send, Step

OFFER = sdp.write("127.0.0.1", [sdp.audio(30000), sdp.video(30002), sdp.bfcp(30010)])
ANSWER = sdp.write("127.0.0.1", [sdp.audio(31000), sdp.video(31002), sdp.bfcp(31010)])
HOLD = sdp.write("127.0.0.1", [sdp.audio(30000, "sendonly"), sdp.video(30002, "inactive"), sdp.bfcp(30010)], version=2)


def free(address: str, transport: str) -> int:
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(family(address), kind) as one:
        one.bind((address, 0))
        return int(one.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Place:
    """Where a test runs."""

    directory: Path
    address: str = "127.0.0.1"
    transport: Literal["udp", "tcp"] = "udp"

    def play(self, left: Sequence[Step], right: Sequence[Step], *, calls: int = 1) -> tuple[Outcome, Outcome]:
        """Let a caller and a callee play their steps; both must succeed."""
        ports = [free(self.address, self.transport) for _ in range(2)]
        where = (self.address, ports[1])
        with (
            Sipp(
                Here(), right, self.directory, self.address, ports[1], name="bob", transport=self.transport, calls=calls
            ) as bob,
            Sipp(
                Here(), left, self.directory, self.address, ports[0], where, self.transport, "bob", "alice", calls, 50
            ) as alice,
        ):
            return alice.succeed(20), bob.succeed(20)


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_call(tmp_path: Path, address: str, transport: Literal["udp", "tcp"]) -> None:
    alice, bob = Place(tmp_path, address, transport).play(caller.call(OFFER, hold_ms=20), callee.call(ANSWER))
    assert (alice.successful, alice.failed, bob.successful, bob.failed) == (1, 0, 1, 0)
    assert alice.last("200 INVITE").body == ANSWER
    assert bob.last("INVITE").body == OFFER
    assert [one.name for one in bob.received] == ["INVITE", "ACK", "BYE"]
    assert [one.name for one in bob.sent] == ["100 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]


def test_early_media(here: Place) -> None:
    alice, _ = here.play(caller.call(OFFER, early=True, hold_ms=20), callee.call(ANSWER, early=ANSWER))
    assert alice.last("183 INVITE").body == ANSWER


def test_the_callee_hangs_up(here: Place) -> None:
    alice, _ = here.play(caller.call(OFFER, ending="wait"), callee.call(ANSWER, ending="bye", hold_ms=20))
    assert alice.last("BYE").method == "BYE"


def test_the_caller_gives_up(here: Place) -> None:
    alice, bob = here.play([caller.invite(OFFER), *caller.cancel()], callee.cancelled())
    assert bob.last("CANCEL").branch == bob.last("INVITE").branch
    assert alice.last("487 INVITE").status == 487


@pytest.mark.parametrize("status", [404, 486, 503, 603])
def test_the_callee_refuses(here: Place, status: int) -> None:
    left = [caller.invite(OFFER), *caller.ringing(), *caller.refused(status)]
    alice, bob = here.play(left, callee.refuse(status))
    assert alice.last(f"{status} INVITE").status == status
    assert bob.last("ACK").branch == bob.last("INVITE").branch


def test_the_caller_holds_and_resumes(here: Place) -> None:
    left = caller.call(OFFER, reinvites=[HOLD, OFFER], hold_ms=20)
    _, bob = here.play(left, callee.call(ANSWER, changes=[ANSWER, ANSWER]))
    assert [one.body for one in bob.received if one.name == "INVITE"] == [OFFER, HOLD, OFFER]


def test_the_callee_holds_and_hangs_up(here: Place) -> None:
    left = caller.call(OFFER, changes=[OFFER], ending="wait")
    alice, _ = here.play(left, callee.call(ANSWER, reinvites=[HOLD], ending="bye", hold_ms=20))
    assert alice.last("INVITE").body == HOLD


def test_a_late_offer(here: Place) -> None:
    _, bob = here.play(caller.call(OFFER, late=True, hold_ms=20), callee.call(ANSWER))
    assert (bob.last("INVITE").body, bob.last("ACK").body) == ("", OFFER)


def test_many_calls_at_once(here: Place) -> None:
    alice, bob = here.play(caller.call(OFFER, hold_ms=20), callee.call(ANSWER), calls=20)
    assert (alice.successful, bob.successful) == (20, 20)


def test_a_failed_call_is_an_error(here: Place) -> None:
    with pytest.raises(AssertionError, match="calls failed"):
        here.play(caller.call(OFFER), callee.refuse(486))


def test_a_scenario_that_sipp_cannot_read_says_so(tmp_path: Path) -> None:
    broken: list[Step] = [callee.invited(), Send("no [$variable] of that name")]
    with pytest.raises(AssertionError, match="sipp ended at once"):
        Sipp(Here(), broken, tmp_path, "127.0.0.1", free("127.0.0.1", "udp"))
