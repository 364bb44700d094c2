"""Real sockets on the loopback: whole calls, refused ports, slow readers, broken streams."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import pytest

from b2bua.sip import (
    Answered,
    ByeReceived,
    Endpoint,
    Failed,
    IncomingInvite,
    Invitation,
    Outgoing,
    Provisional,
    RequestAnswered,
    RequestReceived,
    Target,
)
from b2bua.transport import Listener, ListenError, RandomIds, Shell
from b2bua.transport.limits import MAX_WRITE_QUEUE, PING_SECONDS
from tests.b2bua.transport.station import LOOPBACK, PATIENCE, Station, until


def play(scene: Callable[[Station, Station], Awaitable[None]], address: str = LOOPBACK) -> None:
    """Run a scene between two stations that listen on UDP and TCP, and close them."""

    async def stage() -> None:
        ann, bob = Station(), Station()
        both = [Listener("lan", "udp", address, 0), Listener("lan", "tcp", address, 0)]
        try:
            await ann.shell.open(both)
            await bob.shell.open(both)
            await asyncio.wait_for(scene(ann, bob), 3 * PATIENCE)
        finally:
            await ann.shell.close()
            await bob.shell.close()
        assert ann.shell.connections == bob.shell.connections == 0

    asyncio.run(stage())


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("address", [LOOPBACK, "::1"])
def test_a_call(transport: str, address: str) -> None:
    async def scene(ann: Station, bob: Station) -> None:
        target = bob.listener(transport)
        caller = ann.endpoint.invite(ann.invitation(target), ann.shell.now)
        ann.shell.flush()
        incoming = await bob.take(IncomingInvite)
        assert incoming.flow.transport == transport
        assert incoming.flow.zone == "lan"
        bob.do(incoming.leg.ring)
        await ann.take(Provisional)
        bob.do(lambda now: incoming.leg.answer(now, body=b"v=0\r\n"))
        await ann.take(Answered)
        await bob.events.get()
        ann.do(caller.bye)
        await bob.take(ByeReceived)
        expected = 0 if transport == "udp" else 1
        assert len(bob.shell._pool) == expected  # the whole call went over one connection

    play(scene, address)


def test_requests_to_one_target_share_a_connection() -> None:
    async def scene(ann: Station, bob: Station) -> None:
        invitation = ann.invitation(bob.listener("tcp"))
        for _ in range(3):
            ann.endpoint.request("OPTIONS", invitation, ann.shell.now)
        ann.shell.flush()
        for _ in range(3):
            event = await bob.take(RequestReceived)
            bob.do(event.handle.respond)
        for _ in range(3):
            assert (await ann.take(RequestAnswered)).status == 200
        assert len(bob.shell._pool) == 1

    play(scene)


def test_nobody_listens_on_tcp() -> None:
    async def scene(ann: Station, bob: Station) -> None:
        invitation = ann.invitation(bob.listener("tcp"))
        await bob.shell.close()
        ann.endpoint.invite(invitation, ann.shell.now)
        ann.shell.flush()
        assert (await ann.take(Failed)).status == 503

    play(scene)


def test_no_listener_fits_the_target() -> None:
    async def scene(ann: Station, bob: Station) -> None:
        for to in (
            Target("lan", "udp", "host.example", 5060),
            Target("sdn", "udp", LOOPBACK, 5060),
            Target("lan", "tcp", "::1", 5060),
            Target("lan", "udp", LOOPBACK, 5060, "127.0.0.9"),
        ):
            own = ann.listener(to.transport)
            invitation = Invitation(to, "sip:x@y", "sip:a@b", "sip:x@y", own.sent_by)
            ann.endpoint.invite(invitation, ann.shell.now)
            ann.shell.flush()
            assert (await ann.take(Failed)).status == 503
        assert not bob.events.qsize()

    play(scene)


def test_a_connection_that_breaks_fails_what_waits_on_it() -> None:
    async def scene(ann: Station, bob: Station) -> None:
        ann.endpoint.invite(ann.invitation(bob.listener("tcp")), ann.shell.now)
        ann.shell.flush()
        await bob.take(IncomingInvite)
        for connection in bob.shell._pool:
            connection.close()
        assert (await ann.take(Failed)).status == 503

    play(scene)


@pytest.mark.parametrize(
    "rubbish", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" * 40_000, b"INVITE sip:a@b SIP/2.0\r\n\r\n"]
)
def test_a_stream_that_is_no_sip_is_closed(rubbish: bytes) -> None:
    async def scene(_ann: Station, bob: Station) -> None:
        listener = bob.listener("tcp")
        reader, writer = await asyncio.open_connection(listener.address, listener.port)
        writer.write(rubbish)
        with contextlib.suppress(ConnectionError):  # a reset where we had not read everything
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        assert not bob.events.qsize()

    play(scene)


def test_keepalives_are_answered_on_tcp() -> None:
    async def scene(_ann: Station, bob: Station) -> None:
        listener = bob.listener("tcp")
        reader, writer = await asyncio.open_connection(listener.address, listener.port)
        writer.write(b"\r\n\r\n")
        assert await asyncio.wait_for(reader.readexactly(2), PATIENCE) == b"\r\n"
        writer.close()

    play(scene)


def test_our_idle_connections_are_pinged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PING_SECONDS, "tcp", 0.02)

    async def scene(ann: Station, bob: Station) -> None:
        ann.endpoint.request("OPTIONS", ann.invitation(bob.listener("tcp")), ann.shell.now)
        ann.shell.flush()
        event = await bob.take(RequestReceived)
        bob.do(event.handle.respond)
        await ann.take(RequestAnswered)
        (ours,) = ann.shell._pool
        await until(lambda: ours._pulse._answers)  # bob has answered a ping
        assert ann.shell.connections == 1

    play(scene)


def test_a_peer_that_leaves_a_ping_unanswered_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PING_SECONDS, "tcp", 0.02)
    monkeypatch.setattr("b2bua.transport.pulse.PONG_SECONDS", 0.05)

    async def scene(ann: Station, _bob: Station) -> None:
        async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"v=0\r\n\r\n\r\n")  # the request, then a ping
            writer.write(b"\r\n")
            with contextlib.suppress(ConnectionError):
                await reader.read(-1)
            await part(writer)

        server = await asyncio.start_server(answer_once, LOOPBACK, 0)
        peer = Listener("lan", "tcp", *server.sockets[0].getsockname()[:2])
        ann.endpoint.request("OPTIONS", ann.invitation(peer), ann.shell.now)
        ann.shell.flush()
        assert (await ann.take(RequestAnswered)).status == 503
        assert ann.shell.connections == 0
        server.close()
        await server.wait_closed()

    play(scene)


def test_a_slow_reader_loses_its_connection_only() -> None:
    async def scene(ann: Station, bob: Station) -> None:
        listener = bob.listener("tcp")
        slow = socket.create_connection((listener.address, listener.port))
        head = (
            "OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK{}\r\nFrom: <sip:a@b>;tag=1\r\n"
            "To: <sip:x@y>\r\nCall-ID: {}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        slow.sendall("".join(head.format(n, n) for n in range(60)).encode())
        body = b"x" * (MAX_WRITE_QUEUE // 8)
        for _ in range(60):
            event = await bob.take(RequestReceived)
            if not bob.shell.connections:
                break
            bob.do(lambda now, event=event: event.handle.respond(now, 200, body=body))  # type: ignore[misc]
        ann.endpoint.request("OPTIONS", ann.invitation(listener), ann.shell.now)
        ann.shell.flush()
        while True:
            event = await bob.take(RequestReceived)
            if event.request.get("from").startswith("<sip:ann"):
                break
        bob.do(event.handle.respond)
        assert (await ann.take(RequestAnswered)).status == 200
        assert len(bob.shell._pool) == 1
        assert bob.endpoint.dropped["undelivered"]
        slow.close()

    play(scene)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_port_already_taken(transport: str) -> None:
    async def stage() -> None:
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind((LOOPBACK, 0))
            if transport == "tcp":
                taken.listen()
            port = taken.getsockname()[1]
            shell = Shell(Endpoint(RandomIds()))
            with pytest.raises(ListenError) as refused:
                await shell.open([Listener("sdn", "udp", LOOPBACK, 0), Listener("sdn", transport, LOOPBACK, port)])
            assert f"{transport.upper()} port {port} on {LOOPBACK} of zone sdn is taken" in str(refused.value)
            assert not shell.listeners  # nothing half-open

    asyncio.run(stage())


def test_an_address_that_is_not_ours() -> None:
    async def stage() -> None:
        with pytest.raises(ListenError, match="no interface of this machine has the address"):
            await Shell(Endpoint(RandomIds())).open([Listener("sdn", "udp", "192.0.2.77", 0)])

    asyncio.run(stage())


def test_listeners_come_and_go() -> None:
    async def scene(ann: Station, bob: Station) -> None:
        target = ann.invitation(bob.listener("udp"))
        udp = bob.listener("udp")
        ann.endpoint.invite(target, ann.shell.now)
        ann.shell.flush()
        incoming = await bob.take(IncomingInvite)
        asked = [Listener("lan", transport, LOOPBACK, 0) for transport in ("udp", "tcp")]
        await bob.shell.shut(asked)
        assert not bob.shell.listeners
        again = Listener("lan", "udp", LOOPBACK, udp.port)
        await bob.shell.open([again])
        with pytest.raises(ListenError):
            await bob.shell.open([Listener("lan", "tcp", LOOPBACK, 0), again])
        assert bob.shell.listeners == [Listener("lan", "udp", LOOPBACK, udp.port)]
        bob.do(incoming.leg.ring)  # a call that began before goes on
        assert (await ann.take(Provisional)).response.status == 180

    play(scene)


def test_a_silent_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("b2bua.transport.pulse.FIRST_MESSAGE_SECONDS", 0.01)

    async def scene(_ann: Station, bob: Station) -> None:
        listener = bob.listener("tcp")
        reader, writer = await asyncio.open_connection(listener.address, listener.port)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    play(scene)


OPTIONS = (
    b"OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:x@y>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


def test_an_idle_connection_is_closed_and_one_kept_alive_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("b2bua.transport.pulse.IDLE_SECONDS", 4.0)
    monkeypatch.setattr("b2bua.transport.pulse.FIRST_MESSAGE_SECONDS", 2.0)

    async def scene(_ann: Station, bob: Station) -> None:
        loop = asyncio.get_running_loop()
        clock, later = loop.time, 0.0
        monkeypatch.setattr(loop, "time", lambda: clock() + later)
        reader, writer = await asyncio.open_connection(bob.listener("tcp").address, bob.listener("tcp").port)
        writer.write(OPTIONS)
        await bob.take(RequestReceived)
        for _ in range(3):
            later += 3.0
            writer.write(b"\r\n\r\n")
            assert await asyncio.wait_for(reader.readexactly(2), PATIENCE) == b"\r\n"
        later += 5.0
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        assert bob.shell.connections == 0
        await part(writer)

    play(scene)


def test_keepalives_alone_hold_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("b2bua.transport.pulse.FIRST_MESSAGE_SECONDS", 0.2)

    async def scene(_ann: Station, bob: Station) -> None:
        opened = await greet(bob.listener("tcp"), LOOPBACK)
        assert opened is not None
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(opened[0].read(), PATIENCE) == b""
        await part(opened[1])

    play(scene)


async def greet(listener: Listener, source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """Connect from an address and send a keepalive; None if the other side closes instead of answering."""
    reader, writer = await asyncio.open_connection(listener.address, listener.port, local_addr=(source, 0))
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        writer.write(b"\r\n\r\n")
        await asyncio.wait_for(reader.readexactly(2), PATIENCE)
        return reader, writer
    await part(writer)
    return None


async def part(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("limit", "hosts", "welcome"),
    [
        ("MAX_CONNECTIONS", ["127.0.0.2", "127.0.0.3", "127.0.0.4"], [True, True, False]),
        ("MAX_FROM_ONE_HOST", ["127.0.0.2", "127.0.0.2", "127.0.0.2", "127.0.0.3"], [True, True, False, True]),
    ],
)
def test_connections_are_bounded(
    limit: str, hosts: list[str], welcome: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"b2bua.transport.places.{limit}", 2)

    async def scene(_ann: Station, bob: Station) -> None:
        listener = bob.listener("tcp")
        for _ in range(2):  # whoever leaves makes room
            opened = [await greet(listener, source) for source in hosts]
            assert [one is not None for one in opened] == welcome
            assert bob.shell.connections == sum(welcome)
            for one in opened:
                if one is not None:
                    reader, writer = one
                    writer.write_eof()
                    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
                    await part(writer)
            assert bob.shell.connections == 0
            assert not bob.shell._places

    play(scene)


def test_messages_that_wait_for_a_connection_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("b2bua.transport.connection.MAX_WAITING", 2)

    async def scene(ann: Station, bob: Station) -> None:
        for _ in range(3):
            ann.endpoint.request("OPTIONS", ann.invitation(bob.listener("tcp")), ann.shell.now)
        ann.shell.flush()
        assert (await ann.take(RequestAnswered)).status == 503
        await bob.take(RequestReceived)
        await bob.take(RequestReceived)

    play(scene)


def test_the_timer_fires() -> None:
    """A lost datagram is sent again by the sink's own timer."""

    async def scene(ann: Station, _bob: Station) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind((LOOPBACK, 0))
            deaf.setblocking(False)
            target = Listener("lan", "udp", LOOPBACK, deaf.getsockname()[1])
            ann.endpoint.request("OPTIONS", ann.invitation(target), ann.shell.now)
            ann.shell.flush()
            loop = asyncio.get_running_loop()
            first = await asyncio.wait_for(loop.sock_recv(deaf, 9999), PATIENCE)
            second = await asyncio.wait_for(loop.sock_recv(deaf, 9999), PATIENCE)
            assert first == second

    play(scene)


def test_ids_are_long_and_different() -> None:
    ids = RandomIds()
    tokens = {ids.token() for _ in range(5000)}
    assert len(tokens) == 5000
    assert {len(token) for token in tokens} == {16}
    assert all(0 <= ids.fraction() < 1 for _ in range(1000))


def test_a_fault_with_one_message_loses_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(ann: Station, bob: Station) -> None:
        send = ann.shell._send
        faults = iter([RuntimeError("a fault")])

        def faulty(outgoing: Outgoing) -> None:
            for fault in faults:
                raise fault
            send(outgoing)

        monkeypatch.setattr(ann.shell, "_send", faulty)
        target = bob.listener("tcp")
        for _ in range(2):
            ann.endpoint.invite(ann.invitation(target), ann.shell.now)
        ann.shell.flush()
        await bob.take(IncomingInvite)
        assert ann.shell._timer is not None

    play(scene)
    assert caplog.text.count("RuntimeError: a fault") == 1
