"""What the servers do not take, in words that say what to do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from nats.js.errors import NotFoundError, ServerError

from vdx.bus.errors import BusError
from vdx.bus.provision import NO_ROOM, provision, stream


class Server:
    """A connection, its client and its context in one, that refuses what it is asked to make."""

    def __init__(self, err_code: int) -> None:
        self._err_code = err_code

    def client(self) -> Server:
        return self

    def jetstream(self, **_: Any) -> Server:
        return self

    async def stream_info(self, _: str) -> None:
        raise NotFoundError

    async def add_stream(self, _: Any) -> None:
        raise ServerError(code=500, err_code=self._err_code, description="insufficient storage resources available")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            NO_ROOM,
            "it reserves 9 GB, and takes three quarters of what is free when it starts: give it a disk with 11 GB",
        ),
        (10023, "the bus does not take records: "),
    ],
)
def test_a_disk_that_is_too_small_is_told_with_what_it_takes(code: int, sentence: str) -> None:
    server: Any = Server(code)
    with pytest.raises(BusError, match=sentence):
        asyncio.run(provision(server, [stream("records", 1), stream("audit", 1)]))
