from __future__ import annotations

import pytest

from tests.peers.host import Here
from tests.peers.rtp import Probe, carry


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_packets_are_told_apart_and_their_way_is_seen(address: str) -> None:
    with Probe(Here(), address, 0) as left, Probe(Here(), address, 0) as right:
        assert left.send(address, right.port, 3, size=500) == [0, 1, 2]
        came = right.arrivals(3)
        assert [one.number for one in came] == [0, 1, 2]
        assert {one.source for one in came} == {(address, left.port)}
        assert {(one.sender, one.octets, one.ttl) for one in came} == {(left.sender, 500, 64)}


def test_a_report_counts_what_was_lost() -> None:
    with Probe(Here(), "127.0.0.1", 0) as left, Probe(Here(), "127.0.0.1", 0) as right:
        good = carry(left, ("127.0.0.1", right.port), right, count=5)
        assert (good.sent, good.arrived, good.lost, good.ttls) == (5, 5, 0, frozenset({64}))
        with Probe(Here(), "127.0.0.1", 0) as elsewhere:
            left.send("127.0.0.1", elsewhere.port)
            assert right.silent(0.05)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_low_ttl_is_reported(address: str) -> None:
    with Probe(Here(), address, 0) as left, Probe(Here(), address, 0) as right:
        left.set_ttl(7)
        left.send(address, right.port)
        assert [one.ttl for one in right.arrivals(1)] == [7]


def test_other_packets_are_not_taken_for_a_probe() -> None:
    with Probe(Here(), "127.0.0.1", 0) as left, Probe(Here(), "127.0.0.1", 0) as right:
        left.socket.sendto(b"noise", ("127.0.0.1", right.port))
        assert right.arrivals(1, 0.05) == []


def test_control_packets_have_a_way_of_their_own() -> None:
    with Probe(Here(), "127.0.0.1", 0) as left, Probe(Here(), "127.0.0.1", 0) as right:
        left.send_control("127.0.0.1", right.port)
        assert right.control_arrives() == ("127.0.0.1", left.port)
        assert right.control_arrives(0.05) is None
