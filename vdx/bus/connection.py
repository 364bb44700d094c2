"""The connection to the bus: made, watched over and made again, for as long as the program runs.

Theory of operation. `Bus.run` holds one connection at a time. Whatever needs it is a *part*: a watch, an outbox,
somebody who answers questions. When a connection stands, `follow(client)` of every part is started; when it falls, all
are ended, and start anew with the next. So nothing survives a connection half, and the way back is the way that every
program takes at its start. Without a connection, questions and writes fail at once with `BusDown`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError
from nats.errors import TimeoutError as Silence

from vdx.bus.errors import BusDown, BusError, Conflict, Denied, NoAnswer
from vdx.bus.grants import inbox
from vdx.bus.kinds import Answer, Question, Record, decode, encode
from vdx.bus.limits import (
    ATTEMPT_SECONDS,
    BACKOFF_SECONDS,
    CLOSE_SECONDS,
    CONNECT_SECONDS,
    PING_SECONDS,
    REQUEST_SECONDS,
    SERVER_SECONDS,
)

log = logging.getLogger("bus")

WRONG_REVISION = frozenset((10071, 10164))
"""Error codes of JetStream: the revision that a write named is not the last one."""

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Address:
    """Where the bus is and who we are: `credentials` holds user and password (two lines), `trust` the CA (PEM).

    `name` is the program's: its part of the subjects it may use. Servers are ``tls://host:4222``; ``nats://`` speaks
    in the clear, and is for one machine.
    """

    servers: tuple[str, ...]
    name: str
    credentials: Path | None = None
    trust: Path | None = None
    server_name: str | None = None
    """The name in the servers' certificates, where it is not the host they are called at."""


class Part(Protocol):
    """What lives on a connection; `follow` runs until the connection falls, and is cancelled then."""

    async def follow(self, client: Client) -> None:
        """Do its work on this connection."""
        ...


class PubAck(msgspec.Struct):
    """The server's word on a write."""

    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: dict[str, object] | None = None


