"""The bytes of the pinhole socket.

Requests are answered as they arrive, with no task between the socket and the desk: a wake-up costs as much as the
transaction that would wait for it.
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from vdx import wire
from vdx.pinhole import GatewayCodec, Request


class Visits(Protocol):
    """Who is told of what happens at the door."""

    def opened(self, door: Door) -> bool:
        """Tell of a new connection; False closes it."""

    def asked(self, door: Door, request: Request) -> None:
        """Tell of a request."""

    def unusable(self, door: Door, error: wire.WireError) -> None:
        """Tell of bytes that are no request; the connection closes."""

    def closed(self, door: Door) -> None:
        """Tell that a connection has ended that was opened before."""


READ_SIZE = 64 * 1024
"""Bytes read at once; asyncio would otherwise allocate four times as much for each request."""


class Door(asyncio.BufferedProtocol):
    """One connection of an owner."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits
        self._transport: asyncio.Transport | None = None
        self._reading = memoryview(bytearray(READ_SIZE))
        self._started = bytearray()  # a message whose end has not come yet
        self._open = False
        self._answers: list[bytes] | None = None  # while requests that came together are carried out
        self.user = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find out who it is (asyncio)."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what start_unix_server makes
        self._transport = transport
        self.user = wire.user_of(transport)
        self._open = self._visits.opened(self)
        if not self._open:
            transport.close()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give the place for the next bytes (asyncio)."""
        del sizehint
        return self._reading

    def buffer_updated(self, nbytes: int) -> None:
        """Take in bytes (asyncio)."""
        data = bytes(self._reading[:nbytes])
        first, *more = data.split(b"\n")
        self._started += first
        if len(self._started) > wire.MAX_LINE:
            self._refuse(wire.WireError(f"message longer than {wire.MAX_LINE} bytes"))
        elif more:
            *others, rest = more
            lines = [bytes(self._started), *others]
            self._started = bytearray(rest)
            self._take(lines)

    def _take(self, lines: list[bytes]) -> None:
        """Carry out what came together; the answers leave in one write, since each would wake the owner."""
        answers = self._answers = []
        unusable: wire.WireError | None = None
        try:
            for line in lines:
                if self._open:
                    self._visits.asked(self, GatewayCodec.decode(line))
        except wire.WireError as error:
            unusable = error
        finally:
            self._answers = None
            self._write(b"".join(answers))
        if unusable is not None:
            self._refuse(unusable)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end (asyncio)."""
        del exc  # an owner that died and one that left are the same: its leases live on until they expire
        self._end()

    def send(self, message: Struct) -> None:
        """Send one message; a reader that lets too much pile up loses its connection."""
        if self._answers is not None:
            self._answers.append(GatewayCodec.encode(message))
        else:
            self._write(GatewayCodec.encode(message))

    def _write(self, data: bytes) -> None:
        if not data or self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > wire.MAX_BACKLOG:
            self._transport.abort()

    def _refuse(self, error: wire.WireError) -> None:
        self._visits.unusable(self, error)
        self._end()

    def _end(self) -> None:
        if self._open:
            self._open = False
            self._visits.closed(self)
        self._started.clear()
        if self._transport is not None:
            self._transport.close()


async def take(path: Path) -> socket.socket:
    """Take `path`: everybody may knock, the kernel tells who it is. Raises `WireError` where it is taken already."""
    return await wire.take(path, mode=0o666)


async def attend(listener: socket.socket, visits: Visits) -> asyncio.Server:
    """Open to those who wait, and to all who come."""
    return await asyncio.get_running_loop().create_unix_server(lambda: Door(visits), sock=listener)
