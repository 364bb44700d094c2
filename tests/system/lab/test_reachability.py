"""Hosts reach each other through the routers, not through an edge that nobody configured, and homes hide behind NAT."""

import socket
from collections.abc import Callable, Iterator
from typing import Literal

import pytest

from lab.lab import Lab
from lab.topology import SIP_PORT

pytestmark = pytest.mark.system

Probe = Callable[..., str | None]

SAME_SIDE = [
    ("hospital", "municipality"),
    ("municipality", "hospital"),
    ("home", "clinic"),
    ("nat", "clinic"),
]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.temporary("reach") as built:
        yield built


@pytest.mark.parametrize(("sender", "receiver"), SAME_SIDE)
@pytest.mark.parametrize("family", [4, 6])
def test_hosts_of_one_network_reach_each_other(
    lab: Lab, probe: Probe, sender: str, receiver: str, family: Literal[4, 6]
) -> None:
    seen = probe(lab, sender, lab.host(receiver).address(family), receiver)
    hidden = "198.51.100.130" if (sender, family) == ("home", 4) else lab.host(sender).address(family)
    assert seen == hidden


@pytest.mark.parametrize(("sender", "receiver"), [("hospital", "clinic"), ("clinic", "hospital"), ("core", "admin")])
@pytest.mark.parametrize("family", [4, 6])
def test_nothing_crosses_the_edge(lab: Lab, probe: Probe, sender: str, receiver: str, family: Literal[4, 6]) -> None:
    assert probe(lab, sender, lab.host(receiver).address(family), receiver, lost=True) is None


def test_ipv6_of_the_home_is_routed(lab: Lab, probe: Probe) -> None:
    assert probe(lab, "clinic", lab.host("home").address(6), "home") == lab.host("clinic").address(6)


def test_nobody_reaches_the_home_unasked_in_ipv4(lab: Lab, probe: Probe) -> None:
    assert probe(lab, "clinic", lab.host("home").address(4), "home", lost=True) is None
    assert probe(lab, "clinic", lab.host("nat").address(4), "home", lost=True) is None


def test_an_answer_comes_back_through_the_nat(lab: Lab) -> None:
    clinic, home = lab.host("clinic"), lab.host("home")
    with clinic.socket() as server, home.socket() as client:
        server.bind((clinic.address(), 9000))
        server.settimeout(5)
        client.settimeout(5)
        client.sendto(b"hello", (clinic.address(), 9000))
        data, source = server.recvfrom(100)
        assert (data, source[0]) == (b"hello", "198.51.100.130")
        server.sendto(b"welcome", source)
        assert client.recvfrom(100)[0] == b"welcome"


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["udp", "tcp"])
def test_sip_is_handed_in_by_the_home_router(lab: Lab, kind: int) -> None:
    clinic, home = lab.host("clinic"), lab.host("home")
    with home.socket(socket.AF_INET, kind) as server, clinic.socket(socket.AF_INET, kind) as client:
        server.bind((home.address(), SIP_PORT))
        server.settimeout(5)
        client.settimeout(5)
        if kind == socket.SOCK_STREAM:
            server.listen()
        client.connect(("198.51.100.130", SIP_PORT))
        client.send(b"OPTIONS")
        if kind == socket.SOCK_STREAM:
            connection, source = server.accept()
            connection.close()
        else:
            source = server.recvfrom(100)[1]
        assert source[0] == clinic.address()


def test_the_edge_has_its_cables_and_nothing_else(lab: Lab) -> None:
    names = lab.host("edge").call(lambda: sorted(name for _, name in socket.if_nameindex()))
    assert names == ["core0", "lo", "mgmt0", "net0", "sdn0"]


def test_a_host_runs_programs(lab: Lab) -> None:
    done = lab.host("home").run(["cat", "/proc/net/route"])
    assert "eth0" in done.stdout