class Bus:
    """One program's place on the bus."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._client: Client | None = None
        self._parts: list[Part] = []
        self._following: set[asyncio.Task[None]] = set()
        self._fallen = asyncio.Event()
        self._standing = asyncio.Event()
        self._denied: deque[str] = deque(maxlen=32)
        self._last_fault = ""

    @property
    def connected(self) -> bool:
        """Whether a server is connected right now."""
        return self._client is not None

    async def until_connected(self) -> None:
        """Wait for a connection: for tools that can do nothing without; programs never wait for the bus."""
        await self._standing.wait()

    def add(self, part: Part) -> None:
        """Let a part live on this and every later connection."""
        self._parts.append(part)
        if self._client is not None:
            self._start(part, self._client)

    async def remove(self, part: Part) -> None:
        """End a part."""
        self._parts.remove(part)
        for task in [task for task in self._following if task.get_name() == _named(part)]:
            await _ended(task)

    async def run(self) -> None:
        """Hold a connection until cancelled."""
        shortest, longest = BACKOFF_SECONDS
        pause = shortest
        try:
            while True:
                client = await self._connect()
                _heed_cancellation()
                if client is not None:
                    pause = shortest
                    await self._hold(client)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spread, so that not all come at once
                pause = min(2 * pause, longest)
        finally:
            self._client = None

    async def _connect(self) -> Client | None:
        client = Client()
        self._fallen.clear()
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                user, password = _credentials(self.address.credentials)
                await client.connect(
                    list(self.address.servers),
                    name=self.address.name,
                    user=user,
                    password=password,
                    tls=_tls(self.address),
                    tls_hostname=self.address.server_name,
                    inbox_prefix=inbox(self.address.name),
                    allow_reconnect=False,
                    connect_timeout=CONNECT_SECONDS,
                    ping_interval=PING_SECONDS,
                    max_outstanding_pings=2,
                    error_cb=self._fault,
                    closed_cb=self._closed,
                )
        except Exception as error:  # noqa: BLE001 - whatever answers there: the program goes on without
            fault = str(error) or type(error).__name__
            if fault != self._last_fault:
                log.warning("bus.unreachable: %s at %s; tried again", fault, ", ".join(self.address.servers))
            self._last_fault = fault
            await _close(client)
            return None
        except asyncio.CancelledError:
            await _close(client)
            raise
        self._last_fault = ""
        return client

    async def _hold(self, client: Client) -> None:
        log.info(
            "bus.connected: %s as %s", client.connected_url.netloc if client.connected_url else "", client.client_id
        )
        self._client = client
        self._standing.set()
        try:
            for part in self._parts:
                self._start(part, client)
            await self._fallen.wait()
            log.warning("bus.lost: the last known state holds until it is back")
        finally:
            self._client = None
            self._standing.clear()
            for task in list(self._following):
                await _ended(task)
            await _close(client)

    def _start(self, part: Part, client: Client) -> None:
        task = asyncio.create_task(part.follow(client), name=_named(part))
        self._following.add(task)
        task.add_done_callback(self._part_ended)

    def _part_ended(self, task: asyncio.Task[None]) -> None:
        self._following.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("bus.part_failed: %s: %s; the connection is made again", task.get_name(), error)
            self._fallen.set()

    async def _closed(self) -> None:
        self._fallen.set()

    async def _fault(self, error: Exception) -> None:
        said = str(error)
        if "permissions violation" in said.lower():
            self._denied.append(said.lower())
        log.debug("bus.error: %s", said)

    async def ask(
        self,
        question: Question[Record, Answer],
        record: Record,
        about: str = "",
        seconds: float = REQUEST_SECONDS,
    ) -> Answer:
        """Ask whoever answers such questions; raises `BusDown`, `NoAnswer`, `Denied` or `BadRecord`."""
        message = await self.request(question.subject(about), encode(record), seconds=seconds)
        if message.headers and (fault := message.headers.get("Vdx-Fault")):
            raise BusError(fault)
        return decode(message.data, question.answer)

    async def write(self, subject: str, data: bytes, headers: Headers | None = None) -> PubAck:
        """Store a message; raises `BusDown`, `NoAnswer`, `Denied`, `Conflict`, else `BusError`."""
        message = await self.request(subject, data, headers, seconds=SERVER_SECONDS)
        said = decode(message.data, PubAck)
        if said.error is None:
            return said
        if said.error.get("err_code") in WRONG_REVISION:
            raise Conflict(f"{subject} has changed since it was read")
        raise BusError(f"the bus refused {subject}: {said.error.get('description')}")

    async def request(self, subject: str, data: bytes, headers: Headers | None = None, *, seconds: float) -> Msg:
        """Send a message that asks for one in return; raises `BusDown`, `NoAnswer` or `Denied`."""
        client = self._client
        if client is None:
            raise BusDown(f"no server of the bus is connected ({', '.join(self.address.servers)})")
        try:
            return await client.request(subject, data, timeout=seconds, headers=headers)
        except NoRespondersError as error:
            raise NoAnswer(f"nobody on the bus answers {subject}") from error
        except Silence as error:
            if any(f'"{subject.lower()}"' in said for said in self._denied):
                raise Denied(f"{self.address.name} may not write {subject}") from error
            raise NoAnswer(f"no answer to {subject} in {seconds:g} s") from error
        except Error as error:
            raise BusDown(f"the connection to the bus fell ({error})") from error

    def client(self) -> Client:
        """Give the connection; raises `BusDown`."""
        if self._client is None:
            raise BusDown(f"no server of the bus is connected ({', '.join(self.address.servers)})")
        return self._client


def _named(part: Part) -> str:
    return f"{type(part).__name__}-{id(part):x}"


def _credentials(path: Path | None) -> tuple[str | None, str | None]:
    if path is None:
        return None, None
    try:
        user, password = path.read_text(encoding="utf-8").split()
    except (OSError, ValueError) as error:
        raise BusError(f"{path} does not hold a user and a password on two lines: write them there") from error
    return user, password


def _tls(address: Address) -> ssl.SSLContext | None:
    if not any(server.startswith("tls:") for server in address.servers):
        return None
    context = ssl.create_default_context(cafile=str(address.trust) if address.trust else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def _ended(task: asyncio.Task[None]) -> None:
    """End a task, also where a library takes a cancellation for its own (`wait_for` before Python 3.12)."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CLOSE_SECONDS)


async def _close(client: Client) -> None:
    """End a connection, whatever state it is in, in bounded time."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await client.close()
    except Exception as error:  # noqa: BLE001 - it is over in any case
        log.debug("bus.close: %s", error)
    if (transport := client._transport) is None:  # noqa: SLF001 - one that never came to connect is left open else
        return
    with suppress(Exception):
        transport.close()  # type: ignore[no-untyped-call]
        async with asyncio.timeout(CLOSE_SECONDS):
            await transport.wait_closed()  # type: ignore[no-untyped-call]


def _heed_cancellation() -> None:
    """End this task where it was cancelled, and a library took that for its own."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
