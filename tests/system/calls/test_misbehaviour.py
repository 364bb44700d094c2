"""Peers that lose, cross, repeat and garble messages: each call ends as it should and the edge goes on."""

from __future__ import annotations

import socket
from contextlib import ExitStack, closing, suppress

import pytest
from websockets.exceptions import ConnectionClosed

from lab.topology import SIP_PORT
from tests.peers.agent import Agent, place
from tests.peers.garbage import DATAGRAMS, STREAMS
from tests.peers.host import family
from tests.peers.message import Message
from tests.peers.wires import Tcp
from tests.system.calls.crossing import Crossing
from tests.system.calls.edge import sip

pytestmark = pytest.mark.system

TRANSACTION_SECONDS = 8.0  # three retransmissions at T1, 2 T1, 4 T1 and some time of a busy machine (RFC 3261 17.1.1.2)


def hang_up(crossing: Crossing) -> None:
    """Show that the edge still works: a whole call."""
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


def test_a_lost_200_is_sent_again_until_it_is_acknowledged(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        ours = crossing.invite(left, crossing.offer())
        invite = right.expect("INVITE")
        theirs = right.accept(invite)
        right.reply(invite, 200, call=theirs, body=crossing.answer())
        final = left.expect(200)
        left.expect_copies(final, 3, within=TRANSACTION_SECONDS)
        left.ack(ours, final)
        right.expect("ACK")
        left.bye(ours)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


def test_a_200_that_is_repeated_is_acknowledged_again(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        ack = next(one for one in right.received if one.method == "ACK")
        for count in (2, 3):
            right.send(call.ok, call.invite.source)
            right.expect_copies(ack, count)
        right.bye(call.right)
        left.reply(left.expect("BYE"), 200)
        right.expect(200)


def test_a_repeated_invite_makes_one_call(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        ours = crossing.invite(left, crossing.offer())
        invite = right.expect("INVITE")
        for _ in range(3):
            left.send(ours.invite, crossing.hop)
        right.reply(invite, 486)
        left.ack(ours, left.expect(486))
        right.expect("ACK")
        right.expect_nothing()


def test_crossing_byes_end_the_call_once(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        left.bye(call.left)
        bye = right.expect("BYE")
        right.bye(call.right)  # as if the other one had not come yet
        assert right.expect(200).method == "BYE"
        right.reply(bye, 200)
        left.expect(200)
        left.expect_nothing()


def test_a_cancel_that_crosses_the_200_leaves_nobody_in_a_call(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        ours = crossing.invite(left, crossing.offer())
        invite = right.expect("INVITE")
        theirs = right.accept(invite)
        right.reply(invite, 180, call=theirs)
        left.expect(180)
        left.cancel(ours)
        cancel = right.expect("CANCEL")
        right.reply(invite, 200, call=theirs, body=crossing.answer())
        right.reply(cancel, 481)
        _, bye = right.expect_each("ACK", "BYE")
        right.reply(bye, 200)
        _, final = left.expect_each(200, 487)
        left.ack(ours, final)


def test_a_fork_rings_twice_and_one_answers(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        ours = crossing.invite(left, crossing.offer())
        invite = right.expect("INVITE")
        one, two = right.accept(invite, "one"), right.accept(invite, "two")
        right.reply(invite, 180, call=one)
        left.expect(180)
        right.reply(invite, 183, call=two, body=crossing.answer())
        left.expect(183)
        right.reply(invite, 200, call=two, body=crossing.answer())
        left.ack(ours, left.expect(200))
        assert right.expect("ACK").tag("To") == "two"
        left.bye(ours)
        bye = right.expect("BYE")
        assert bye.tag("To") == "two"
        right.reply(bye, 200)
        left.expect(200)


def test_a_bye_of_the_caller_crosses_the_200(crossing: Crossing) -> None:
    """Who has heard it ring may give up with BYE too (RFC 3261 15.1.1, RFC 5407 3.1)."""
    with crossing.agents() as (left, right):
        ours = crossing.invite(left, crossing.offer())
        invite = right.expect("INVITE")
        theirs = right.accept(invite)
        right.reply(invite, 180, call=theirs)
        ringing = left.expect(180)
        ours.remote, ours.target, ours.hop = ringing["To"], ringing.contact, place(ringing.contact)
        left.bye(ours)
        cancel = right.expect("CANCEL")
        right.reply(invite, 200, call=theirs, body=crossing.answer())  # it had picked up before that came
        right.reply(cancel, 481)
        _, bye = right.expect_each("ACK", "BYE")
        right.reply(bye, 200)
        _, final = left.expect_each(200, 487)
        left.ack(ours, final)


def test_a_bye_of_the_callee_follows_its_200_at_once(crossing: Crossing) -> None:
    """It waits for no ACK, as it should (RFC 3261 15): the caller is in a call for a moment, or hears of a refusal."""
    with crossing.agents() as (left, right):
        ours = crossing.invite(left, crossing.offer())
        invite = right.expect("INVITE")
        theirs = right.accept(invite)
        right.reply(invite, 200, call=theirs, body=crossing.answer())
        right.bye(theirs)
        final = left.expect_one_of(200, 480)
        left.ack(ours, final)
        if final.status == 200:
            left.reply(left.expect("BYE"), 200)
        right.expect_each("ACK", 200)


def test_a_bye_crosses_the_200_of_a_change(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        left.request(call.left, "INVITE", body=crossing.offer("sendonly", version=2))
        again = right.expect("INVITE")
        left.bye(call.left)
        bye = right.expect("BYE")
        right.reply(again, 200, call=call.right, body=crossing.answer("recvonly", version=2))
        right.expect("ACK")
        right.reply(bye, 200)
        _, final = left.expect_each(200, 487)
        left.ack(call.left, final)


def test_offers_that_cross_are_one_after_the_other(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        left.request(call.left, "INVITE", body=crossing.offer(version=2))
        again = right.expect("INVITE")
        right.request(call.right, "INVITE", body=crossing.answer(version=2))
        right.ack(call.right, right.expect(491))
        right.reply(again, 200, call=call.right, body=crossing.answer(version=2))
        left.ack(call.left, left.expect(200))
        right.expect("ACK")
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


def test_a_bye_of_no_call_is_answered(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
        crossing.edge.wait_idle()
        call.left.remote = f"{call.left.remote.partition(';tag=')[0]};tag=another"
        left.bye(call.left)
        left.expect(481)


def test_a_description_of_sixty_kilobytes(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        long = crossing.offer() + "".join(f"a=x-long:{number:04}{'x' * 90}\r\n" for number in range(600))
        assert len(long) > 60_000
        call = crossing.invite(left, long)
        invite = right.expect("INVITE", within=TRANSACTION_SECONDS)
        theirs = right.accept(invite)
        right.reply(invite, 200, call=theirs, body=crossing.answer())
        left.ack(call, left.expect(200, within=TRANSACTION_SECONDS))
        right.expect("ACK")
        left.bye(call)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


@pytest.mark.parametrize("body", ["hello", "v=0\r\n", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"])
def test_sdp_that_cannot_be_used_is_refused(crossing: Crossing, body: str) -> None:
    with crossing.agents() as (left, right):
        ours = crossing.invite(left, body)
        refused = left.expect(488) if body.count("\r\n") > 3 else left.expect_one_of(400, 488)
        left.ack(ours, refused)
        right.expect_nothing()


def test_an_unknown_alias_is_not_found(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        ours = left.invite(crossing.uri("nobody"), crossing.hop, body=crossing.offer())
        left.ack(ours, left.expect(404))
        right.expect_nothing()


def test_a_stranger_is_not_put_through(crossing: Crossing) -> None:
    router = {"hospital": "sdn", "clinic": "internet"}[crossing.caller]
    host = crossing.edge.host(router)
    address = next(str(one.ip) for one in host.description.interface("edge").addresses if one.version == 4)
    with (
        Agent(host, address, SIP_PORT, crossing.edge.transport, "stranger") as stranger,
        Agent(crossing.right, crossing.right_address, SIP_PORT, crossing.edge.transport, "right") as right,
    ):
        stranger.invite(crossing.uri(crossing.alias), sip(crossing.edge_left), body=crossing.offer())
        right.expect_nothing(1.0)
        assert {one.status for one in stranger.received} <= {403}


def test_garbage_disturbs_no_call(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        for name, data in DATAGRAMS.items():
            kind = family(crossing.left_address)
            with crossing.left.socket(kind, socket.SOCK_DGRAM) as noise:
                noise.bind((crossing.left_address, 0))
                noise.sendto(data, sip(crossing.edge_left))
            assert len(crossing.edge.calls()) == 1, name
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


@pytest.mark.parametrize("data", STREAMS.values(), ids=STREAMS)
def test_a_broken_stream_disturbs_no_other(crossing: Crossing, data: bytes) -> None:
    with ExitStack() as stack:
        wire = Tcp(crossing.left, crossing.left_address, 0)
        stack.callback(wire.close)
        connection = wire.connection(sip(crossing.edge_left))
        connection.setblocking(False)  # what the edge does not take any more is as good as sent
        try:
            connection.send(data)
        except (BlockingIOError, ConnectionError):
            assert len(data) > 65536
        hang_up(crossing)


def test_a_reader_that_never_reads_stalls_nobody(crossing: Crossing) -> None:
    with closing(crossing.stuck()) as wire:
        options = Message(
            f"OPTIONS sip:edge@{crossing.edge_left} SIP/2.0",
            [
                ("Via", ""),
                ("Max-Forwards", "70"),
                ("From", "<sip:slow@example.net>;tag=1"),
                ("To", "<sip:edge@example.net>"),
                ("Call-ID", "slow@example.net"),
                ("CSeq", "1 OPTIONS"),
            ],
        )
        with suppress(OSError, ConnectionClosed):  # it is closed, in the words of each transport, or not read any more
            for number in range(5_000):
                options.fields[0] = ("Via", f"SIP/2.0/TCP {crossing.left_address}:5060;branch=z9hG4bKslow{number}")
                wire.send(options.write(), crossing.hop)
        hang_up(crossing)
