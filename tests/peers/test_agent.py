"""Two scripted agents call each other on loopback, well and badly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.peers.agent import Agent, Dialog, place
from tests.peers.garbage import DATAGRAMS, STREAMS
from tests.peers.host import Here
from tests.peers.message import Stream
from tests.peers.wires import Transport

Two = tuple[Agent, Agent]


@pytest.fixture(params=[("127.0.0.1", "udp"), ("127.0.0.1", "tcp"), ("::1", "udp"), ("::1", "tcp")], ids=" ".join)
def two(request: pytest.FixtureRequest) -> Iterator[Two]:
    address: str
    transport: Transport
    address, transport = request.param
    with (
        Agent(Here(), address, transport=transport, user="left") as left,
        Agent(Here(), address, transport=transport, user="right") as right,
    ):
        yield left, right


def establish(left: Agent, right: Agent) -> tuple[Dialog, Dialog]:
    ours = left.invite("sip:right@example.net", (right.address, right.port), body="v=0\r\n")
    invite = right.expect("INVITE")
    theirs = right.accept(invite)
    right.reply(invite, 180, call=theirs)
    right.reply(invite, 200, call=theirs, body="v=0\r\n")
    left.expect(180)
    left.ack(ours, left.expect(200))
    right.expect("ACK")
    return ours, theirs


def test_a_call_is_set_up_and_ended(two: Two) -> None:
    left, right = two
    ours, _ = establish(left, right)
    left.bye(ours)
    right.reply(right.expect("BYE"), 200)
    assert left.expect(200).method == "BYE"
    left.expect_nothing(0.05)


def test_the_called_side_may_end_it(two: Two) -> None:
    left, right = two
    ours, theirs = establish(left, right)
    right.bye(theirs)
    bye = left.expect("BYE")
    assert ours.local.endswith(f";tag={bye.tag('To')}")
    assert theirs.local.endswith(f";tag={bye.tag('From')}")
    left.reply(bye, 200)
    right.expect(200)


def test_byes_may_cross(two: Two) -> None:
    left, right = two
    ours, theirs = establish(left, right)
    left.bye(ours)
    right.bye(theirs)
    right.reply(right.expect("BYE"), 200)
    bye, ok = left.expect_each("BYE", 200)  # over two connections, either may be first
    left.reply(bye, 200)
    assert (ok.status, right.expect(200).method) == (200, "BYE")


def test_a_call_is_cancelled(two: Two) -> None:
    left, right = two
    call = left.invite("sip:right@example.net", (right.address, right.port))
    invite = right.expect("INVITE")
    right.reply(invite, 180, call=right.accept(invite))
    left.expect(180)
    left.cancel(call)
    cancel = right.expect("CANCEL")
    assert cancel.branch == invite.branch
    right.reply(cancel, 200)
    right.reply(invite, 487)
    left.expect(200)
    final = left.expect(487)
    left.ack(call, final)
    assert right.expect("ACK").branch == invite.branch


def test_a_call_forks(two: Two) -> None:
    left, right = two
    call = left.invite("sip:right@example.net", (right.address, right.port))
    invite = right.expect("INVITE")
    right.reply(invite, 180, call=right.accept(invite, "one"))
    right.reply(invite, 180, call=right.accept(invite, "two"))
    assert [left.expect(180).tag("To"), left.expect(180).tag("To")] == ["one", "two"]
    right.reply(invite, 200, call=right.accept(invite, "two"))
    left.ack(call, left.expect(200))
    assert right.expect("ACK").tag("To") == "two"


def test_retransmissions_are_counted_and_passed_over(two: Two) -> None:
    left, right = two
    call = left.invite("sip:right@example.net", (right.address, right.port))
    for _ in range(2):
        left.send(call.invite, (right.address, right.port))
    invite = right.expect("INVITE")
    right.expect_copies(invite, 3)
    right.expect_nothing(0.05)


def test_what_was_not_expected_fails_with_the_message(two: Two) -> None:
    left, right = two
    left.invite("sip:right@example.net", (right.address, right.port))
    with pytest.raises(AssertionError, match=r"expected BYE, got:\nINVITE sip:right@example.net"):
        right.expect("BYE", within=1)
    with pytest.raises(AssertionError, match="nothing came"):
        right.expect("BYE", within=0.01)


def test_missing_copies_fail() -> None:
    with Agent(Here(), "127.0.0.1", user="left") as left, Agent(Here(), "127.0.0.1", user="right") as right:
        left.invite("sip:right@example.net", ("127.0.0.1", right.port))
        with pytest.raises(AssertionError, match="1 copies of INVITE, not 2"):
            right.expect_copies(right.expect("INVITE"), 2, within=0.01)


def test_options_are_answered_by_the_agent_itself(two: Two) -> None:
    left, right = two
    call = left.invite("sip:right@example.net", (right.address, right.port))
    left.request(call, "OPTIONS")
    right.expect("INVITE")
    with pytest.raises(AssertionError, match="nothing came"):
        right.expect("BYE", within=0.05)
    assert left.expect(200).method == "OPTIONS"


def test_a_stream_is_cut_into_messages_wherever_it_breaks() -> None:
    one = b"BYE sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\nbody"
    data = b"\r\n\r\n" + one + b"\r\n" + one
    for size in (1, 7, len(data)):
        stream = Stream()
        found = [m for start in range(0, len(data), size) for m in stream.feed(data[start : start + size])]
        assert found == [one, one]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:a@192.0.2.1:5070;transport=tcp", ("192.0.2.1", 5070)),
        ("sip:192.0.2.1", ("192.0.2.1", 5060)),
        ("sip:a@[2001:db8::1]:5070", ("2001:db8::1", 5070)),
        ("sip:a@[2001:db8::1]", ("2001:db8::1", 5060)),
    ],
)
def test_a_place_is_read_from_a_uri(uri: str, expected: tuple[str, int]) -> None:
    assert place(uri) == expected


def test_garbage_fits_where_it_is_sent() -> None:
    assert all(0 < len(one) <= 65507 for one in DATAGRAMS.values())  # RFC 768 length less the headers
    assert all(STREAMS.values())
