"""Which connection serves whom, without sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from b2bua.sip import Flow, Identity, Target, Wanted
from b2bua.transport.connection import Connection
from b2bua.transport.pool import MAX_SERVED, Pool

HERE = ("192.0.2.1", 5061)
ANN, BOB = Identity(frozenset({"ann.example", "a.example"})), Identity(frozenset({"bob.example"}))


@dataclass
class Known:
    """What the pool looks at of a connection."""

    id: int
    flow: Flow | None
    target: Target | None = None
    served: set[tuple[str, int]] = field(default_factory=set)

    @property
    def accepted(self) -> bool:
        return self.target is None


def known(pool: Pool, number: int, identity: Identity | None) -> Connection:
    flow = Flow("tls", HERE, ("203.0.113.9", 40_000 + number), "lan", number, HERE, identity)
    made = cast("Connection", Known(number, flow))
    pool.connected(made)
    pool.opened(made)
    return made


def to(name: str, host: str = "203.0.113.9", port: int = 5061, **more: object) -> Target:
    return Target("lan", "tls", host, port, wanted=Wanted(frozenset({name}), **more))  # type: ignore[arg-type]


def test_a_connection_serves_the_address_and_name_it_came_from() -> None:
    pool = Pool()
    ann = known(pool, 1, ANN)
    assert pool.find(to("ann.example")) is ann
    assert pool.find(to("a.example")) is ann
    assert pool.find(to("bob.example")) is None  # never somebody else
    assert pool.find(to("ann.example", "203.0.113.8")) is None  # another place of the same name
    assert pool.find(to("ann.example", "203.0.113.8", anywhere=True)) is ann  # a dialog goes on wherever they are
    assert pool.find(to("ann.example", trust="/own.pem")) is None  # vouched for by another file
    assert pool.find(Target("lan", "tls", "203.0.113.9", 5061)) is None
    assert pool.find(Target("sdn", "tls", "203.0.113.9", 5061, wanted=to("ann.example").wanted)) is None
    assert pool.find(Target("lan", "tls", "203.0.113.9", 5061, "192.0.2.2", to("ann.example").wanted)) is None


def test_a_connection_without_a_certificate_serves_its_own_flow() -> None:
    pool = Pool()
    somebody = known(pool, 1, None)
    assert somebody.flow is not None
    assert pool.find(somebody.flow) is somebody
    assert pool.find(to("ann.example")) is None
    pool.closed(somebody)
    assert pool.find(somebody.flow) is None


def test_an_answer_goes_to_the_same_identity_after_its_connection_ended() -> None:
    pool = Pool()
    first, bob, again = known(pool, 1, ANN), known(pool, 2, BOB), known(pool, 3, ANN)
    assert first.flow is not None
    assert pool.find(first.flow) is first
    assert pool.closed(first)
    assert pool.find(first.flow) is again
    pool.closed(again)
    assert pool.find(first.flow) is None
    assert pool.find(to("bob.example")) is bob


def test_the_youngest_is_taken_first() -> None:
    pool = Pool()
    known(pool, 1, ANN)
    young = known(pool, 7, ANN)
    known(pool, 3, ANN)
    assert pool.find(to("ann.example")) is young


def test_what_is_being_opened_is_waited_for() -> None:
    pool = Pool()
    target = to("ann.example")
    opening = cast("Connection", Known(5, None, target))
    pool.opening(target, opening)
    assert pool.find(target) is opening
    assert pool.find(to("ann.example", port=5062)) is None
    assert not pool.closed(opening)  # it never was connected
    assert pool.find(target) is None


@pytest.mark.parametrize("places", [1, MAX_SERVED, MAX_SERVED + 5])
def test_whom_a_connection_served_is_remembered_within_bounds(places: int) -> None:
    pool = Pool()
    ann = known(pool, 1, ANN)
    for port in range(places):
        assert pool.find(to("ann.example", port=5061 + port)) is ann
    assert len(ann.served) == min(places, MAX_SERVED)


def test_nothing_is_left() -> None:
    pool = Pool()
    for one in [known(pool, number, identity) for number, identity in enumerate((ANN, BOB, None, ANN))]:
        pool.closed(one)
    assert len(pool) == 0
    assert not pool._named
