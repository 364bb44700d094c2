from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdx import channel, wire
from vdx.channel import Channel, open_channel
from vdx.pinhole import Done, Event, GatewayCodec, Held, List, Listed, OwnerCodec, Release, Reply, Request

Answer = Reply | Event
Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def talk(path: Path, peer: Peer, job: Callable[[Channel[Answer], list[Answer]], Awaitable[None]]) -> None:
    """Run `job` on a channel whose other end is `peer`."""

    async def main() -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await peer(reader, writer)
            writer.close()

        server = await asyncio.start_unix_server(connected, path)
        heard: list[Answer] = []
        opened = await open_channel(path, OwnerCodec, heard.append)
        try:
            await asyncio.wait_for(job(opened, heard), 10)
        finally:
            opened.close()
            server.close()
            await asyncio.sleep(0)

    asyncio.run(main())


def says(*pieces: bytes) -> Peer:
    """Make a peer that says these bytes, piece by piece, and leaves."""

    async def peer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return peer


def test_messages_arrive_in_order_and_the_end_is_told(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(100):
            request: Request = GatewayCodec.decode(await reader.readline())
            writer.write(OwnerCodec.encode(Done(request.id)))

    async def job(opened: Channel[Answer], heard: list[Answer]) -> None:
        for number in range(100):
            opened.send(List(number))
        await opened.closed
        assert heard == [Done(number) for number in range(100)]
        opened.send(List(100))  # into the void: nobody is there to hear of it

    talk(tmp_path / "socket", echo, job)


def test_a_message_longer_than_the_buffer_is_put_together(tmp_path: Path) -> None:
    held = Held(7, tuple(f"aaaaaaaaaaaaa.{number % 999}" for number in range(20_000)))
    data = OwnerCodec.encode(held)
    assert len(data) > 4 * channel.READ_SIZE

    async def job(opened: Channel[Answer], heard: list[Answer]) -> None:
        await opened.closed
        assert heard == [held, Done(8)]

    talk(tmp_path / "socket", says(data + OwnerCodec.encode(Done(8))), job)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (b'{"op":"done","id":-1}\n', "id"),
        (b'{"op":"nonsense","id":1}\n', "nonsense"),
        (b"not json\n", "malformed"),
        (b"\n", "truncated"),
    ],
)
def test_a_bad_message_ends_the_channel(tmp_path: Path, said: bytes, sentence: str) -> None:
    async def job(opened: Channel[Answer], heard: list[Answer]) -> None:
        with pytest.raises(wire.WireError, match=sentence):
            await opened.closed
        assert heard == [Done(1)]

    good = OwnerCodec.encode(Done(1))
    talk(tmp_path / "socket", says(good + said + good), job)


def test_a_message_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "MAX_LINE", 2 * channel.READ_SIZE)

    async def job(opened: Channel[Answer], heard: list[Answer]) -> None:
        with pytest.raises(wire.WireError, match="longer than 131072 bytes"):
            await opened.closed
        assert not heard

    talk(tmp_path / "socket", says(b"x" * (3 * channel.READ_SIZE)), job)


def test_half_a_message_at_the_end_is_none(tmp_path: Path) -> None:
    async def job(opened: Channel[Answer], heard: list[Answer]) -> None:
        await opened.closed
        assert heard == [Done(1)]

    talk(tmp_path / "socket", says(OwnerCodec.encode(Done(1)), b'{"op":"done"'), job)


def test_a_peer_that_reads_nothing_loses_its_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "MAX_BACKLOG", 1000)
    gone = asyncio.Event()

    async def deaf(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await gone.wait()

    async def job(opened: Channel[Answer], _heard: list[Answer]) -> None:
        leases = tuple(f"aaaaaaaaaaaaa.{number % 999}" for number in range(20_000))
        for number in range(10):
            opened.send(Release(number, leases))
        await opened.closed
        gone.set()

    talk(tmp_path / "socket", deaf, job)


def test_nobody_there_is_a_sentence(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(wire.WireError, match=r"nobody answers at .*: is that program running"):
            await open_channel(tmp_path / "nothing", OwnerCodec, lambda _message: None)

    asyncio.run(main())


@given(st.lists(st.sampled_from([Done(1), Listed(2, ()), Held(3, ("aaaaaaaaaaaaa.1",))])), st.data())
def test_any_cut_of_the_bytes_gives_the_same_messages(messages: list[Answer], data: st.DataObject) -> None:
    text = b"".join(OwnerCodec.encode(message) for message in messages)

    async def main() -> list[Answer]:
        heard: list[Answer] = []
        end: Channel[Answer] = Channel(OwnerCodec, heard.append)
        position = 0
        while position < len(text):
            size = data.draw(st.integers(1, len(text) - position))
            end.get_buffer(-1)[:size] = text[position : position + size]
            end.buffer_updated(size)
            position += size
        return heard

    assert asyncio.run(main()) == messages
