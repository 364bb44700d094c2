"""A connection whose messages are handed over as they arrive, for whoever talks to another program for every call.

`vdx.wire` gives the same messages to a coroutine that waits for them. Here none waits: waking one costs more than
most messages do. What arrives is read into one buffer, since asyncio would otherwise map 256 KiB for each read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Generic

import msgspec

from vdx.wire import MAX_BACKLOG, MAX_LINE, Codec, Incoming, WireError, nobody_answers

READ_SIZE = 64 * 1024
"""Bytes read at once: most messages have under a thousand, and a long one is only put together from more pieces."""


def _nothing() -> None:
    """Do nothing."""


class Channel(asyncio.BufferedProtocol, Generic[Incoming]):
    """One end of a connected UNIX socket. `closed` is done, with the error if there was one, when it has ended."""

    def __init__(
        self, codec: Codec[Incoming], reader: Callable[[Incoming], None], after: Callable[[], None] = _nothing
    ) -> None:
        """Make it; `after` is called when all messages that came together have been handed over."""
        self._codec = codec
        self._reader = reader
        self._after = after
        self._transport: asyncio.Transport | None = None
        self._buffer = memoryview(bytearray(READ_SIZE))
        self._started = bytearray()  # a message whose end has not come yet
        self._error: WireError | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def send(self, *messages: msgspec.Struct) -> None:
        """Queue messages, in one write; a reader that lets too much pile up loses its connection."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(b"".join([self._codec.encode(message) for message in messages]))
        if transport.get_write_buffer_size() > MAX_BACKLOG:
            transport.abort()

    def close(self) -> None:
        """Close after what was queued has been written."""
        if self._transport is not None:
            self._transport.close()

    # What asyncio reports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_unix_connection makes
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give the place for the next bytes."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Hand over every message that is complete."""
        first, *more = self._buffer[:nbytes].tobytes().split(b"\n")
        self._started += first
        if not more:
            if len(self._started) > MAX_LINE:
                self._fail(WireError(f"message longer than {MAX_LINE} bytes"))
            return
        *others, rest = more
        lines = [bytes(self._started), *others]
        self._started = bytearray(rest)
        try:
            for line in lines:
                self._reader(self._codec.decode(line))
        except WireError as error:
            self._fail(error)
        finally:  # a fault over one message must not keep back what came of the others
            self._after()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell of the end."""
        del exc  # whether the other side died or left makes no difference
        if self.closed.done():
            return
        if self._error is not None:
            self.closed.set_exception(self._error)
        else:
            self.closed.set_result(None)

    def _fail(self, error: WireError) -> None:
        self._error = error
        self._started.clear()
        self.close()


async def open_channel(
    path: Path, codec: Codec[Incoming], reader: Callable[[Incoming], None], after: Callable[[], None] = _nothing
) -> Channel[Incoming]:
    """Connect to the program that listens at `path`; raises `WireError` that says what to start."""
    loop = asyncio.get_running_loop()
    try:
        _, channel = await loop.create_unix_connection(lambda: Channel(codec, reader, after), str(path))
    except OSError as error:
        raise nobody_answers(path, error) from error
    return channel
