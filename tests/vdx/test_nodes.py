from __future__ import annotations

import pytest

from vdx.nodes import Node, node_for, nodes_for
from vdx.ports import cost, quality_of, written
from vdx.rooms import Room

ONE = "11111111-2222-3333-4444-555555555555"


def node(name: str, used: int = 0, *, draining: bool = False, capacity: int = 240) -> Node:
    return Node(
        name=name, holder="x", address="192.0.2.1", port=5060, transport="udp",
        capacity=capacity, used=used, draining=draining,
    )  # fmt: skip


def room(owner: str = "", reserved: int = 0, uuid: str = ONE) -> Room:
    return Room(uuid=uuid, aliases=("1",), owner=owner, reserved=reserved)


def test_the_owner_has_the_room_draining_or_full_while_it_lives() -> None:
    nodes = {"a": node("a", 240, draining=True), "b": node("b")}
    assert nodes_for(room("a"), nodes) == [nodes["a"]]
    assert nodes_for(room("gone"), nodes) == [nodes["b"]]


def test_the_least_booked_takes_a_new_room() -> None:
    nodes = {"a": node("a", 120), "b": node("b", 24), "c": node("c", draining=True), "d": node("d", capacity=0)}
    assert [one.name for one in nodes_for(room(), nodes)] == ["b", "a"]
    assert [one.name for one in nodes_for(room(reserved=200), nodes)] == ["b"]
    assert node_for(room(reserved=300), nodes) is None


def test_two_edges_that_know_nearly_the_same_choose_the_same_and_rooms_spread() -> None:
    chosen = set()
    for number in range(20):
        uuid = f"{number:08d}-2222-3333-4444-555555555555"
        here = node_for(room(uuid=uuid), {name: node(name) for name in "abc"})
        there = node_for(room(uuid=uuid), {name: node(name, used=1) for name in "cba"})  # a moment later
        assert here is not None
        assert there is not None
        assert here.name == there.name
        chosen.add(here.name)
    assert chosen == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("height", "quality", "twelfths"),
    [(0, "audio", 1), (360, "sd", 6), (480, "sd", 6), (720, "hd", 12), (1080, "fullhd", 24)],
)
def test_what_a_connection_costs(height: int, quality: str, twelfths: int) -> None:
    found = quality_of(height)
    assert (found, cost(found)) == (quality, twelfths)


@pytest.mark.parametrize(
    ("twelfths", "words"), [(0, "0"), (1, "1/12"), (6, "1/2"), (12, "1"), (25, "2 1/12"), (36, "3")]
)
def test_ports_in_words(twelfths: int, words: str) -> None:
    assert written(twelfths) == words
