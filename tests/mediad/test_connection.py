"""Connections through `mediad`: either side opens either way, octets arrive as they were, and every end is told on."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable

import pytest

from mediad.connection import MAX_ATTEMPTS, MAX_WAITING, RETRY_SECONDS
from mediad.errors import RelayError
from mediad.floor import Floor as Table
from tests.mediad import connections
from tests.mediad.connections import Floor, exactly, floor
from tests.mediad.gatewayd import PATIENCE, Client, lease, open_files, pair
from vdx.pinhole import Remote
from vdx.relay import ListRelays, Pipe, Relay, RelayOk, RelayRefused, Relays, Retarget, Stop

V4, V6 = socket.AF_INET, socket.AF_INET6


def there(one: socket.socket) -> Remote:
    address, port, *_ = one.getsockname()
    return Remote(address, port)


def hand_over(client: Client, ends: Floor, name: str, a: Remote | None = None, b: Remote | None = None) -> None:
    answer = client.ask(Relay(1, name, (Pipe("bfcp", a, b, tcp=True),)), ends.sockets)
    assert answer == RelayOk(1)
    ends.handed_over()


def retarget(client: Client, name: str, a: Remote | None, b: Remote | None) -> None:
    assert client.ask(Retarget(2, name, (Pipe("bfcp", a, b, tcp=True),))) == RelayOk(2)


def both_ways(left: socket.socket, right: socket.socket) -> None:
    for one, other, said in ((left, right, b"hello"), (right, left, b"hello-ack")):
        one.sendall(said)
        assert exactly(other, len(said)) == said


@pytest.mark.parametrize(("a", "b"), [(V4, V4), (V4, V6), (V6, V4)])
def test_who_waits_is_connected_to_from_the_port_that_was_told(
    client: Client, a: socket.AddressFamily, b: socket.AddressFamily
) -> None:
    with floor(a, b) as ends:
        listener = ends.listen(b)
        name = lease()
        hand_over(client, ends, name)
        left = ends.connect(ends.a)
        retarget(client, name, None, there(listener))
        right, source = ends.accept(listener)
        assert source == ends.b
        both_ways(left, right)


def test_both_may_wait_and_both_may_come(client: Client) -> None:
    with floor() as ends:
        left_listens, right_listens = ends.listen(V4), ends.listen(V6)
        hand_over(client, ends, lease(), there(left_listens), there(right_listens))
        both_ways(ends.accept(left_listens)[0], ends.accept(right_listens)[0])
    with floor() as ends:
        hand_over(client, ends, lease())
        both_ways(ends.connect(ends.a), ends.connect(ends.b))


def test_what_is_said_before_the_other_side_is_there_waits(client: Client) -> None:
    with floor() as ends:
        name = lease()
        hand_over(client, ends, name)
        left = ends.connect(ends.a)
        left.sendall(b"early")
        right = ends.connect(ends.b)
        assert exactly(right, 5) == b"early"


def test_somebody_who_begins_to_listen_late_is_connected_to_again(client: Client) -> None:
    with floor(V4, V4) as ends:
        late = ends.stack.enter_context(socket.socket())
        late.bind(("127.0.0.1", 0))
        hand_over(client, ends, lease(), None, there(late))
        left = ends.connect(ends.a)
        client.ask(ListRelays(3))  # the first attempt, which is refused, comes before this answer
        late.listen(1)
        late.settimeout(RETRY_SECONDS * MAX_ATTEMPTS)
        right, _ = ends.accept(late)
        both_ways(left, right)


def test_an_end_is_told_on_and_the_other_may_go_on(client: Client) -> None:
    with floor() as ends:
        hand_over(client, ends, lease())
        left, right = ends.connect(ends.a), ends.connect(ends.b)
        left.sendall(b"last words")
        left.shutdown(socket.SHUT_WR)
        assert exactly(right, 100) == b"last words"
        right.sendall(b"still here")
        assert exactly(left, 10) == b"still here"
        right.close()
        assert left.recv(1) == b""


def test_a_break_closes_both_ends_at_once(client: Client) -> None:
    with floor() as ends:
        hand_over(client, ends, lease())
        left, right = ends.connect(ends.a), ends.connect(ends.b)
        both_ways(left, right)
        left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        left.close()  # with RST
        assert right.recv(1) == b""


def test_a_reader_that_stops_makes_its_sender_wait_and_loses_nothing(client: Client) -> None:
    size = 64 * MAX_WAITING
    sent = bytes(range(256)) * (size // 256)
    with floor(V4, V4) as ends:
        hand_over(client, ends, lease())
        left, right = ends.connect(ends.a), ends.connect(ends.b)
        sender = threading.Thread(target=left.sendall, args=(sent,))
        sender.start()
        with floor() as others:  # meanwhile, others are served
            hand_over(client, others, lease())
            both_ways(others.connect(others.a), others.connect(others.b))
        assert exactly(right, size) == sent
        sender.join(PATIENCE)
        assert not sender.is_alive()


def test_counts_are_listed_and_a_stop_closes_everything(client: Client) -> None:
    before = open_files()
    with floor() as ends:
        name = lease()
        hand_over(client, ends, name)
        left, right = ends.connect(ends.a), ends.connect(ends.b)
        both_ways(left, right)
        listed = client.ask(ListRelays(4))
        assert isinstance(listed, Relays)
        (counts,) = next(one.pipes for one in listed.leases if one.lease == name)
        assert (counts.name, counts.a_octets, counts.b_octets) == ("bfcp", 5, 9)
        assert client.ask(Stop(5, (name,))) == RelayOk(5)
        assert left.recv(1) == right.recv(1) == b""
        assert client.ask(ListRelays(6)) == Relays(6, ())
    assert open_files() == before


def test_sockets_that_do_not_fit_are_refused_and_closed(client: Client) -> None:
    before = open_files()
    with floor() as ends, pair(V4, V4) as datagrams:
        tcp = (Pipe("bfcp", None, None, tcp=True),)
        udp = (Pipe("bfcp", None, None),)
        for message, sockets in (
            (Relay(1, lease(), tcp), ends.sockets[:2]),
            (Relay(1, lease(), tcp), list(reversed(ends.sockets))),
            (Relay(1, lease(), tcp), [datagrams.a, datagrams.b, datagrams.left, datagrams.right]),
            (Relay(1, lease(), udp), ends.sockets[::2]),
        ):
            assert isinstance(client.ask(message, sockets), RelayRefused)
        assert client.ask(ListRelays(2)) == Relays(2, ())
    assert open_files() == before


def test_a_lease_is_opened_once_and_only_one_that_is_there_is_retargeted(client: Client) -> None:
    with floor() as ends:
        name = lease()
        assert client.ask(Relay(1, name, (Pipe("bfcp", None, None, tcp=True),)), ends.sockets) == RelayOk(1)
        again = client.ask(Relay(2, name, (Pipe("bfcp", None, None, tcp=True),)), ends.sockets)
        assert isinstance(again, RelayRefused)
        assert "already" in again.reason
    assert isinstance(client.ask(Retarget(3, lease(), (Pipe("bfcp", None, None, tcp=True),))), RelayRefused)


def turn(epoll: select.epoll, table: Table, until: Callable[[], bool]) -> None:
    """Let the table act on what happens until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < deadline
        for fd, events in epoll.poll(0.01):
            table.wires.ready(fd, events, 0.0)


