"""The bytes of the pinhole socket: what comes together is answered together, in order, also where it ends badly."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from gatewayd.pinholes.door import Door, attend
from vdx import wire
from vdx.pinhole import Done, List, OwnerCodec, Refused, Request

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Visits:
    """Answers `List` with `Done`, and faults over id 13."""

    def __init__(self) -> None:
        self.asked_for: list[int] = []
        self.ends = 0
        self.over = asyncio.Event()

    def opened(self, door: Door) -> bool:
        assert door.user >= 0
        return True

    def asked(self, door: Door, request: Request) -> None:
        assert isinstance(request, List)
        self.asked_for.append(request.id)
        if request.id == 13:
            raise LookupError("a fault in one request")
        door.send(Done(request.id))

    def unusable(self, door: Door, error: wire.WireError) -> None:
        door.send(Refused(0, "invalid", str(error)[:10]))

    def closed(self, door: Door) -> None:
        assert door.user >= 0
        self.ends += 1
        self.over.set()


def play(scene: Callable[[Visits, Peer], Awaitable[None]]) -> None:
    async def stage() -> None:
        visits = Visits()
        listener = socket.socket(socket.AF_UNIX)
        listener.setblocking(False)
        listener.bind("")  # a name of the kernel's choice, for nobody else
        listener.listen()
        server = await attend(listener, visits)
        reader, writer = await asyncio.open_unix_connection(listener.getsockname().decode("latin-1"))
        async with asyncio.timeout(10):
            await scene(visits, (reader, writer))
            writer.close()
            await visits.over.wait()
        server.close()
        assert visits.ends == 1

    asyncio.run(stage())


def asks(*numbers: int) -> bytes:
    return b"".join(OwnerCodec.encode(List(number)) for number in numbers)


def test_what_comes_together_is_answered_in_order_and_in_one_piece() -> None:
    async def scene(visits: Visits, peer: Peer) -> None:
        reader, writer = peer
        writer.write(asks(1, 2, 3) + asks(4)[:5])
        answers = done(1, 2, 3)
        assert await reader.read(1 << 16) == answers
        writer.write(asks(4)[5:])
        assert await reader.read(1 << 16) == done(4)
        assert visits.asked_for == [1, 2, 3, 4]

    play(scene)


def test_what_was_asked_before_garbage_is_answered_first() -> None:
    async def scene(visits: Visits, peer: Peer) -> None:
        reader, writer = peer
        writer.write(asks(1, 2) + b"garbage\n" + asks(3))
        told = await reader.read()
        assert told == done(1, 2) + OwnerCodec.encode(Refused(0, "invalid", "message re"))
        assert visits.asked_for == [1, 2]

    play(scene)


def test_a_fault_keeps_no_answer_back() -> None:
    async def scene(_visits: Visits, peer: Peer) -> None:
        reader, writer = peer
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        writer.write(asks(1, 13))
        assert await reader.read(1 << 16) == done(1)

    play(scene)


def done(*numbers: int) -> bytes:
    return b"".join(OwnerCodec.encode(Done(number)) for number in numbers)


def test_one_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_LINE", 1000)

    async def scene(_visits: Visits, peer: Peer) -> None:
        reader, writer = peer
        writer.write(b"x" * 2000)
        assert await reader.read() == OwnerCodec.encode(Refused(0, "invalid", "message lo"))

    play(scene)
