from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdx import wire
from vdx.pinhole import Done, GatewayCodec, Hold, List, OwnerCodec, Refused, Release, Request

Served = Callable[[wire.Connection[Request]], Awaitable[None]]


async def echo(connection: wire.Connection[Request]) -> None:
    """Answer every request with its number, a bad one with the fault."""
    try:
        async for request in connection:
            connection.send(Done(request.id))
    except wire.WireError as error:
        connection.send(Refused(0, "invalid", str(error)))


async def served(path: Path, handler: Served, job: Callable[[], Awaitable[None]]) -> None:
    server = await wire.serve(path, GatewayCodec, handler, mode=0o660)
    try:
        await job()
    finally:
        server.close()
        await asyncio.sleep(0)


def run(path: Path, job: Callable[[], Awaitable[None]], handler: Served = echo) -> None:
    asyncio.run(served(path, handler, job))


async def raw(path: Path, data: bytes) -> bytes:
    """Send bytes, close the sending half, and give everything that comes back."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(data)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def test_questions_and_answers_in_order(tmp_path: Path) -> None:
    path = tmp_path / "socket"

    async def job() -> None:
        connection = await wire.connect(path, OwnerCodec)
        for number in range(100):
            connection.send(List(number))
        assert [await connection.receive() for _ in range(100)] == [Done(number) for number in range(100)]
        assert connection.user == os.getuid()
        connection.close()

    run(path, job)


def test_the_mode_is_set_before_anybody_can_connect(tmp_path: Path) -> None:
    path = tmp_path / "socket"

    async def job() -> None:
        assert path.stat().st_mode & 0o777 == 0o660

    run(path, job)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"x\n", "JSON is malformed"),
        (b"{}\n", "missing required field `op`"),
        (b'{"op":"dance","id":1}\n', "Invalid value 'dance'"),
        (b'{"op":"list"}\n', "missing required field `id`"),
        (b'{"op":"list","id":"1"}\n', "Expected `int`, got `str` - at `$.id`"),
        (b'{"op":"list","id":-1}\n', "Expected `int` >= 0 - at `$.id`"),
        (b'{"op":"list","id":1,"more":2}\n', "unknown field `more`"),
        (b'{"op":"release","id":1,"leases":["../etc"]}\n', "at `$.leases[0]`"),
        (b"[" * 100_000 + b"\n", ""),
        (b'{"op":"list","id":1e400}\n', ""),
        (b'{"op":"list","id":1,"\xff":2}\n', ""),
    ],
)
def test_a_bad_message_gets_one_sentence(tmp_path: Path, line: bytes, told: str) -> None:
    path = tmp_path / "socket"

    async def job() -> None:
        answer = OwnerCodec.decode(await raw(path, line))
        assert isinstance(answer, Refused)
        assert answer.reason.startswith("message refused: ")
        assert told in answer.reason

    run(path, job)


def test_a_line_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_LINE", 1000)
    path = tmp_path / "socket"

    async def job() -> None:
        answer = OwnerCodec.decode(await raw(path, b" " * 100_000))
        assert answer == Refused(0, "invalid", "message longer than 1000 bytes")

    run(path, job)


@pytest.mark.parametrize("data", [b"", b'{"op":"list","id":1}', b'{"op":"li'])
def test_an_end_in_the_middle_of_a_message_is_an_end(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "socket"

    async def job() -> None:
        assert await raw(path, data) == b""

    run(path, job)


def test_a_reader_that_does_not_read_loses_its_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_BACKLOG", 10_000)
    path = tmp_path / "socket"
    ended = []

    async def flood(connection: wire.Connection[Request]) -> None:
        for number in range(100_000):
            connection.send(Refused(number, "policy", "x" * 1000))
            if connection._writer.is_closing():
                break
        ended.append(number)

    async def job() -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        await asyncio.sleep(0)
        while not ended:  # noqa: ASYNC110 - the flood runs in the same loop
            await asyncio.sleep(0)
        with pytest.raises(ConnectionError):  # noqa: PT012 - what was written before the end is still there
            while await reader.read(1 << 16):
                pass
            raise ConnectionResetError
        writer.close()

    run(path, job, flood)
    assert ended[0] < 99_999


def test_a_second_program_on_the_same_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"

    async def job() -> None:
        with pytest.raises(wire.WireError, match=r"another program already listens at .*: stop it first"):
            await wire.serve(path, GatewayCodec, echo, mode=0o600)
        assert await raw(path, b'{"op":"list","id":7}\n') == b'{"op":"done","id":7}\n'

    run(path, job)


def test_a_path_at_which_no_socket_can_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, reason in (("none/socket", "No such file"), ("file/socket", "Not a directory"), ("s" * 200, "too long")):

        async def job(path: Path, reason: str) -> None:
            with pytest.raises(wire.WireError, match=rf"^cannot listen at {path}: .*{reason}"):
                await wire.take(path, mode=0o600)

        asyncio.run(job(tmp_path / name, reason))


def test_who_comes_before_a_taken_path_is_served_waits(tmp_path: Path) -> None:
    path = tmp_path / "socket"

    async def job() -> None:
        listener = await wire.take(path, mode=0o600)
        early = asyncio.ensure_future(raw(path, b'{"op":"list","id":7}\n'))
        with pytest.raises(wire.WireError, match="another program already listens"):
            await wire.take(path, mode=0o600)
        assert not early.done()
        server = await wire.attend(listener, GatewayCodec, echo)
        assert await early == b'{"op":"done","id":7}\n'
        server.close()
        await asyncio.sleep(0)

    asyncio.run(job())


def test_a_socket_of_a_dead_program_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"

    async def nothing() -> None:
        return

    run(path, nothing)
    assert path.exists()

    async def job() -> None:
        assert await raw(path, b'{"op":"list","id":7}\n') == b'{"op":"done","id":7}\n'

    run(path, job)


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(wire.WireError, match=r"nobody answers at .*: is that program running?"):
        asyncio.run(wire.connect(tmp_path / "socket", OwnerCodec))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_wire_error(data: bytes) -> None:
    try:
        decoded = GatewayCodec.decode(data)
    except wire.WireError:
        return
    assert isinstance(decoded, msgspec.Struct)


@given(st.lists(st.from_regex(r"\A[a-z2-7]{13}\.[0-9]{1,3}\Z"), max_size=5), st.integers(0, 2**60))
def test_what_is_written_is_read_back_on_one_line(leases: list[str], number: int) -> None:
    for message in (Hold(number, tuple(leases)), Release(number, tuple(leases)), List(number)):
        line = OwnerCodec.encode(message)
        assert line.count(b"\n") == 1
        assert GatewayCodec.decode(line) == message
