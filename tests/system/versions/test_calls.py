"""What becomes of calls: versions come and go under them, and a cut ends those of whom it names, and no others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from tests.system.calls.crossing import Crossing
from tests.system.calls.edge import Edge, running, wait_for
from vdx.versions import (
    BASE,
    Acknowledged,
    Applied,
    ApplyVersion,
    Candidate,
    Cut,
    Push,
    Situation,
    SituationReport,
    Uncut,
)

pytestmark = pytest.mark.system

PATIENCE = 10.0


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    with running("versions", "udp") as up:
        yield up


def situation(edge: Edge) -> SituationReport:
    answer = edge.ask(Situation(1))
    assert isinstance(answer, SituationReport), answer
    return answer


def test_calls_go_on_while_versions_come_and_go_back(edge: Edge) -> None:
    crossing = Crossing(edge, "hospital", "clinic")
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        site = yaml.safe_load(edge.lab.state.site.read_text())
        site["peers"]["branch"] = {"zone": "sdn", "sources": ["198.18.77.0/24"]}
        pushed = edge.ask(Push(1, BASE, yaml.safe_dump(site), situation(edge).fragments[0].ref))
        assert isinstance(pushed, Candidate), pushed
        assert isinstance(edge.ask(ApplyVersion(2, pushed.ref, 1)), Applied)
        wait_for(lambda: not situation(edge).waiting, PATIENCE, lambda: str(situation(edge)))
        assert situation(edge).number == 1
        assert len(edge.calls()) == 1
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
    edge.wait_idle()


def test_a_cut_ends_the_calls_of_a_peer_and_of_nobody_else(edge: Edge) -> None:
    crossing, other = Crossing(edge, "hospital", "clinic"), Crossing(edge, "municipality", "home")
    with crossing.agents() as (left, right), other.agents() as (far, near):
        crossing.establish(left, right)
        stays = other.establish(far, near)
        assert isinstance(edge.ask(Cut(1, "peer", "hospital", "stolen")), Acknowledged)
        for agent in (left, right):
            agent.reply(agent.expect("BYE"), 200)
        wait_for(lambda: len(edge.calls()) == 1, PATIENCE, lambda: str(edge.calls()))
        crossing.invite(left, crossing.offer())
        left.expect(403)
        far.bye(stays.left)
        near.reply(near.expect("BYE"), 200)
        far.expect(200)
        assert isinstance(edge.ask(Uncut(1, "peer", "hospital")), Acknowledged)
        back = crossing.establish(left, right)
        left.bye(back.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
    edge.wait_idle()
