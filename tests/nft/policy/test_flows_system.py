"""Flows through a policy in the kernel: how they end, what limits them, and what is translated."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from nft.kernel import Kernel
from nft.netlink import Netlink
from nft.policy.agreement import Agreements
from nft.policy.model import Masking, Policy, Publication, Rule
from nft.policy.opening import LONGEST, changes
from nft.policy.ruleset import Ruleset
from tests.nft import frames
from tests.nft.policy.conftest import Load
from tests.nft.policy.world import DAY, ORGANISATIONS, agreement, at, client, network, offer, service
from tests.nft.topology import ZONES, Network, address, inside

pytestmark = pytest.mark.system

VERSIONS = pytest.mark.parametrize("version", [4, 6], ids=["ipv4", "ipv6"])
PORT = 7000
SOON = 1.0  # seconds from which an agreement starts or ends
PATIENCE = 60.0  # seconds until a test gives up on a busy machine


def host(zone: str, number: int, version: int) -> str:
    return str(address(zone, number, version))


def until(what: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if what():
            return True
    return False


class Flow:
    """A UDP socket in the SDN and one in the core."""

    def __init__(self, net: Network, version: int, number: int = 2) -> None:
        self.version = version
        self.client = net.udp("sdn", number, 0, version)
        self.server = net.udp("core", 2, PORT, version)
        self._count = 0

    def forth(self) -> bool:
        return self._passes(self.client, self.server.getsockname()[:2], self.server)

    def back(self) -> bool:
        return self._passes(self.server, self.client.getsockname()[:2], self.client)

    def _passes(self, sender: socket.socket, to: tuple[str, int], receiver: socket.socket) -> bool:
        self._count += 1
        sent = b"%d" % self._count
        sender.sendto(sent, to)
        try:
            while receiver.recv(100) != sent:
                pass  # of an earlier attempt
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        self.client.close()
        self.server.close()


@pytest.fixture(params=(4, 6), ids=("ipv4", "ipv6"))
def flow(net: Network, request: pytest.FixtureRequest) -> Iterator[Flow]:
    made = Flow(net, request.param)
    yield made
    made.close()


def agreed(starts: float, ends: float) -> Policy:
    who = client("lan", host("sdn", 2, 4) + "/32", host("sdn", 2, 6) + "/128")
    what = offer("echo", f"udp/{PORT} tcp/{PORT}", host("core", 2, 4), host("core", 2, 6))
    one = agreement("a-1", "lan", "echo", int(starts), int(ends))
    return Policy(tuple(ZONES), agreements=Agreements(ORGANISATIONS, (what,), (who,), (one,)))


def ruled(*rules: Rule, **more: object) -> Policy:
    networks = (
        network("lan", "sdn", "198.18.1.0/24", "2001:db8:1::/64"),
        network("hosts", "core", "198.18.3.0/24", "2001:db8:3::/64"),
    )
    services = (service("echo", f"udp/{PORT}", f"tcp/{PORT}"),)
    made = Policy(tuple(ZONES), networks, services, rules)
    return replace(made, **more)  # type: ignore[arg-type] # fields by their names


ALLOW = Rule("sdn", "core", "allow", at(1), ("lan",), ("hosts",), ("echo",))


def rewrite(net: Network, ruleset: Ruleset, *times: tuple[float, float] | None) -> None:
    """Move the times of all agreements as gatewayd does: by single elements; what gets none is over."""
    now = time.time()
    wanted = [
        replace(each, starts=int(now + moved[0]), ends=int(now + moved[1]) + 1)
        for each, moved in zip(ruleset.openings(now), times, strict=True)
        if moved
    ]
    shapes = ruleset.shapes
    with inside(net.names["gw"]), Netlink() as netlink:
        netlink.commit(changes(shapes, netlink.dump(shapes.open), netlink.dump(shapes.early), wanted, now))


def held(net: Network, ruleset: Ruleset) -> tuple[int, int]:
    with inside(net.names["gw"]), Netlink() as netlink:
        return len(netlink.dump(ruleset.shapes.open)), len(netlink.dump(ruleset.shapes.early))


def test_an_agreement_that_ends_cuts_an_established_flow_both_ways_by_itself(
    net: Network, load: Load, flow: Flow
) -> None:
    now = time.time()
    ruleset = load(agreed(now - DAY, now + DAY))
    assert flow.forth()
    assert flow.back()
    rewrite(net, ruleset, (-DAY, SOON))
    assert until(lambda: not flow.forth())
    assert not flow.back()
    assert held(net, ruleset) == (0, 0)


def test_an_agreement_without_end_is_open_and_left_alone(net: Network, load: Load, flow: Flow) -> None:
    now = time.time()
    ruleset = load(agreed(now - DAY, now + 7000 * 365 * DAY))
    assert flow.forth()
    assert flow.back()
    with inside(net.names["gw"]), Netlink() as netlink:
        shapes, wanted = ruleset.shapes, ruleset.openings(now)
        (written,) = netlink.dump(shapes.open)
        assert written.timeout == LONGEST
        assert changes(shapes, [written], [], wanted, time.time()) == []
        netlink.commit(changes(shapes, [replace(written, expires=LONGEST / 3)], [], wanted, time.time()))
        (renewed,) = netlink.dump(shapes.open)
        assert (renewed.timeout, renewed.packets) == (LONGEST, 0)
    assert flow.forth()


def test_a_start_that_is_too_far_to_time_keeps_it_shut(net: Network, load: Load, flow: Flow) -> None:
    now = time.time()
    ruleset = load(agreed(now + 5000 * 365 * DAY, now + 7000 * 365 * DAY))
    assert not flow.forth()
    assert held(net, ruleset) == (1, 1)


def test_an_agreement_opens_at_its_start_by_itself(net: Network, load: Load, flow: Flow) -> None:
    now = time.time()
    ruleset = load(agreed(now + DAY, now + 2 * DAY))
    assert not flow.forth()
    assert held(net, ruleset) == (1, 1)
    rewrite(net, ruleset, (SOON, DAY))
    assert until(flow.forth)
    assert flow.back()
    assert held(net, ruleset) == (1, 0)


def test_an_agreement_after_a_pause_opens_by_itself_as_well(net: Network, load: Load, flow: Flow) -> None:
    now = time.time()
    policy = agreed(now - DAY, now + DAY)
    (first,) = policy.agreements.agreements
    second = replace(first, id="a-2", starts=int(now) + 2 * DAY, ends=int(now) + 3 * DAY)
    both = replace(policy.agreements, agreements=(first, second))
    ruleset = load(replace(policy, agreements=both))
    assert held(net, ruleset) == (2, 1)
    assert flow.forth()
    assert flow.back()
    rewrite(net, ruleset, (-DAY, SOON), (DAY, 2 * DAY))
    assert until(lambda: not flow.forth())
    assert not flow.back()
    assert held(net, ruleset) == (1, 1)
    rewrite(net, ruleset, None, (SOON, DAY))
    assert until(flow.forth)
    assert flow.back()
    assert held(net, ruleset) == (1, 0)


def test_nobody_but_the_client_may_use_it_and_nothing_comes_back_unasked(net: Network, load: Load, flow: Flow) -> None:
    now = time.time()
    load(agreed(now - DAY, now + DAY))
    assert not flow.back()
    with net.udp("sdn", 3, 0, flow.version) as stranger:
        stranger.sendto(b"x", flow.server.getsockname()[:2])
        with pytest.raises(TimeoutError):
            flow.server.recv(10)
    assert flow.forth()


def test_hits_of_an_agreement_are_counted_and_stay_when_another_changes(net: Network, load: Load, flow: Flow) -> None:
    now = time.time()
    ruleset = load(agreed(now - DAY, now + DAY))
    assert flow.forth()
    assert flow.back()
    with inside(net.names["gw"]), Netlink() as netlink:
        (before,) = netlink.dump(ruleset.shapes.open)
        assert (before.packets, before.comment) == (2, "a-1")
        assert changes(ruleset.shapes, [before], [], ruleset.openings(now), time.time()) == []


def test_a_new_policy_cuts_what_it_no_longer_allows_and_nothing_else(load: Load, flow: Flow) -> None:
    load(ruled(ALLOW))
    assert flow.forth()
    assert flow.back()
    load(ruled(Rule("sdn", "core", "allow", at(2)), Rule("core", "sdn", "deny", at(3))))
    assert flow.back(), "still allowed, by another rule"
    load(ruled(replace(ALLOW, action="deny", log=True), Rule("sdn", "core", "allow", at(3))))
    assert not flow.forth()
    assert not flow.back()


def test_a_ban_comes_before_every_rule(load: Load, kernel: Kernel, flow: Flow) -> None:
    load(ruled(ALLOW))
    assert flow.forth()
    banned = address("sdn", 2, flow.version)
    kernel.ban(banned, 60)
    try:
        assert not flow.forth()
    finally:
        kernel.unban(banned)
    assert flow.forth()


def test_a_source_of_another_zone_does_not_pass(net: Network, load: Load, flow: Flow) -> None:
    load(ruled(ALLOW, Rule("internet", "core", "allow", at(2))))
    before = net.counter("edge", "spoofed")
    ours = host("core", 1, flow.version)
    with net.packets("internet") as link:
        link.send(frames.udp("internet", (ours, 5000), flow.server.getsockname()[:2], b"x"))
    with pytest.raises(TimeoutError):
        flow.server.recv(10)
    assert net.counter("edge", "spoofed") == before + 1


def tcp(net: Network, zone: str, number: int, version: int, port: int = 0) -> socket.socket:
    with inside(net.names[zone]):
        made = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    made.settimeout(5)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host(zone, number, version), port))
    return made


@VERSIONS
def test_a_published_address_leads_to_the_host_behind_it(net: Network, load: Load, version: int) -> None:
    ours, theirs = address("internet", 1, version), address("core", 2, version)
    published = Publication("internet", "tcp", ours, 8443, theirs, PORT, at(5))
    load(ruled(Rule("internet", "core", "allow", at(1), (), ("hosts",), ("echo",)), publications=(published,)))
    with tcp(net, "core", 2, version, PORT) as server, tcp(net, "internet", 2, version) as visitor:
        server.listen(1)
        visitor.connect((str(ours), 8443))
        accepted, source = server.accept()
        with accepted:
            assert source[0] == host("internet", 2, version)
            visitor.sendall(b"hello")
            assert accepted.recv(10) == b"hello"
            accepted.sendall(b"back")
            assert visitor.recv(10) == b"back"


@VERSIONS
def test_a_masked_flow_comes_from_our_address_and_finds_its_way_back(net: Network, load: Load, version: int) -> None:
    ours = address("core", 1, version)
    load(ruled(ALLOW, maskings=(Masking("sdn", "core", ours, at(5), ("hosts",), ("echo",)),)))
    with net.udp("core", 2, PORT, version) as server, net.udp("sdn", 2, 0, version) as visitor:
        visitor.sendto(b"ask", server.getsockname()[:2])
        got, source = server.recvfrom(10)
        assert (got, source[0]) == (b"ask", str(ours))
        assert source[1] < 16384, "neither a pinhole nor a port of our own sockets"
        server.sendto(b"answer", source[:2])
        assert visitor.recv(10) == b"answer"


def test_new_flows_of_one_source_are_limited_and_nothing_else(net: Network, load: Load, flow: Flow) -> None:
    load(ruled(replace(ALLOW, rate=5)))
    assert flow.forth()
    assert flow.back()
    for _ in range(40):
        with net.udp("sdn", 2, 0, flow.version) as one:
            one.sendto(b"x", flow.server.getsockname()[:2])
    assert net.counter("transit", "rate_limited") > 0
    assert flow.forth(), "what is established is not limited"
    if flow.version == 4:  # of IPv6, the next address is the same source
        with net.udp("sdn", 3, 0, 4) as other:
            flow.server.settimeout(PATIENCE)
            other.sendto(b"other", flow.server.getsockname()[:2])
            while flow.server.recv(10) != b"other":
                pass


def test_connections_of_one_source_are_limited(net: Network, load: Load) -> None:
    load(ruled(replace(ALLOW, connections=2)))
    with tcp(net, "core", 2, 4, PORT) as server:
        server.listen(8)
        made = [tcp(net, "sdn", 4, 4) for _ in range(3)]
        try:
            for one in made[:2]:
                one.connect((host("core", 2, 4), PORT))
            made[2].settimeout(0.5)
            with pytest.raises(TimeoutError):
                made[2].connect((host("core", 2, 4), PORT))
            assert net.counter("transit", "connections_limited") > 0
        finally:
            for one in made:
                one.close()


@VERSIONS
def test_an_error_about_an_open_flow_finds_its_way_back(net: Network, load: Load, version: int) -> None:
    load(ruled(ALLOW))
    with net.udp("sdn", 2, 0, version) as visitor:
        visitor.settimeout(5)
        visitor.connect((host("core", 2, version), PORT))  # where nobody listens: the host says so
        visitor.send(b"x")
        with pytest.raises(ConnectionRefusedError):
            visitor.recv(10)


def test_a_smaller_way_out_bounds_the_segments_of_a_connection(net: Network, load: Load) -> None:
    load(ruled(ALLOW))
    net.gateway("ip", "route", "change", "198.18.3.0/24", "dev", "core0", "table", "103", "mtu", "1300")
    try:
        with tcp(net, "core", 2, 4, PORT) as server, tcp(net, "sdn", 2, 4) as visitor:
            server.listen(1)
            visitor.connect((host("core", 2, 4), PORT))
            accepted, _ = server.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) <= 1300 - 40
    finally:
        net.gateway("ip", "route", "change", "198.18.3.0/24", "dev", "core0", "table", "103")


@VERSIONS
def test_a_rule_about_a_zone_is_none_about_our_own_address_in_it(net: Network, load: Load, version: int) -> None:
    load(ruled(Rule("sdn", "core", "allow", at(1))))
    counters = ("edge", "input_denied"), ("edge", "spoofed")  # which of them depends on the order of routing rules
    before = sum(net.counter(*each) for each in counters)
    with net.udp("sdn", 2, 0, version) as visitor:
        visitor.sendto(b"x", (host("core", 1, version), PORT))
        assert until(lambda: sum(net.counter(*each) for each in counters) > before)
