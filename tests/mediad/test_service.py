"""The service on its socket: messages, descriptors, who may speak, and what goes on without anyone speaking."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mediad.errors import MediadError
from mediad.handover import MAX_DESCRIPTORS, MAX_REQUEST
from tests.mediad.gatewayd import Client, Pair, bound, lease, open_files, pair, quiet, remote, running
from vdx.relay import ListRelays, MediadClientCodec, Pipe, Relay, RelayOk, RelayRefused, Relays, Retarget, Stop

V4, V6 = socket.AF_INET, socket.AF_INET6


def pipe(ends: Pair) -> Pipe:
    return Pipe("rtp", remote(ends.left), remote(ends.right))


def relay(client: Client, ends: Pair, name: str) -> None:
    """Hand over as gatewayd does: its own copies are closed afterwards."""
    assert client.ask(Relay(1, name, (pipe(ends),)), [ends.a, ends.b]) == RelayOk(1)


@pytest.mark.parametrize(("left", "right"), [(V4, V6), (V6, V4), (V4, V4), (V6, V6)])
def test_a_stream_is_relayed_both_ways(client: Client, left: socket.AddressFamily, right: socket.AddressFamily) -> None:
    with pair(left, right) as ends:
        relay(client, ends, lease())
        assert ends.from_left(b"ping") == (b"ping", ends.b.getsockname())
        assert ends.from_right(b"pong") == (b"pong", ends.a.getsockname())


def test_counts_are_listed_by_side(client: Client) -> None:
    name = lease()
    with pair() as ends:
        relay(client, ends, name)
        ends.from_left(b"12345")
        ends.from_left(b"123")
        ends.from_right(b"1")
        listed = client.ask(ListRelays(2))
        assert isinstance(listed, Relays)
        (one,) = listed.leases
        (counts,) = one.pipes
        assert (listed.id, one.lease, counts.name) == (2, name, "rtp")
        assert (counts.a_packets, counts.a_octets, counts.b_packets, counts.b_octets) == (2, 8, 1, 1)


def test_a_stopped_stream_carries_nothing_and_its_port_is_free(client: Client) -> None:
    name = lease()
    with pair(V4, V4) as ends:
        where = ends.a.getsockname()
        relay(client, ends, name)
        ends.from_left(b"x")
        ends.a.close()
        assert client.ask(Stop(3, (name, lease()))) == RelayOk(3)
        with socket.socket(V4, socket.SOCK_DGRAM) as again:
            again.bind(where)
            ends.left.sendto(b"y", where)
            assert quiet(ends.right)
        assert client.ask(ListRelays(4)) == Relays(4, ())


def test_a_stream_follows_new_sdp(client: Client) -> None:
    name = lease()
    with pair() as ends, pair() as new:
        relay(client, ends, name)
        ends.from_left(b"x")
        assert client.ask(Retarget(5, name, (Pipe("rtp", None, remote(new.right)),))) == RelayOk(5)
        ends.left.sendto(b"y", ends.a.getsockname())
        assert new.right.recv(100) == b"y"
        assert quiet(ends.right)


def test_what_was_told_before_a_datagram_was_sent_is_done_before_it_is_looked_at(path: Path) -> None:
    name = lease()
    with pair() as ends, ExitStack() as stack:

        def first() -> None:
            client = Client.connect(path)
            stack.enter_context(client.connection)
            for message, sockets in (
                (Relay(1, name, (Pipe("rtp", remote(ends.left), None),)), [ends.a.fileno(), ends.b.fileno()]),
                *((ListRelays(number), []) for number in range(2, 10)),
                (Retarget(10, name, (pipe(ends),)), []),
            ):
                socket.send_fds(client.connection, [MediadClientCodec.encode(message)], sockets)
            for number in range(3):
                ends.left.sendto(b"%d" % number, ends.a.getsockname())

        with running(path, first=first):
            assert [ends.right.recv(100) for _ in range(3)] == [b"0", b"1", b"2"]


def test_a_restarted_gatewayd_cuts_nothing_and_finds_what_there_is(path: Path) -> None:
    name = lease()
    with running(path), pair() as ends:
        first = Client.connect(path)
        relay(first, ends, name)
        ends.from_left(b"before")
        first.connection.close()
        assert ends.from_left(b"meanwhile")[0] == b"meanwhile"
        second = Client.connect(path)
        with second.connection:
            listed = second.ask(ListRelays(1))
            assert isinstance(listed, Relays)
            assert [one.lease for one in listed.leases] == [name]
            assert ends.from_right(b"after")[0] == b"after"


def test_a_new_connection_replaces_the_one_before(path: Path) -> None:
    with running(path):
        first, second = Client.connect(path), Client.connect(path)
        with first.connection, second.connection:
            assert first.closed()
            assert second.ask(ListRelays(1)) == Relays(1, ())


def test_a_stranger_is_sent_away() -> None:
    directory = Path(tempfile.mkdtemp(prefix="mediad-"))
    directory.chmod(0o755)
    stranger = 65534 if os.getuid() == 0 else os.getuid()
    try:
        with running(directory / "mediad.sock", user=stranger + 1):
            effective = os.geteuid()
            os.seteuid(stranger)  # whom the kernel vouches for is decided when connecting
            try:
                client = Client.connect(directory / "mediad.sock")
            finally:
                os.seteuid(effective)
            with client.connection:
                assert client.closed()
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def files() -> Iterator[list[int]]:
    """Descriptors that are not UDP sockets, one a kind."""
    with ExitStack() as stack:
        stream = stack.enter_context(socket.socket(V4, socket.SOCK_STREAM))
        unbound = stack.enter_context(socket.socket(V4, socket.SOCK_DGRAM))
        local, _ = (stack.enter_context(one) for one in socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
        null = os.open(os.devnull, os.O_RDONLY)
        stack.callback(os.close, null)
        yield [stream.fileno(), unbound.fileno(), local.fileno(), null]


@pytest.mark.parametrize("kind", range(4), ids=["a stream socket", "an unbound socket", "a unix socket", "a file"])
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_no_udp_socket_is_refused_and_closed(client: Client, files: list[int], kind: int, place: int) -> None:
    with bound() as good:
        descriptors = [good.fileno(), files[kind]] if place else [files[kind], good.fileno()]
        before = open_files()
        data = b'{"op":"relay","id":7,"lease":"aaaaaaaaaaaaa.1","pipes":[{"name":"rtp","a":null,"b":null}]}'
        answer = client.ask_raw(data, descriptors)
        assert isinstance(answer, RelayRefused)
        assert answer.id == 7
        assert open_files() == before


@pytest.mark.parametrize("number", [0, 1, 3, MAX_DESCRIPTORS, MAX_DESCRIPTORS + 1, 40])
def test_missing_and_surplus_descriptors_are_refused_and_closed(client: Client, number: int) -> None:
    with pair() as ends:
        before = open_files()
        answer = client.ask(Relay(8, lease(), (pipe(ends),)), [ends.a] * number)
        assert isinstance(answer, RelayRefused)
        assert open_files() == before


def test_descriptors_with_a_message_that_takes_none_are_refused_and_closed(client: Client) -> None:
    with pair() as ends:
        before = open_files()
        assert isinstance(client.ask(ListRelays(9), [ends.a, ends.b]), RelayRefused)
        assert open_files() == before


GARBAGE = {
    "not JSON": b"hello",
    "not UTF-8": b'{"op":"list","id":1,"x":"\xff"}',
    "an unknown message": b'{"op":"reboot","id":1}',
    "an unknown field": b'{"op":"list","id":1,"loud":true}',
    "a lease with a path": b'{"op":"stop","id":1,"leases":["../../etc"]}',
    "deep nesting": b"[" * 50_000,
    "oversize": b" " * (MAX_REQUEST + 1),
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_ends_the_connection_and_nothing_else(path: Path, data: bytes) -> None:
    with running(path), pair() as ends:
        first = Client.connect(path)
        with first.connection:
            relay(first, ends, lease())
            before = open_files()
            socket.send_fds(first.connection, [data], [ends.a.fileno()])
            assert first.closed()
            second = Client.connect(path)
            with second.connection:
                assert isinstance(second.ask(ListRelays(1)), Relays)
                assert open_files() == before + 1  # the second connection has two ends here, the first one left
                assert ends.from_left(b"still")[0] == b"still"


def test_a_client_that_never_reads_loses_its_connection_and_media_goes_on(path: Path) -> None:
    with running(path), pair() as ends:
        deaf = Client.connect(path)
        with deaf.connection:
            relay(deaf, ends, lease())
            request = b'{"op":"list","id":1}'
            with pytest.raises((BrokenPipeError, ConnectionResetError)):  # noqa: PT012 - how many fit is the kernel's
                for _ in range(100_000):
                    deaf.connection.send(request)
            assert ends.from_left(b"still")[0] == b"still"


def test_leases_come_and_go_without_a_trace(client: Client) -> None:
    before = open_files()
    for _ in range(200):
        name = lease()
        with pair() as ends:
            relay(client, ends, name)
            ends.from_left(b"x")
        assert client.ask(Stop(2, (name,))) == RelayOk(2)
    assert open_files() == before


def test_a_flooded_stream_starves_neither_another_nor_the_control_socket(client: Client) -> None:
    with pair(V4, V4) as flooded, pair() as calm:
        relay(client, flooded, lease())
        relay(client, calm, lease())
        for _ in range(5_000):  # far more than one turn's worth always waits while the others are served
            flooded.left.sendto(bytes(200), flooded.a.getsockname())
        for number in range(20):
            for _ in range(100):
                flooded.left.sendto(bytes(200), flooded.a.getsockname())
            data = str(number).encode()
            assert calm.from_left(data)[0] == data
            assert isinstance(client.ask(ListRelays(number)), Relays)


def test_a_service_leaves_nothing_behind(path: Path) -> None:
    before = open_files()
    with running(path), pair() as ends:
        client = Client.connect(path)
        with client.connection:
            relay(client, ends, lease())
    assert open_files() == before
    assert not path.exists()


def test_a_socket_file_of_a_dead_program_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
        dead.bind(str(path))
    with running(path):
        client = Client.connect(path)
        with client.connection:
            assert client.ask(ListRelays(1)) == Relays(1, ())


def test_a_living_program_is_not_pushed_aside(path: Path) -> None:
    with running(path), pytest.raises(MediadError, match="another mediad"), running(path):
        pass


def test_a_path_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    with pytest.raises(MediadError, match="No such file"), running(tmp_path / "missing" / "mediad.sock"):
        pass


def test_one_pipe_is_stopped_alone_and_the_last_one_is_not(client: Client) -> None:
    name = lease()
    with pair(V4, V4) as rtp, pair(V4, V4) as rtcp:
        pipes = (pipe(rtp), Pipe("rtcp", remote(rtcp.left), remote(rtcp.right)))
        assert client.ask(Relay(1, name, pipes), [rtp.a, rtp.b, rtcp.a, rtcp.b]) == RelayOk(1)
        assert client.ask(Stop(2, (name,), "rtcp")) == RelayOk(2)
        assert client.ask(Stop(3, (name,), "rtp")) == RelayOk(3)
        assert client.ask(Stop(4, (name, lease()), "other")) == RelayOk(4)
        assert rtp.from_left(b"ping") == (b"ping", rtp.b.getsockname())
        listed = client.ask(ListRelays(5))
        assert isinstance(listed, Relays)
        assert [[one.name for one in each.pipes] for each in listed.leases] == [["rtp"]]
