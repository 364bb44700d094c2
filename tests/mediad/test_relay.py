"""The relay table and the path of a datagram, with real sockets on loopback and no loop."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator, Sequence

import pytest

from mediad.errors import RelayError
from mediad.relay import Path, Side, Table
from tests.mediad.gatewayd import Pair, pair, quiet, remote
from vdx.pinhole import Remote
from vdx.relay import Count, Pipe

V4, V6 = socket.AF_INET, socket.AF_INET6


@pytest.fixture
def table() -> Iterator[Table]:
    with select.epoll() as epoll:
        made = Table(epoll, capacity=8)
        yield made
        made.close()


def opened(table: Table, pipes: Sequence[Pipe], *pairs: Pair, name: str = "l") -> list[Side]:
    """Open a lease on copies of the sockets, and return its sides: a, b of each pipe."""
    copies = [one.dup() for ends in pairs for one in (ends.a, ends.b)]
    table.open(name, pipes, copies)
    return [table.sides[one.fileno()] for one in copies]


def forward(side: Side) -> Side:
    Path().forward(side)
    return side


def test_a_datagram_goes_from_one_family_to_the_other(table: Table) -> None:
    with pair(V4, V6) as ends:
        a, _ = opened(table, [Pipe("rtp", None, remote(ends.right))], ends)
        ends.left.sendto(b"hello", ends.a.getsockname())
        forward(a)
        assert ends.right.recvfrom(100) == (b"hello", ends.b.getsockname())
        assert table.listing()[0].pipes == (Count("rtp", 1, 5, 0, 0),)


def test_an_answer_goes_to_the_source_that_was_seen_and_not_to_the_signalled_remote(table: Table) -> None:
    with pair() as ends, pair() as signalled:
        a, b = opened(table, [Pipe("rtp", remote(signalled.left), remote(ends.right))], ends)
        ends.left.sendto(b"first", ends.a.getsockname())
        forward(a)
        ends.right.sendto(b"answer", ends.b.getsockname())
        forward(b)
        assert ends.left.recv(100) == b"answer"
        assert quiet(signalled.left)


def test_the_last_source_wins(table: Table) -> None:
    with pair() as ends, pair() as moved:
        a, b = opened(table, [Pipe("rtp", None, remote(ends.right))], ends)
        for source in (ends.left, moved.left):
            source.sendto(b"x", ends.a.getsockname())
            forward(a)
        ends.right.sendto(b"answer", ends.b.getsockname())
        forward(b)
        assert moved.left.recv(100) == b"answer"
        assert quiet(ends.left)


def test_what_has_nowhere_to_go_is_dropped_and_counted(table: Table) -> None:
    with pair() as ends:
        a, _ = opened(table, [Pipe("rtp", None, None)], ends)
        ends.left.sendto(b"early", ends.a.getsockname())
        side = forward(a)
        assert (side.packets, side.other.unaddressed) == (1, 1)
        assert quiet(ends.right)


def test_retargeting_forgets_what_was_seen(table: Table) -> None:
    with pair() as ends, pair() as new:
        a, b = opened(table, [Pipe("rtp", None, remote(ends.right))], ends)
        ends.left.sendto(b"x", ends.a.getsockname())
        forward(a)
        table.retarget("l", [Pipe("rtp", remote(new.left), None)])
        ends.right.sendto(b"to the new one", ends.b.getsockname())
        forward(b)
        assert new.left.recv(100) == b"to the new one"
        table.retarget("l", [Pipe("rtp", None, None)])
        ends.left.sendto(b"nobody there", ends.a.getsockname())
        assert forward(a).other.unaddressed == 1


def test_retargeting_changes_the_named_pipe_alone(table: Table) -> None:
    with pair() as rtp, pair() as rtcp:
        pipes = [Pipe("rtp", None, remote(rtp.right)), Pipe("rtcp", None, remote(rtcp.right))]
        _, _, a, _ = opened(table, pipes, rtp, rtcp)
        table.retarget("l", [Pipe("rtp", None, None)])
        rtcp.left.sendto(b"report", rtcp.a.getsockname())
        forward(a)
        assert rtcp.right.recv(100) == b"report"


@pytest.mark.parametrize("pipes", [[Pipe("rtp", Remote("2001:db8::1", 5004), None), Pipe("video", None, None)]])
def test_a_retarget_that_cannot_be_done_changes_nothing(table: Table, pipes: list[Pipe]) -> None:
    with pair(V6, V6) as ends:
        a, _ = opened(table, [Pipe("rtp", None, None)], ends)
        before = a.remote
        with pytest.raises(RelayError, match="no pipe video"):
            table.retarget("l", pipes)
        assert a.remote == before


def test_the_longest_datagram_passes_whole(table: Table) -> None:
    longest = bytes(range(256)) * 256
    with pair() as ends:
        a, _ = opened(table, [Pipe("rtp", None, remote(ends.right))], ends)
        ends.left.sendto(longest[:65507], ends.a.getsockname())  # RFC 768 length less the headers of UDP and IPv4
        forward(a)
        assert ends.right.recv(65536) == longest[:65507]


def test_an_empty_datagram_passes(table: Table) -> None:
    with pair() as ends:
        a, _ = opened(table, [Pipe("rtp", None, remote(ends.right))], ends)
        ends.left.sendto(b"", ends.a.getsockname())
        forward(a)
        assert ends.right.recv(100) == b""


def test_a_datagram_too_long_for_the_other_family_is_counted_and_nothing_else(table: Table) -> None:
    with pair(V6, V4) as ends:
        a, _ = opened(table, [Pipe("rtp", None, remote(ends.right))], ends)
        ends.left.sendto(bytes(65527), ends.a.getsockname())
        assert forward(a).other.failed == 1
        ends.left.sendto(b"short", ends.a.getsockname())
        forward(a)
        assert ends.right.recv(100) == b"short"


def test_an_error_of_the_network_is_counted_and_the_next_datagram_passes(table: Table) -> None:
    ip_recverr = 11  # IP_RECVERR of linux/in.h: report ICMP errors to this unconnected socket
    with pair(V4, V4) as ends:
        ends.b.setsockopt(socket.IPPROTO_IP, ip_recverr, 1)
        gone = socket.socket(V4, socket.SOCK_DGRAM)
        gone.bind(("127.0.0.1", 0))
        nobody = remote(gone)
        gone.close()
        a, b = opened(table, [Pipe("rtp", None, nobody)], ends)
        ends.left.sendto(b"refused", ends.a.getsockname())
        forward(a)
        side = forward(b)  # readable with the error, not with a datagram
        assert (side.errors, side.packets) == (1, 0)
        table.retarget("l", [Pipe("rtp", None, remote(ends.right))])
        ends.left.sendto(b"next", ends.a.getsockname())
        forward(a)
        assert ends.right.recv(100) == b"next"


def test_a_readiness_that_came_to_nothing_is_harmless(table: Table) -> None:
    with pair() as ends:
        a, _ = opened(table, [Pipe("rtp", None, None)], ends)
        a.socket.setblocking(False)
        side = forward(a)
        assert (side.packets, side.errors) == (0, 0)


REFUSED: dict[str, tuple[list[Pipe], str]] = {
    "no pipes": ([], "has 0 pipes"),
    "too many pipes": ([Pipe(str(n), None, None) for n in range(5)], "has 5 pipes"),
    "the same pipe twice": ([Pipe("rtp", None, None)] * 2, "twice"),
    "too few sockets": ([Pipe("rtp", None, None), Pipe("rtcp", None, None)], "came with 2 sockets"),
    "a name": ([Pipe("rtp", Remote("example.com", 5004), None)], "not an IP address"),
    "another family": ([Pipe("rtp", Remote("2001:db8::1", 5004), None)], "another family"),
}


@pytest.mark.parametrize(("pipes", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_opened_is_refused_and_leaves_the_sockets(table: Table, pipes: list[Pipe], reason: str) -> None:
    with pair(V4, V6) as ends:
        with pytest.raises(RelayError, match=reason):
            table.open("l", pipes, [ends.a, ends.b])
        assert (len(table), table.sides) == (0, {})
        assert ends.a.fileno() > 0


def test_a_lease_is_opened_once(table: Table) -> None:
    with pair() as ends, pair() as more:
        opened(table, [Pipe("rtp", None, None)], ends)
        with pytest.raises(RelayError, match="already"):
            table.open("l", [Pipe("rtp", None, None)], [more.a, more.b])


def test_the_table_has_an_end(table: Table) -> None:
    with pair() as one, pair() as two, pair() as three, pair() as four, pair() as five:
        for number, ends in enumerate((one, two, three, four)):
            opened(table, [Pipe("rtp", None, None)], ends, name=str(number))
        with pytest.raises(RelayError, match="no room"):
            table.open("one too many", [Pipe("rtp", None, None)], [five.a, five.b])
        table.stop("0")
        opened(table, [Pipe("rtp", None, None)], five, name="fits again")


def test_stopping_closes_the_sockets_also_where_another_process_holds_them_too() -> None:
    with select.epoll() as epoll, pair() as ends:
        table = Table(epoll)
        a, b = opened(table, [Pipe("rtp", None, None)], ends)
        assert table.stop("l") == (a, b)
        assert (a.socket.fileno(), b.socket.fileno(), table.sides) == (-1, -1, {})
        ends.left.sendto(b"late", ends.a.getsockname())
        assert epoll.poll(0) == []
        assert table.stop("l") == ()


def test_one_readiness_is_one_datagram_so_that_a_flood_gets_no_more_turns_than_others(table: Table) -> None:
    with pair() as ends:
        a, _ = opened(table, [Pipe("rtp", None, remote(ends.right))], ends)
        for data in (b"1", b"2", b"3"):
            ends.left.sendto(data, ends.a.getsockname())
        forward(a)
        assert (ends.right.recv(100), a.packets) == (b"1", 1)
        assert quiet(ends.right)
