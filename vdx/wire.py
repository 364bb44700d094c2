"""Messages between our own programs on one machine: one JSON object a line over a UNIX stream socket.

JSON escapes every control character, so a newline always ends a message; a person can read along with any tool.
The types are closed unions of `msgspec` structs: an unknown field, a wrong type or a value out of bounds is an error
that names the field, and never reaches the program.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from vdx.errors import VdxError

MAX_LINE = 32 * 1024 * 1024
"""Bytes of one message. The longest name 50,000 leases (`vdx.pinhole.MAX_LEASES`): to hold or renew them takes 20 bytes
a lease, 1 MB; the answer with their traffic 210, 11 MB; their list, with IPv6 addresses, 610, 31 MB.
"""

MAX_BACKLOG = 2 * MAX_LINE
"""Bytes that wait for a reader before its connection is closed: a stuck reader never stalls the others.

The longest message and as much again: that nobody has read it yet is no reason to close.
"""

BACKLOG = 100
"""Connections that wait in the kernel for a program that still starts."""

Incoming = TypeVar("Incoming")
Outgoing = TypeVar("Outgoing", bound=msgspec.Struct)


class WireError(VdxError):
    """A message on one of our own sockets cannot be used."""


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", omit_defaults=True):
    """The base of everything that travels on our own sockets; the tag says which message it is."""


class Codec(Generic[Incoming]):
    """Encode and decode the messages of one side of one socket."""

    def __init__(self, incoming: object) -> None:
        self._decoder: msgspec.json.Decoder[Incoming] = msgspec.json.Decoder(incoming)
        self._encoder = msgspec.json.Encoder()

    def decode(self, line: bytes) -> Incoming:
        """Read one message; raises `WireError` that names the field."""
        try:
            return self._decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise WireError(f"message refused: {error}") from error

    def encode(self, message: msgspec.Struct) -> bytes:
        """Write one message with its end of line."""
        return self._encoder.encode(message) + b"\n"


class Connection(Generic[Incoming]):
    """One end of a connected UNIX socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, codec: Codec[Incoming]) -> None:
        self._reader = reader
        self._writer = writer
        self._codec = codec

    @property
    def user(self) -> int:
        """The numeric user at the other end, as the kernel vouches for it (SO_PEERCRED)."""
        return user_of(self._writer)

    def send(self, message: msgspec.Struct) -> None:
        """Queue one message; a reader that lets too much pile up loses its connection."""
        if self._writer.is_closing():
            return
        self._writer.write(self._codec.encode(message))
        if self._writer.transport.get_write_buffer_size() > MAX_BACKLOG:
            self._writer.transport.abort()

    async def receive(self) -> Incoming | None:
        """Give the next message, or None at the end; raises `WireError` for one that cannot be used."""
        try:
            line = await self._reader.readline()
        except ValueError as error:
            raise WireError(f"message longer than {MAX_LINE} bytes") from error
        except ConnectionError:
            return None
        if not line.endswith(b"\n"):
            return None
        return self._codec.decode(line)

    async def __aiter__(self) -> AsyncIterator[Incoming]:
        """Give every message until the other side closes."""
        while (message := await self.receive()) is not None:
            yield message

    def close(self) -> None:
        """Close after what was queued has been written."""
        self._writer.close()


def user_of(transport: asyncio.BaseTransport | asyncio.StreamWriter) -> int:
    """Give the numeric user at the other end of a UNIX socket, as the kernel vouches for it (SO_PEERCRED)."""
    return user_behind(transport.get_extra_info("socket"))


def user_behind(connected: socket.socket) -> int:
    """Give the same for a bare socket; of a program that was connected to, it is who listens there."""
    size = struct.calcsize("3i")
    _pid, uid, _gid = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(uid)


Handler = Callable[[Connection[Incoming]], Awaitable[None]]


async def serve(path: Path, codec: Codec[Incoming], handler: Handler[Incoming], *, mode: int) -> asyncio.Server:
    """Listen at `path` with the given file mode and serve at once; raises as `take` does."""
    return await attend(await take(path, mode=mode), codec, handler)


async def attend(listener: socket.socket, codec: Codec[Incoming], handler: Handler[Incoming]) -> asyncio.Server:
    """Serve those who wait at a taken path, and all who come."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, codec)
        try:
            await handler(connection)
        finally:
            connection.close()

    return await asyncio.start_unix_server(connected, sock=listener, limit=MAX_LINE)


async def take(path: Path, *, mode: int) -> socket.socket:
    """Listen at `path` with the given file mode; a socket file left by a dead program is replaced.

    Nobody is served yet: connections and what they ask wait in the kernel. Raises `WireError` where another living
    program listens there, and where no socket can be made.
    """
    listener = socket.socket(socket.AF_UNIX)
    try:
        await clear(path)
        listener.setblocking(False)
        listener.bind(str(path))
        path.chmod(mode)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise WireError(f"cannot listen at {path}: {error.strerror or error}") from error
    except WireError:
        listener.close()
        raise
    return listener


async def connect(path: Path, codec: Codec[Incoming]) -> Connection[Incoming]:
    """Connect to the program that listens at `path`; raises `WireError` that says what to start."""
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=MAX_LINE)
    except OSError as error:
        raise nobody_answers(path, error) from error
    return Connection(reader, writer, codec)


def nobody_answers(path: Path, error: OSError) -> WireError:
    """Put a failed connection into words."""
    return WireError(f"nobody answers at {path} ({os.strerror(error.errno or 0)}): is that program running?")


async def clear(path: Path) -> None:
    """Remove a socket file that a dead program left; raises `WireError` where a living one listens."""
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except FileNotFoundError:
        return
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)
        return
    writer.close()
    raise WireError(f"another program already listens at {path}: stop it first")
