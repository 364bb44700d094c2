"""The relay with real packets: who may send into a pinhole, and where it goes."""

from __future__ import annotations

import errno
import socket
from dataclasses import replace
from ipaddress import ip_address

import pytest

from nft import relay
from nft.errors import TransactionError
from nft.kernel import Traffic
from nft.nflog import Latched, LatchReader
from nft.relay import End
from nft.schema import IPAddress
from tests.nft import frames
from tests.nft.conftest import PAYLOAD, Bench, place, reaches
from tests.nft.topology import address, inside

pytestmark = pytest.mark.system


def name(made: socket.socket) -> tuple[IPAddress, int]:
    return ip_address(made.getsockname()[0]), made.getsockname()[1]


def until_gone(made: socket.socket) -> list[bytes]:
    made.settimeout(0.3)
    got = []
    try:
        while True:
            got.append(made.recv(65536))
    except TimeoutError:
        return got


def test_packets_go_both_ways_between_signalled_addresses_and_show_only_ours(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    assert reaches(inner, bridge.a, outer) == place(bridge.b)
    assert reaches(outer, bridge.b, inner) == place(bridge.a)


def test_the_first_packet_of_an_allowed_source_settles_where_packets_go(bench: Bench) -> None:
    inner, signalled, behind_nat = bench.udp("sdn"), bench.udp("internet"), bench.udp("internet", 3)
    with inside(bench.net.names["gw"]), LatchReader() as log:
        bridge = bench.open(bench.end("sdn", inner), bench.end("internet", signalled, 3))
        assert reaches(inner, bridge.a, signalled) == place(bridge.b), "before learning, to the signalled address"
        assert reaches(behind_nat, bridge.b, inner) == place(bridge.a)
        assert log.read() == [Latched(bridge.b.number, *name(behind_nat))]
    assert bench.kernel.learned([bridge.a, bridge.b]) == {bridge.b.number: name(behind_nat)}
    assert reaches(inner, bridge.a, behind_nat) == place(bridge.b), "after it, to the learned one"
    settled, batch, idle = relay.settle(bridge, bridge.b.number, name(behind_nat), 30)
    bench.kernel.commit(batch)
    assert reaches(inner, bridge.a, behind_nat) == place(bridge.b)
    bench.kernel.commit(idle)
    bench.bridges[0] = settled
    assert bench.kernel.learned([bridge.b]) == {}
    assert reaches(inner, bridge.a, behind_nat) == place(bridge.b)
    assert reaches(behind_nat, bridge.b, inner) == place(bridge.a)


def test_only_the_first_packet_learns(bench: Bench) -> None:
    inner, first, second = bench.udp("sdn"), bench.udp("internet", 3), bench.udp("internet", 3)
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", None, 3))
    assert reaches(inner, bridge.a, first) is None, "nothing is sent before a source is known"
    assert reaches(first, bridge.b, inner)
    assert reaches(second, bridge.b, inner) is None
    assert bench.kernel.learned([bridge.b]) == {bridge.b.number: name(first)}


@pytest.mark.parametrize("learns", [False, True])
def test_a_foreign_source_does_not_come_through(bench: Bench, learns: bool) -> None:
    inner, outer, foreign = bench.udp("sdn"), bench.udp("internet"), bench.udp("internet", 4)
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer, *([2] if learns else [])))
    before = bench.net.counter("media", "refused")
    assert reaches(foreign, bridge.b, inner) is None
    assert bench.net.counter("media", "refused") == before + 1
    assert reaches(outer, bridge.b, inner), "and does not keep the true one out"