def test_nobody_is_tried_for_ever() -> None:
    with select.epoll() as epoll, floor(V4, V4) as ends:
        table = Table(epoll)
        nobody = ends.listen(V4)
        gone = there(nobody)
        nobody.close()
        table.open("l", (Pipe("bfcp", None, gone, tcp=True),), [one.dup() for one in ends.sockets], 0.0)
        now = 0.0
        for _ in range(MAX_ATTEMPTS - 1):
            turn(epoll, table, lambda: table.wires.next_timer() is not None)
            now += RETRY_SECONDS
            table.wires.on_timer(now)
        turn(epoll, table, lambda: len(table.wires) == 1)  # only the listener of the other end is left
        assert table.wires.next_timer() is None
        (_, tried) = table.stop("l")
        assert tried.errors == MAX_ATTEMPTS


def test_an_address_of_another_family_is_refused() -> None:
    with select.epoll() as epoll, floor(V4, V4) as ends:
        table = Table(epoll)
        with pytest.raises(RelayError, match="another family"):
            table.open("l", (Pipe("bfcp", Remote("::1", 5000), None, tcp=True),), ends.sockets, 0.0)
        assert len(table) == 0


def test_there_is_room_for_so_many() -> None:
    with select.epoll() as epoll, floor() as ends, connections.floor() as more:
        table = Table(epoll, capacity=1)
        pipes = (Pipe("bfcp", None, None, tcp=True),)
        table.open("l", pipes, [one.dup() for one in ends.sockets], 0.0)
        with pytest.raises(RelayError, match="no room"):
            table.open("m", pipes, more.sockets, 0.0)
        table.close()
        assert len(table.wires) == 0
