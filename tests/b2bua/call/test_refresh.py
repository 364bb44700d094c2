"""A re-INVITE that changes nothing tells `gatewayd` nothing: told anew, an end forgets the source it has learned."""

from __future__ import annotations

import pytest

from b2bua import sip
from tests.b2bua.call.test_calls import ALICE, BOB, Line, answer, offer, sdp
from tests.b2bua.call.world import Agent
from vdx import pinhole


def refresh(line: Line, asker: Agent) -> None:
    described = {line.alice.name: offer(ALICE), line.bob.name: sdp(BOB, 7000)}
    other = line.bob if asker is line.alice else line.alice
    assert asker.leg
    asker.seen.clear()
    asker.leg.reinvite(line.world.now, body=described[asker.name])
    line.world.settle()
    answer(other, line.world, described[other.name])
    assert asker.saw(sip.ReInviteAnswered)


def changes(line: Line) -> list[pinhole.Change]:
    return [change for told in line.ports.told if isinstance(told, pinhole.SetRemote) for change in told.changes]


@pytest.mark.parametrize("late", [False, True])
def test_a_refresh_by_either_side_changes_nothing(late: bool) -> None:
    line = Line()
    if late:
        line.dial(None)
        answer(line.bob, line.world, sdp(BOB, 7000))
        assert line.alice.leg
        line.alice.leg.ack(line.world.now, body=offer(ALICE))
        line.world.settle()
    else:
        line.up()
    before = changes(line)
    for asker in (line.bob, line.bob, line.alice, line.bob):
        refresh(line, asker)
    assert changes(line) == before


def test_a_change_of_one_end_is_told_of_that_end() -> None:
    line = Line()
    line.up()
    before = len(changes(line))
    assert line.bob.leg
    line.bob.leg.reinvite(line.world.now, body=sdp(BOB, 7100))
    line.world.settle()
    answer(line.alice, line.world, offer(ALICE))
    assert [(change.side, change.remote) for change in changes(line)[before:]] == [
        ("b", pinhole.Remote(BOB, 7100)),
        ("b", pinhole.Remote(BOB, 7102)),
    ]