def test_a_foreign_port_of_the_trusted_host_does_not_come_through(bench: Bench) -> None:
    inner, outer, other = bench.udp("sdn"), bench.udp("internet"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    assert reaches(other, bridge.b, inner) is None


def test_a_port_without_a_pinhole_answers_nothing(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    before = bench.net.counter("media", "unknown")
    assert reaches(outer, replace(bridge.b, port=bridge.b.port + 1), inner) is None
    assert bench.net.counter("media", "unknown") == before + 1


def test_a_pinhole_of_another_zone_is_out_of_reach(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    assert reaches(outer, bridge.a, outer) is None, "the internet aims at the SDN's pinhole"
    assert reaches(inner, bridge.b, inner) is None, "and the SDN at the internet's"


def test_the_right_source_on_the_wrong_interface_does_not_come_through(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    before = bench.net.counter("edge", "input_denied") + bench.net.counter("edge", "spoofed")
    with bench.net.packets("internet") as link:
        link.send(frames.udp("internet", inner.getsockname()[:2], place(bridge.a), PAYLOAD))
    assert until_gone(outer) == []
    assert bench.net.counter("edge", "input_denied") + bench.net.counter("edge", "spoofed") == before + 1


def test_rtcp_is_a_bridge_of_its_own(bench: Bench) -> None:
    sockets = [(bench.udp("sdn"), bench.udp("internet")) for _ in range(2)]
    bridges = [bench.open(bench.end("sdn", inner), bench.end("internet", outer)) for inner, outer in sockets]
    for (inner, outer), bridge in zip(sockets, bridges, strict=True):
        assert reaches(inner, bridge.a, outer) == place(bridge.b)
    assert reaches(sockets[0][0], bridges[1].a, sockets[1][1]) is None, "RTP does not pass as RTCP"


def test_two_parties_of_one_zone_talk_through_it(bench: Bench) -> None:
    one, two = bench.udp("internet", 2), bench.udp("internet", 3)
    bridge = bench.open(bench.end("internet", one), bench.end("internet", two, 3))
    assert reaches(one, bridge.a, two) == place(bridge.b)
    assert reaches(two, bridge.b, one) == place(bridge.a)


def test_traffic_is_counted_by_the_end_it_arrives_at(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    for _ in range(3):
        assert reaches(inner, bridge.a, outer)
    assert reaches(outer, bridge.b, inner)
    size = len(PAYLOAD) + 8 + (20 if bench.version == 4 else 40)
    expected = {bridge.a.number: Traffic(3, 3 * size), bridge.b.number: Traffic(1, size)}
    assert bench.kernel.traffic([bridge]) == expected
    bench.kernel.commit(relay.renew([bridge], 30))
    assert bench.kernel.traffic([bridge]) == expected, "renewal leaves the counters alone"


def test_a_source_over_the_rate_is_cut_down_to_it(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    outer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    for _ in range(3000):
        inner.sendto(PAYLOAD, place(bridge.a))
    passed = bench.kernel.traffic([bridge])[bridge.a.number].packets
    assert 500 <= passed < 2900, "the burst at least; all only after 1.5 s"


def test_the_kernel_closes_a_pinhole_that_nobody_renews(bench: Bench) -> None:
    inner, outer, late = bench.udp("sdn"), bench.udp("internet"), bench.udp("internet", 3)
    trusted = bench.open(bench.end("sdn", inner), bench.end("internet", outer), timeout=0.4)
    armed = bench.open(bench.end("sdn", inner), bench.end("internet", None, 3), timeout=0.4)
    assert reaches(inner, trusted.a, outer)
    assert until_gone(outer) == []  # 0.3 s
    assert until_gone(outer) == []
    assert reaches(inner, trusted.a, outer) is None
    assert reaches(outer, trusted.b, inner) is None
    assert reaches(late, armed.b, inner) is None


def test_renewal_prolongs_and_brings_back_what_ran_out(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer), timeout=0.4)
    bench.kernel.commit(relay.renew([bridge], 60))
    assert {round(adopted.expires or 0) for adopted in bench.kernel.adopt()} == {60}
    bench.kernel.commit(relay.renew([bridge], 0.01))
    assert until_gone(outer) == []
    assert reaches(inner, bridge.a, outer) is None
    bench.kernel.commit(relay.renew([bridge], 30))
    assert reaches(inner, bridge.a, outer)


def test_renewal_does_not_arm_a_pinhole_that_has_learned(bench: Bench) -> None:
    inner, first, second = bench.udp("sdn"), bench.udp("internet", 3), bench.udp("internet", 3)
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", None, 3))
    bench.kernel.commit(relay.renew([bridge], 30))
    assert reaches(first, bridge.b, inner), "renewed while it waits, it still learns"
    bench.kernel.commit(relay.renew([bridge], 30))
    assert reaches(second, bridge.b, inner) is None


def test_a_change_of_remote_holds_from_the_next_packet(bench: Bench) -> None:
    inner, old, new = bench.udp("sdn"), bench.udp("internet"), bench.udp("internet", 4)
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", old))
    assert reaches(inner, bridge.a, old)
    changed = replace(bridge, b=replace(bridge.b, remote=name(new)))
    bench.rebind(bridge, changed)
    assert reaches(inner, changed.a, new) == place(changed.b)
    assert reaches(new, changed.b, inner)
    assert reaches(old, changed.b, inner) is None, "the old far side is a foreign source now"
    assert bench.kernel.traffic([changed])[changed.a.number].packets == 2, "counters go on"


def test_a_change_of_remote_forgets_what_was_learned(bench: Bench) -> None:
    inner, old, new = bench.udp("sdn"), bench.udp("internet", 3), bench.udp("internet", 4)
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", None, 3))
    assert reaches(old, bridge.b, inner)
    changed = replace(bridge, b=replace(bridge.b, sources=(address("internet", 4, bench.version),)))
    bench.rebind(bridge, changed)
    assert reaches(old, changed.b, inner) is None
    assert reaches(inner, changed.a, old) is None
    assert reaches(new, changed.b, inner)


def test_rearming_learns_anew_from_the_same_sources(bench: Bench) -> None:
    inner, first, second = bench.udp("sdn"), bench.udp("internet", 3), bench.udp("internet", 3)
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", None, 3))
    assert reaches(first, bridge.b, inner)
    bench.rebind(bridge, bridge, rearm=True)
    assert reaches(second, bridge.b, inner)
    assert reaches(first, bridge.b, inner) is None


def test_a_closed_pinhole_lets_nothing_through(bench: Bench) -> None:
    inner, outer, natted = bench.udp("sdn"), bench.udp("internet"), bench.udp("internet", 3)
    trusted = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    learned = bench.open(bench.end("sdn", inner), bench.end("internet", None, 3))
    assert reaches(inner, trusted.a, outer)
    assert reaches(natted, learned.b, inner)
    bench.kernel.commit(relay.close(bench.bridges))
    bench.bridges.clear()
    assert reaches(inner, trusted.a, outer) is None
    assert reaches(outer, trusted.b, inner) is None
    assert reaches(natted, learned.b, inner) is None


def test_what_arrives_at_a_local_end_is_delivered_and_what_it_sends_leaves(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner, local=True), bench.end("internet", outer, 2, local=True))
    served = [_served(bench, end) for end in (bridge.a, bridge.b)]
    stranger = bench.udp("internet", 4)
    for end, there, here in ((bridge.a, inner, served[0]), (bridge.b, outer, served[1])):
        assert reaches(there, end, here) == there.getsockname()[:2]
        here.sendto(PAYLOAD, there.getsockname()[:2])
        assert there.recvfrom(2000)[1][:2] == place(end)
        assert bench.kernel.traffic([bridge])[end.number].packets == 1
    assert reaches(stranger, bridge.b, served[1]) is None


def test_a_local_socket_cannot_send_into_another_zone(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner, local=True), bench.end("internet", outer, local=True))
    served = _served(bench, bridge.a)
    served.sendto(PAYLOAD, outer.getsockname()[:2])
    assert until_gone(outer) == []


def _served(bench: Bench, end: End) -> socket.socket:
    """Return a socket on the gateway as mediad has it: bound to the pinhole, marked with its number."""
    with inside(bench.net.names["gw"]):
        made = socket.socket(socket.AF_INET if bench.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    made.settimeout(0.5)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, end.number)
    made.bind(place(end))
    bench.sockets.append(made)
    return made


def test_open_bridges_are_read_back_as_they_are(bench: Bench) -> None:
    inner, outer, natted = bench.udp("sdn"), bench.udp("internet"), bench.udp("internet", 3)
    trusted = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    learning = bench.open(bench.end("sdn", inner), bench.end("internet", outer, 3, 4))
    local = bench.open(bench.end("sdn", inner, local=True), bench.end("internet", None, local=True))
    silent = bench.open(bench.end("sdn"), bench.end("internet"))
    assert reaches(natted, learning.b, inner)
    adopted = {found.bridge.lease: found for found in bench.kernel.adopt()}
    assert {lease: found.bridge for lease, found in adopted.items()} == {
        bridge.lease: bridge for bridge in (trusted, learning, local, silent)
    }
    assert adopted[learning.lease].learned == {learning.b.number: name(natted)}
    assert adopted[silent.lease].expires is None
    assert adopted[trusted.lease].expires == pytest.approx(30, abs=5)


def test_a_second_bridge_over_a_pinhole_in_use_is_refused_whole(bench: Bench) -> None:
    inner, outer, other = bench.udp("sdn"), bench.udp("internet"), bench.udp("internet", 4)
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    thief = relay.Bridge("thief", bench.end("core"), replace(bridge.b, remote=name(other)))
    with pytest.raises(TransactionError) as refused:
        bench.kernel.commit(relay.open([thief], 30))
    assert not refused.value.only(errno.ENOENT)
    assert reaches(inner, bridge.a, outer) == place(bridge.b)
    assert [found.bridge for found in bench.kernel.adopt()] == [bridge]
