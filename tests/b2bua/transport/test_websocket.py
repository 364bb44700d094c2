"""SIP over secure WebSocket on the loopback, with the client of `websockets` as the browser."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, NegotiationError
from websockets.typing import Origin, Subprotocol

from b2bua.sip import ByeReceived, Confirmed, IncomingInvite, RequestReceived
from b2bua.sip.limits import MAX_MESSAGE
from b2bua.transport.errors import FramingError
from b2bua.transport.limits import MAX_WRITE_QUEUE, PING_SECONDS
from b2bua.transport.websocket import MAX_HANDSHAKE, WebSocket
from lab.authority import Authority
from tests.b2bua.transport.station import PATIENCE, Station, until
from vdx.control import ListenerTls

PAGE = "https://video.example.org"
SIP = [Subprotocol("sip")]


def request(method: str, number: int = 1, extra: str = "", tag: str = "", body: str = "") -> str:
    return (
        f"{method} sip:room@example.org SIP/2.0\r\n"
        f"Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK{method}{number}\r\n"
        f"Max-Forwards: 69\r\nFrom: <sip:guest@anonymous.invalid>;tag=a\r\nTo: <sip:room@example.org>{tag}\r\n"
        f"Call-ID: c{number}\r\nCSeq: {number} {method}\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}"
    )


CONTACT = "Contact: <sip:r8s2@df7jal23ls0d.invalid;transport=ws>\r\n"
HANDSHAKE = (
    f"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nOrigin: {PAGE}\r\n\r\n"
)
Scene = Callable[[Station, Callable[..., connect]], Awaitable[None]]


def play(tmp_path: Path, scene: Scene) -> None:
    """Run a scene with a station that serves browsers; the second argument connects one."""
    root = Authority(tmp_path / "root")
    pair = root.issue("web", ["127.0.0.1"])

    async def stage() -> None:
        bob = Station()
        try:
            listener = await bob.listen("wss", ListenerTls((pair.texts,), origins=(PAGE,), path="/sip"))
            context = ssl.create_default_context(cafile=str(root.path))

            def browser(path: str = "/sip", origin: str | None = PAGE, subprotocols: object = SIP) -> connect:
                return connect(
                    f"wss://127.0.0.1:{listener.port}{path}",
                    ssl=context,
                    origin=Origin(origin) if origin else None,
                    subprotocols=subprotocols,  # type: ignore[arg-type]
                    proxy=None,
                )

            await asyncio.wait_for(scene(bob, browser), 3 * PATIENCE)
        finally:
            await bob.shell.close()
        assert bob.shell.connections == 0
        assert not bob.shell._places

    asyncio.run(stage())


async def hear(page: ClientConnection) -> str:
    message = await asyncio.wait_for(page.recv(), PATIENCE)
    assert isinstance(message, str)
    return message


def test_a_call_from_a_browser(tmp_path: Path) -> None:
    async def scene(bob: Station, browser: Callable[..., connect]) -> None:
        async with browser() as page:
            await page.send(request("INVITE", extra=CONTACT + "Content-Type: application/sdp\r\n", body="v=0\r\n"))
            incoming = await bob.take(IncomingInvite)
            assert incoming.flow.transport == "wss"
            assert incoming.flow.identity is None
            bob.do(lambda now: incoming.leg.answer(now, body=b"v=0\r\n"))
            answer = await hear(page)
            assert answer.startswith("SIP/2.0 200 ")
            assert "received=127.0.0.1" in answer  # its Via names nobody
            assert ";transport=ws>" in next(line for line in answer.split("\r\n") if line.startswith("Contact:"))
            tag = next(line for line in answer.split("\r\n") if line.startswith("To:")).partition(">")[2]
            await page.send(request("ACK", tag=tag))
            await bob.take(Confirmed)
            bob.do(incoming.leg.reinvite)  # to an address that nobody can reach: it goes where the dialog is
            asked = await hear(page)
            assert asked.startswith("INVITE sip:r8s2@df7jal23ls0d.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/WSS ")
            await page.send(request("BYE", 2, tag=tag).replace("Call-ID: c2", "Call-ID: c1"))
            await bob.take(ByeReceived)
            assert (await hear(page)).startswith("SIP/2.0 200 ")

    play(tmp_path, scene)


def test_each_frame_is_a_message_and_may_come_in_pieces(tmp_path: Path) -> None:
    async def scene(bob: Station, browser: Callable[..., connect]) -> None:
        async with browser() as page:
            text = request("OPTIONS", 1)
            await page.send([text[:10], text[10:60], text[60:]])
            await page.send(request("OPTIONS", 2).encode())
            for _ in range(2):
                event = await bob.take(RequestReceived)
                bob.do(event.handle.respond)
                assert (await hear(page)).startswith("SIP/2.0 200 ")
            await page.send("\r\n\r\n")
            assert await hear(page) == "\r\n"

    play(tmp_path, scene)


def test_pings_go_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PING_SECONDS, "wss", 0.02)

    async def scene(bob: Station, browser: Callable[..., connect]) -> None:
        async with browser() as page:
            await asyncio.wait_for(await page.ping(), PATIENCE)
            (connection,) = bob.shell._pool
            seen = connection._pulse._heard
            assert connection._timer
            connection._timer.cancel()  # it fires when the handshake would be overdue, and moves then
            connection._watch()
            await until(lambda: connection._pulse._heard != seen)  # the answer of the browser, by itself

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": None}, 403),
        ({"path": "/"}, 404),
        ({"path": "/sip/more"}, 404),
        ({"path": "/" + "x" * 4000}, 404),
        ({"subprotocols": [Subprotocol("xmpp")]}, 400),
        ({"subprotocols": None}, 400),
    ],
)
def test_who_may_not_open_one(tmp_path: Path, wrong: dict[str, object], status: int) -> None:
    async def scene(bob: Station, browser: Callable[..., connect]) -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with browser(**wrong):
                pass
        assert refused.value.response.status_code == status
        assert not bob.events.qsize()

    play(tmp_path, scene)


def test_a_handshake_that_is_too_long(tmp_path: Path) -> None:
    async def scene(_bob: Station, browser: Callable[..., connect]) -> None:
        with pytest.raises((InvalidHandshake, ConnectionError, EOFError, NegotiationError)):
            async with browser(path="/sip?" + "x" * MAX_HANDSHAKE):
                pass

    play(tmp_path, scene)


def test_a_message_that_is_too_long_ends_it(tmp_path: Path) -> None:
    async def scene(bob: Station, browser: Callable[..., connect]) -> None:
        async with browser() as page:
            with contextlib.suppress(ConnectionClosed):
                await page.send("x" * (MAX_MESSAGE + 1))
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(page.recv(), PATIENCE)
            assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
        assert not bob.events.qsize()

    play(tmp_path, scene)


def test_a_stuck_browser_loses_its_connection(tmp_path: Path) -> None:
    async def scene(bob: Station, browser: Callable[..., connect]) -> None:
        async with browser() as page:
            await page.send(request("OPTIONS"))
            event = await bob.take(RequestReceived)
            page.transport.pause_reading()
            body = b"x" * (MAX_WRITE_QUEUE // 8)
            for _ in range(100):
                if not bob.shell.connections:
                    break
                bob.do(lambda now: event.handle.respond(now, 183, body=body))
                await asyncio.sleep(0)
            assert bob.endpoint.dropped["undelivered"]
            page.transport.abort()

    play(tmp_path, scene)


def test_only_the_browser_opens_connections(tmp_path: Path) -> None:
    async def scene(bob: Station, browser: Callable[..., connect]) -> None:
        async with browser() as page:
            await page.send(request("INVITE", extra=CONTACT + "Content-Type: application/sdp\r\n", body="v=0\r\n"))
            incoming = await bob.take(IncomingInvite)
            bob.do(lambda now: incoming.leg.answer(now, body=b"v=0\r\n"))
            tag = next(line for line in (await hear(page)).split("\r\n") if line.startswith("To:")).partition(">")[2]
            await page.send(request("ACK", tag=tag))
            await bob.take(Confirmed)
        await until(lambda: not bob.shell.connections)
        bob.do(incoming.leg.bye)
        assert bob.endpoint.dropped["undelivered"] == 1
        assert bob.shell.connections == 0

    play(tmp_path, scene)


def test_a_message_and_a_goodbye_at_once(tmp_path: Path) -> None:
    """The answer to the one cannot go after the other; what else is to be sent goes."""

    async def scene(bob: Station, browser: Callable[..., connect]) -> None:
        async with browser() as page, browser() as other:
            await other.send(request("OPTIONS", 1))
            waiting = await bob.take(RequestReceived)

            def answer_both() -> None:
                collect()
                if bob.events.qsize():
                    asked = bob.events.get_nowait()
                    assert isinstance(asked, RequestReceived)
                    asked.handle.respond(bob.shell.now)
                    waiting.handle.respond(bob.shell.now)

            collect = bob._collect
            bob.shell._after = answer_both
            page.protocol.send_text(request("OPTIONS", 2).encode())
            page.protocol.send_text(b"\r\n\r\n")
            page.protocol.send_close(1001)
            page.transport.write(b"".join(page.protocol.data_to_send()))
            assert (await hear(other)).startswith("SIP/2.0 200 ")
            assert bob.endpoint.dropped["undelivered"] == 1

    play(tmp_path, scene)


def test_nothing_is_framed_after_a_goodbye() -> None:
    web = WebSocket([PAGE], "/")
    web.feed(HANDSHAKE.encode())
    web.feed(b"\x88\x80\x00\x00\x00\x00")
    for message in (b"SIP", b"\xff\xfe"):
        with pytest.raises(FramingError):
            web.wrap(message)


def test_pieces_without_content_hold_nothing() -> None:
    """A message is bounded by its octets, so one that never ends must not be kept by its pieces."""
    web = WebSocket([PAGE], "/")
    web.feed(HANDSHAKE.encode())
    empty = b"\x80\x00\x00\x00\x00"
    web.feed(b"\x01" + empty + 10_000 * (b"\x00" + empty))
    assert web._parts == b""
    assert web.feed(b"\x80\x83\x00\x00\x00\x00SIP") == [b"SIP"]


def test_a_handshake_in_single_octets() -> None:
    web = WebSocket([PAGE], "/")
    for octet in HANDSHAKE.encode():
        assert not web.ready
        assert web.feed(bytes([octet])) == []
    assert web.ready
    said = web.to_send()
    assert said.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Protocol: sip\r\n" in said
    assert web.wrap(b"\xff\xfe")[0] == 0x82  # a body that is no UTF-8 goes as binary
    assert web.wrap(b"SIP")[0] == 0x81


@given(st.lists(st.binary(max_size=80), max_size=20), st.booleans())
def test_any_octets_are_safe(pieces: list[bytes], opened: bool) -> None:
    web = WebSocket([PAGE], "/")
    if opened:
        web.feed(HANDSHAKE.encode())
        assert web.ready
    for piece in pieces:
        for message in web.feed(piece):
            assert message
        web.to_send()
    assert not (web.ready and web.ended)
