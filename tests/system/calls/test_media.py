"""Real packets across the edge: counted on both sides, with the addresses and TTLs seen there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.peers import bfcp, sdp
from tests.peers.bfcp import Message, Peer
from tests.peers.rtp import Probe, Report, carry
from tests.system.calls.crossing import CALLEE_PORTS, CALLER_PORTS, Crossing, Established
from tests.system.calls.edge import Edge

pytestmark = pytest.mark.system

TTL_BEHIND_ONE_ROUTER = 62  # the edge sets 64; its own forwarding takes one, the router of each network another


@dataclass(frozen=True, slots=True)
class Ends:
    """A probe at each end of one stream."""

    left: Probe
    right: Probe


@pytest.fixture(params=[("hospital", "clinic", 4), ("clinic", "hospital", 4), ("hospital", "clinic", 6)], ids=str)
def across(edge: Edge, request: pytest.FixtureRequest) -> Iterator[Crossing]:
    caller, callee, family = request.param
    yield Crossing(edge, caller, callee, family, family)
    edge.wait_idle()


def probes(stack: ExitStack, crossing: Crossing, offset: int = 0) -> Ends:
    """Put probes on the ports that the SDP of a crossing names."""
    left = stack.enter_context(Probe(crossing.left, crossing.left_address, CALLER_PORTS + offset))
    right = stack.enter_context(Probe(crossing.right, crossing.right_address, CALLEE_PORTS + offset))
    return Ends(left, right)


def place(stream: sdp.Stream) -> tuple[str, int]:
    return stream.address, stream.port


def check_both_ways(call: Established, ends: Ends, index: int) -> None:
    """Send both ways on one stream: all arrives, from the edge's own address and port alone."""
    told_left, told_right = place(call.told_left[index]), place(call.told_right[index])
    ways: list[tuple[Report, tuple[str, int]]] = [
        (carry(ends.left, told_left, ends.right), told_right),
        (carry(ends.right, told_right, ends.left), told_left),
    ]
    for report, source in ways:
        assert report.lost == 0
        assert report.sources == {source}
        assert report.ttls == {TTL_BEHIND_ONE_ROUTER}


def test_packets_pass_both_ways_on_every_stream(across: Crossing) -> None:
    with ExitStack() as stack:
        left, right = stack.enter_context(across.agents())
        call = across.establish(left, right)
        for index, offset in ((0, 0), (1, 2)):
            check_both_ways(call, probes(stack, across, offset), index)
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
        across.check_hidden(left, right)


def test_a_packet_at_the_end_of_its_life_passes_and_its_ttl_tells_nothing(across: Crossing) -> None:
    with ExitStack() as stack:
        left, right = stack.enter_context(across.agents())
        call = across.establish(left, right)
        ends = probes(stack, across)
        check_both_ways(call, ends, 0)
        ends.left.set_ttl(2)  # one router before the edge takes one: the edge gets it with 1
        check_both_ways(call, ends, 0)
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)


def test_rtcp_passes_both_ways(across: Crossing) -> None:
    with ExitStack() as stack:
        left, right = stack.enter_context(across.agents())
        call = across.establish(left, right)
        ends = probes(stack, across, 1)
        told_left, told_right = call.told_left[0], call.told_right[0]
        ends.left.send_control(told_left.address, told_left.rtcp_port)
        assert ends.right.control_arrives() == (told_right.address, told_right.rtcp_port)
        ends.right.send_control(told_right.address, told_right.rtcp_port)
        assert ends.left.control_arrives() == (told_left.address, told_left.rtcp_port)
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)


def test_floor_control_passes_both_ways(across: Crossing) -> None:
    with ExitStack() as stack:
        left, right = stack.enter_context(across.agents())
        call = across.establish(left, right)
        near = stack.enter_context(Peer(across.left, across.left_address, CALLER_PORTS + 10))
        far = stack.enter_context(Peer(across.right, across.right_address, CALLEE_PORTS + 10))
        hello = Message(bfcp.HELLO, conference=1, transaction=7, user=3)
        near.ask(*place(call.told_left[2]), hello)
        assert far.answer() == hello
        got = near.receive()
        assert got is not None
        assert (got[0].primitive, got[0].transaction, got[1]) == (bfcp.HELLO_ACK, 7, place(call.told_left[2]))
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)


def test_the_edge_counts_what_passed(across: Crossing) -> None:
    with ExitStack() as stack:
        left, right = stack.enter_context(across.agents())
        call = across.establish(left, right)
        ends = probes(stack, across)
        carry(ends.left, place(call.told_left[0]), ends.right, count=30)
        carry(ends.right, place(call.told_right[0]), ends.left, count=10)
        usage = across.edge.leases()[0].usage
        assert (usage.a.packets, usage.b.packets) == (30, 10)
        assert usage.a.octets >= 30 * 172
        carry(ends.left, place(call.told_left[0]), ends.right, count=7)
        (ident,) = across.edge.calls()
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
    across.edge.wait_idle()
    sound = across.edge.wait_for_record(ident).streams[0]
    assert (sound.caller_packets, sound.callee_packets) == (37, 10), "the record counts to the end"


def test_nothing_passes_after_the_end(across: Crossing) -> None:
    with ExitStack() as stack:
        left, right = stack.enter_context(across.agents())
        call = across.establish(left, right)
        ends = probes(stack, across)
        check_both_ways(call, ends, 0)
        right.bye(call.right)
        left.reply(left.expect("BYE"), 200)
        right.expect(200)
        across.edge.wait_idle()
        ends.left.send(*place(call.told_left[0]), 5)
        ends.right.send(*place(call.told_right[0]), 5)
        assert ends.right.silent()
        assert ends.left.silent()


def test_a_foreign_source_and_a_wrong_port_come_through_nowhere(across: Crossing) -> None:
    strangers = {"hospital": "municipality", "clinic": "home"}
    family = across.caller_family
    with ExitStack() as stack:
        left, right = stack.enter_context(across.agents())
        call = across.establish(left, right)
        ends = probes(stack, across)
        check_both_ways(call, ends, 0)
        for name, told, receiver in (
            (strangers[across.caller], place(call.told_left[0]), ends.right),
            (strangers[across.callee], place(call.told_right[0]), ends.left),
        ):
            host = across.edge.host(name)
            with Probe(host, host.address(family), 30000) as stranger:
                stranger.send(*told, 5)
                assert receiver.silent()
        unused = {one.port for one in call.told_left} | {one.rtcp_port for one in call.told_left}
        port = next(one for one in range(40000, 50000) if one not in unused)
        ends.left.send(call.told_left[0].address, port, 5)
        assert ends.right.silent()
        check_both_ways(call, ends, 0)
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)


def test_media_follows_new_sdp(across: Crossing) -> None:
    with ExitStack() as stack:
        left, right = stack.enter_context(across.agents())
        call = across.establish(left, right)
        ends = probes(stack, across)
        check_both_ways(call, ends, 0)
        lines = [sdp.audio(32000), sdp.video(32002), sdp.bfcp(32010)]
        left.request(call.left, "INVITE", body=sdp.write(across.left_address, lines, version=2))
        again = right.expect("INVITE")
        right.reply(again, 200, call=call.right, body=across.answer(version=2))
        left.ack(call.left, left.expect(200))
        right.expect("ACK")
        new = stack.enter_context(Probe(across.left, across.left_address, 32000))
        check_both_ways(call, Ends(new, ends.right), 0)
        assert ends.left.silent()
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
