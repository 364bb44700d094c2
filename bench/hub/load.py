"""A client that costs little: requests written beforehand, sent over connections that stay, answers timed and counted.

- *most*: every connection sends the next request when the last is answered; the figure is answers a second.
- *at a rate*: requests are due at even times, whether or not the last is answered; the time counts from when one was
  due, so that a server that stops for a moment is seen by all who waited meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

CONNECTIONS = 16
"""Open at once: what a region's booking systems have."""

OK = b"HTTP/1.1 200"

Request = Callable[[], bytes]
"""Gives the next request, whole."""


@dataclass(slots=True)
class Answers:
    """What came back: seconds of each good answer, and the first words of each other one."""

    seconds: list[float] = field(default_factory=list)
    bad: list[bytes] = field(default_factory=list)
    took: float = 0.0

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.seconds) / self.took

    def part(self, share: float) -> float:
        """Give the milliseconds within which `share` of the good answers came."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """Send a request; gives head and body of the answer."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return head, await self._reader.readexactly(length)


@asynccontextmanager
async def lines(port: int, count: int) -> AsyncIterator[list[Line]]:
    """Open connections."""
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            made.append(Line(reader, writer))
        yield made


async def most(port: int, request: Request, seconds: float) -> Answers:
    """Send as much as is answered."""
    answers = Answers()
    ends = time.perf_counter() + seconds

    async def go(line: Line) -> None:
        while (began := time.perf_counter()) < ends:
            _note(answers, *await line.ask(request()), began)

    async with lines(port, CONNECTIONS) as opened:
        began = time.perf_counter()
        await asyncio.gather(*(go(line) for line in opened))
        answers.took = time.perf_counter() - began
    return answers


async def at_rate(port: int, request: Request, rate: float, seconds: float) -> Answers:
    """Send so many requests a second."""
    answers = Answers()
    async with lines(port, CONNECTIONS * 4) as opened:
        free = asyncio.Queue[Line]()
        for line in opened:
            free.put_nowait(line)
        tasks: set[asyncio.Task[None]] = set()

        async def go(due: float) -> None:
            line = await free.get()
            _note(answers, *await line.ask(request()), due)
            free.put_nowait(line)

        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            task = asyncio.create_task(go(due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        answers.took = time.perf_counter() - began
    return answers


def _note(answers: Answers, head: bytes, body: bytes, began: float) -> None:
    if head.startswith(OK):
        answers.seconds.append(time.perf_counter() - began)
    else:
        answers.bad.append(head[:20] + body[:200])
