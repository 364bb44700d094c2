"""Whatever answers where the bus should be: the program goes on, and finds the bus when it is back."""

from __future__ import annotations

import asyncio

import pytest

from tests.system.bus.programs import until
from vdx.bus import Address, Bus

pytestmark = pytest.mark.system

INFO = b'INFO {"server_id":"x","version":"2.11.0","max_payload":1000,"headers":true}\r\n'
SAID = [
    b"",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"INFO not json\r\n",
    b"INFO []\r\n",
    b"INFO 7\r\n",
    b"INFO {}\r\n",
    INFO + b"-ERR 'Authorization Violation'\r\n",
    INFO + b"PONG\r\nMSG a b c d e\r\n",
    INFO + b"PONG\r\nMSG x 1 99999999999999\r\n",
    INFO + b"PONG\r\nHMSG x 1 5 3\r\nabcde\r\n",
    INFO + b"PONG\r\n" + b"A" * 100_000 + b"\r\n",
    bytes(range(256)) * 100,
]
SILENT = b"SILENT"
"""Nothing at all is said, and the connection kept."""


@pytest.mark.parametrize("said", [*SAID, SILENT], ids=range(len(SAID) + 1))
def test_garbage_ends_only_its_connection(said: bytes) -> None:
    async def story() -> None:
        met = ended = 0

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal met, ended
            met += 1
            if said is not SILENT:
                writer.write(said)
                writer.write_eof()
            await reader.read(1000)
            writer.close()
            await writer.wait_closed()
            ended += 1

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        bus = Bus(Address((f"nats://127.0.0.1:{port}",), "edge1"))
        running = asyncio.create_task(bus.run())
        try:
            await until(lambda: met >= 2 or running.done(), "it is tried again")
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            server.close()
            await server.wait_closed()
            await until(lambda: ended == met, "every connection is closed")

    asyncio.run(story())
