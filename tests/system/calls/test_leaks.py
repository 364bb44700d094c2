"""After 200 calls with every kind of ending nothing is left: no lease, element of the kernel, socket or timer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.peers.sipp import callee, caller
from tests.peers.sipp.steps import Step
from tests.system.calls.crossing import Crossing
from tests.system.calls.edge import Edge, wait_for

pytestmark = pytest.mark.system

CALLS = 25
RATE = 50.0
CLOSING_SECONDS = 10.0


def endings(way: Crossing) -> dict[str, tuple[Sequence[Step], Sequence[Step]]]:
    """Return every kind of ending: what the caller and what the callee does."""
    offer, answer = way.offer(), way.answer()
    refusal = [caller.invite(offer), *caller.ringing(), *caller.refused(486)]
    holding = caller.call(offer, reinvites=[way.offer("sendonly", version=2)])
    return {
        "the caller hangs up": (caller.call(offer), callee.call(answer)),
        "the callee hangs up": (caller.call(offer, ending="wait"), callee.call(answer, ending="bye")),
        "the caller gives up": ([caller.invite(offer), *caller.cancel()], callee.cancelled()),
        "the callee refuses": (refusal, callee.refuse(486)),
        "early media": (caller.call(offer, early=True), callee.call(answer, early=answer)),
        "a late offer": (caller.call(offer, late=True), callee.call(answer)),
        "on hold": (holding, callee.call(answer, changes=[way.answer("recvonly", version=2)])),
    }


def open_files(edge: Edge) -> dict[str, int]:
    """Count the descriptors of every program of the edge."""
    programs = edge.lab.state.programs()
    return {name: len(list(Path(f"/proc/{one.pid}/fd").iterdir())) for name, one in programs.items()}


def wait_until_closed(edge: Edge) -> None:
    """Wait until the kernel holds no element of a pinhole any more."""
    wait_for(lambda: edge.kernel_elements() == 0, CLOSING_SECONDS, lambda: f"{edge.kernel_elements()} elements")


def test_two_hundred_calls_leave_nothing(edge: Edge, tmp_path: Path) -> None:
    way = Crossing(edge, "hospital", "clinic")
    mixed = Crossing(edge, "clinic", "hospital", 4, 6)
    (tmp_path / "first").mkdir()
    way.play(caller.call(way.offer()), callee.call(way.answer()), tmp_path / "first")
    wait_until_closed(edge)  # a floor over TCP that ended just before still has its last words
    edge.wait_for_record()  # the file of records is opened with the first one
    before = open_files(edge)
    played = 0
    for name, (left, right) in endings(way).items():
        directory = tmp_path / name
        directory.mkdir()
        way.play(left, right, directory, calls=CALLS, rate=RATE)
        played += CALLS
    directory = tmp_path / "mixed"
    directory.mkdir()
    mixed.play(caller.call(mixed.offer()), callee.call(mixed.answer()), directory, calls=CALLS, rate=RATE)
    assert played + CALLS == 200
    wait_until_closed(edge)
    edge.wait_until_transactions_end()
    # the connection of our last question may be closing still; before, it may have been counted with the rest
    wait_for(
        lambda: all(now <= before[name] for name, now in open_files(edge).items()),
        CLOSING_SECONDS,
        lambda: f"{before} became {open_files(edge)}",
    )
