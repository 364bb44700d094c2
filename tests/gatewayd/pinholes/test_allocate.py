from __future__ import annotations

import random
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.errors import RefusalError
from gatewayd.pinholes.allocate import QUARANTINE_SECONDS, SHORTEST_REST_SECONDS, Allocator, Ports

ONE, TWO, SIX = ip_address("192.0.2.1"), ip_address("192.0.2.2"), ip_address("2001:db8::1")


def first(_count: int) -> int:
    return 0


def test_a_pair_is_even_and_odd() -> None:
    ports = Ports(40001, 40006, first)  # 40001 and 40006 are halves, two pairs between
    taken = {ports.pair(0.0), ports.pair(0.0)}
    assert taken == {40002, 40004}
    assert ports.pair(0.0) is None
    assert {ports.single(0.0), ports.single(0.0)} == {40001, 40006}
    assert ports.single(0.0) is None


def test_a_single_port_leaves_its_half_to_the_next() -> None:
    ports = Ports(40000, 40003, first)
    assert [ports.single(0.0), ports.single(0.0)] == [40000, 40001]
    assert ports.pair(0.0) == 40002


def test_no_port_is_reused_within_the_quarantine() -> None:
    ports = Ports(40000, 40001, first)
    assert ports.pair(0.0) == 40000
    ports.give_back(40000, 10.0)
    ports.give_back(40001, 10.0)
    assert ports.pair(10.0 + QUARANTINE_SECONDS - 0.1) is None
    assert ports.pair(10.0 + QUARANTINE_SECONDS) == 40000


def test_where_ports_are_short_the_longest_resting_pair_comes_back_early() -> None:
    ports = Ports(40000, 40003, first)
    given = [ports.pair(0.0), ports.pair(0.0)]
    for moment, even in ((10.0, given[1]), (11.0, given[0])):
        assert even is not None
        ports.give_back(even, moment)
        ports.give_back(even + 1, moment)
    assert ports.pair(10.0 + SHORTEST_REST_SECONDS - 0.1, SHORTEST_REST_SECONDS) is None
    assert ports.pair(11.0 + SHORTEST_REST_SECONDS, SHORTEST_REST_SECONDS) == given[1]
    assert ports.pair(11.0 + SHORTEST_REST_SECONDS, SHORTEST_REST_SECONDS) == given[0]


def test_a_pair_comes_back_early_only_with_both_its_ports() -> None:
    ports = Ports(40000, 40003, first)
    assert [ports.single(0.0) for _ in range(4)] == [40000, 40001, 40002, 40003]
    ports.give_back(40000, 10.0)  # 40001 is in use
    ports.give_back(40003, 11.0)
    ports.give_back(40002, 12.0)
    assert ports.pair(11.0 + SHORTEST_REST_SECONDS, SHORTEST_REST_SECONDS) is None
    assert ports.pair(12.0 + SHORTEST_REST_SECONDS, SHORTEST_REST_SECONDS) == 40002
    assert ports.single(12.0 + SHORTEST_REST_SECONDS, SHORTEST_REST_SECONDS) == 40000


def test_a_single_port_comes_back_early() -> None:
    ports = Ports(40000, 40001, first)
    ports.pair(0.0)
    ports.give_back(40001, 10.0)
    ports.give_back(40000, 11.0)
    assert ports.single(10.0 + SHORTEST_REST_SECONDS - 0.1, SHORTEST_REST_SECONDS) is None
    assert ports.single(12.0 + SHORTEST_REST_SECONDS, SHORTEST_REST_SECONDS) == 40001


def test_fresh_ports_come_before_those_that_still_rest() -> None:
    ports = Ports(40000, 40003, first)
    resting = ports.pair(0.0)
    assert resting is not None
    for port in (resting, resting + 1):
        ports.give_back(port, 0.0)
    assert ports.pair(QUARANTINE_SECONDS - 1, SHORTEST_REST_SECONDS) not in (None, resting)
    assert ports.pair(QUARANTINE_SECONDS - 1, SHORTEST_REST_SECONDS) == resting


def test_ports_nobody_heard_of_serve_again_at_once() -> None:
    ports = Ports(40000, 40001, first)
    ports.pair(0.0)
    ports.put_back(40001)
    ports.put_back(40000)
    assert ports.pair(0.0) == 40000


@pytest.mark.parametrize("claimed", [(40000,), (40001,), (40000, 40001), (40001, 40000), (40000, 40000)])
def test_a_claimed_port_is_not_given_out(claimed: tuple[int, ...]) -> None:
    ports = Ports(40000, 40003, first)
    for port in claimed:
        ports.claim(port)
    left = {port for port in (ports.single(0.0) for _ in range(5)) if port is not None}
    assert left == {40000, 40001, 40002, 40003} - set(claimed)


