"""Leases of connections (BFCP over TCP): who may open them, who they are opened to, and what the kernel is told."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from gatewayd.errors import RefusalError
from gatewayd.pinholes.policy import Far, Policy
from nft.relay import LINGER_SECONDS
from tests.gatewayd.pinholes.test_desk import LEASE, OUTSIDE, Bench, stream
from tests.gatewayd.site import load
from vdx.ids import LEASE_SECONDS
from vdx.pinhole import Change, End, Remote, SetRemote, Stream

POLICY = Policy(load().site)
ROOM, DISCARD = Remote("10.1.2.3", 5070), Remote("10.1.2.3", 9)


def floor(a: End | None = None, b: End | None = None) -> Stream:
    a = a or End("sdn", "hospital", 4, DISCARD)
    return stream(kind="tcp", a=a, b=b or End("internet", "citizen", 4, signalled_from=OUTSIDE))


def admitted(bench: Bench) -> set[tuple[str, int, str]]:
    """Tell who may talk to which of our ports, from the kernel's sets."""
    return {(key[0], key[2], str(key[3])) for name, key in bench.kernel.elements if name in {"tcp4", "tcp6"}}  # type: ignore[misc]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_who_opens_it_is_admitted_by_address_whatever_port_sdp_says(bench: Bench) -> None:
    a, b = bench.open(floor())
    assert a.rtcp_port is b.rtcp_port is None
    assert admitted(bench) == {("sdn0", a.port, "10.1.2.3")}  # nothing is known of the other side yet
    assert bench.relays.serving[LEASE].bridges[0].a.remote is None  # mediad waits


def test_an_answer_says_where_it_is_opened_to(bench: Bench) -> None:
    a, b = bench.open(floor())
    answer = Change(LEASE, "b", Remote(OUTSIDE, 5070), None, OUTSIDE, connects=True)
    bench.desk.change("b2bua", SetRemote(2, (answer,)), 1.0)
    assert admitted(bench) == {("sdn0", a.port, "10.1.2.3"), ("net0", b.port, OUTSIDE)}
    assert bench.relays.serving[LEASE].bridges[0].b.remote == (ip_address(OUTSIDE), 5070)


def test_a_renewal_keeps_it_and_the_end_lets_last_words_through(bench: Bench) -> None:
    bench.open(floor())
    bench.desk.renew("b2bua", (LEASE,), 20.0)
    (put,) = [put for (name, _), put in bench.kernel.elements.items() if name == "tcp4"]
    assert put.timeout == LEASE_SECONDS
    bench.desk.release("b2bua", (LEASE,), 30.0)
    assert [(name, put.timeout) for (name, _), put in bench.kernel.elements.items()] == [("tcp4", LINGER_SECONDS)]
    assert bench.relays.serving == {}


@pytest.mark.parametrize("connects", [False, True])
def test_a_restarted_gatewayd_takes_it_over(bench: Bench, connects: bool) -> None:
    bench.open(floor())
    change = Change(LEASE, "a", ROOM if connects else DISCARD, None, None, connects=connects)
    bench.desk.change("b2bua", SetRemote(2, (change,)), 1.0)
    before = bench.desk.leases.get(LEASE)
    assert before
    again = bench.make(load())
    ((held, over),) = again.adopt(bench.kernel.adopt(), 5.0)
    assert (held, over) == (before, False)


def test_one_to_which_nobody_is_admitted_yet_is_taken_over_too(bench: Bench) -> None:
    bench.open(floor(End("sdn", "hospital", 4), End("sdn", "silent", 4)))
    before = bench.desk.leases.get(LEASE)
    again = bench.make(load())
    ((held, _),) = again.adopt(bench.kernel.adopt(), 5.0)
    assert held == before
    assert held.kind == "tcp"


def test_ends_of_two_families_are_no_matter(bench: Bench) -> None:
    a, _ = bench.open(floor(End("sdn", "hospital", 6, Remote("2001:db8:a::9", 9))))
    assert ("sdn0", a.port, "2001:db8:a::9") in admitted(bench)


@pytest.mark.parametrize(
    ("peer", "remote", "signalled", "connects", "far"),
    [
        ("hospital", DISCARD, None, False, Far(None, (ip_address("10.1.2.3"),))),
        ("hospital", None, "10.1.2.3", False, Far(None)),
        ("hospital", ROOM, None, True, Far((ip_address("10.1.2.3"), 5070))),
        ("citizen", Remote("192.168.1.2", 9), OUTSIDE, False, Far(None, (ip_address(OUTSIDE),))),
        ("citizen", Remote("192.168.1.2", 5070), OUTSIDE, True, Far(None)),
        (
            "citizen",
            Remote("198.51.100.78", 9),
            OUTSIDE,
            False,
            Far(None, (ip_address("198.51.100.78"), ip_address(OUTSIDE))),
        ),
    ],
)
def test_where_a_connection_may_come_from_and_go_to(
    peer: str, remote: Remote | None, signalled: str | None, connects: bool, far: Far
) -> None:
    assert POLICY.connection(peer, 4, remote, signalled, connects=connects).rtp == far


@pytest.mark.parametrize(
    ("remote", "connects"),
    [(Remote("10.1.2.3", 22), True), (Remote("192.0.2.9", 9), False), (Remote("10.0.0.1", 5070), True)],
)
def test_where_it_may_not(remote: Remote, connects: bool) -> None:
    with pytest.raises(RefusalError):
        POLICY.connection("hospital", 4, remote, None, connects=connects)


def test_without_mediad_there_is_none(bench: Bench) -> None:
    bench.relays.away = True
    assert bench.refused(floor()) == ("kernel", "mediad is away")