def test_a_port_outside_the_range_does_not_come_back() -> None:
    ports = Ports(40000, 40001, first)
    ports.put_back(39999)
    ports.put_back(40002)
    assert ports.free == 2


@given(st.data())
def test_no_port_is_ever_given_out_twice(data: st.DataObject) -> None:
    low = data.draw(st.integers(40000, 40003))
    ports = Ports(low, low + data.draw(st.integers(1, 12)), random.Random(0).randrange)  # noqa: S311 - repeatable
    out: set[int] = set()
    now = 0.0
    for step in data.draw(st.lists(st.sampled_from(["pair", "single", "back", "put", "wait"]), max_size=60)):
        rest = data.draw(st.sampled_from([SHORTEST_REST_SECONDS, QUARANTINE_SECONDS]))
        if step == "wait":
            now += rest
        elif step in ("back", "put") and out:
            port = data.draw(st.sampled_from(sorted(out)))
            out.remove(port)
            if step == "back":
                ports.give_back(port, now)
            else:
                ports.put_back(port)
        elif step in ("pair", "single"):
            taken = ports.pair(now, rest) if step == "pair" else ports.single(now, rest)
            both = {taken, taken + 1} if taken is not None and step == "pair" else {taken} - {None}
            assert not both & out
            assert all(low <= port <= ports.last for port in both if port is not None)
            assert step == "single" or taken is None or taken % 2 == 0
            out |= {port for port in both if port is not None}
    now += QUARANTINE_SECONDS
    for port in out:
        ports.give_back(port, now)
    now += QUARANTINE_SECONDS
    taken_again = [port for port in (ports.single(now) for _ in range(ports.last - low + 2)) if port is not None]
    assert sorted(taken_again) == list(range(low, ports.last + 1))  # nothing was lost


def allocator() -> Allocator:
    made = Allocator(first)
    made.serve({("sdn", ONE): (40000, 40003), ("sdn", TWO): (40000, 40007), ("sdn", SIX): (40000, 40001)})
    return made


def test_the_address_with_most_free_ports_comes_first() -> None:
    made = allocator()
    taken = [made.take("sdn", 4, 2, 0.0)[0] for _ in range(6)]
    assert taken.count(TWO) == 4
    assert taken[:2] == [TWO, TWO]


def test_a_fresh_port_of_another_address_comes_before_a_resting_one() -> None:
    made = Allocator(first)
    made.serve({("sdn", ONE): (40000, 40003), ("sdn", TWO): (40000, 40001)})
    for port in (0, 2):  # of one address a pair rests, and two halves of others are free: more than the other has
        made.claim("sdn", ONE, 40000 + port)
    address, ports = made.take("sdn", 4, 2, 0.0)
    assert address == TWO
    made.give_back("sdn", ONE, (40000,), 0.0)
    assert made.take("sdn", 4, 2, SHORTEST_REST_SECONDS)[0] == ONE
    made.give_back("sdn", TWO, ports, 10.0)
    assert made.take("sdn", 4, 2, 10.0 + SHORTEST_REST_SECONDS)[0] == TWO


def test_dialling_and_cancelling_over_and_over_leaves_ports_for_others() -> None:
    made = Allocator(random.Random(0).randrange)  # noqa: S311 - repeatable
    made.serve({("internet", ONE): (40000, 49999)})
    seconds, per_second, streams = 120, 8, 12
    for step in range(seconds * per_second):
        now = step / per_second
        taken = [made.take("internet", 4, 2, now)[1] for _ in range(streams)]
        for ports in taken:
            made.give_back("internet", ONE, ports, now + 0.01)


def test_where_no_port_is_left() -> None:
    made = allocator()
    made.take("sdn", 6, 2, 0.0)
    with pytest.raises(RefusalError, match="zone 'sdn' has no IPv6 media port left: add a media address") as refusal:
        made.take("sdn", 6, 1, 0.0)
    assert refusal.value.code == "ports"
    with pytest.raises(RefusalError):
        made.take("core", 4, 2, 0.0)


def test_an_address_that_is_no_longer_served_takes_its_ports_back_in_order() -> None:
    made = allocator()
    address, ports = made.take("sdn", 4, 2, 0.0)
    made.serve({("sdn", ONE): (40000, 40003)})
    made.give_back("sdn", address, ports, 0.0)
    assert made.take("sdn", 4, 2, 0.0)[0] == ONE


def test_a_served_address_keeps_what_is_taken_over_a_new_version() -> None:
    made = Allocator(first)
    made.serve({("sdn", ONE): (40000, 40001)})
    made.take("sdn", 4, 2, 0.0)
    made.serve({("sdn", ONE): (40000, 40001)})
    with pytest.raises(RefusalError):
        made.take("sdn", 4, 2, 0.0)
