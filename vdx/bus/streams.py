"""What happened: events that go to a stream at least once, and that a reader takes from it one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.errors import TimeoutError as Silence
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from vdx.bus.connection import Bus
from vdx.bus.errors import BadRecord, BusDown, BusError, NoAnswer
from vdx.bus.kinds import Happening, Record, decode, encode
from vdx.bus.limits import OUTBOX, SERVER_SECONDS

log = logging.getLogger("bus")

BATCH = 64
"""Events fetched at once."""

ACK_SECONDS = 30.0
"""How long a reader may take for an event before it is given again."""


class Outbox(Generic[Record]):
    """Events on their way to a stream: `Bus.add` it. Each is sent until the server has it, once for all by its id.

    `sent` hears of each that the server has. They wait in memory: who may not lose any keeps them elsewhere until then.
    """

    def __init__(self, bus: Bus, happening: Happening[Record], sent: Callable[[Record], None] | None = None) -> None:
        self.lost = 0
        """Events dropped because too many waited."""
        self._sent = sent
        self._bus = bus
        self._subject = happening.subject(bus.address.name)
        self._waiting: deque[tuple[str, Record]] = deque()
        self._stir = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def post(self, ident: str, record: Record) -> None:
        """Send an event when the bus is there; never waits. The same `ident` again is the same event."""
        if len(self._waiting) >= OUTBOX:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append((ident, record))
        self._stir.set()

    async def follow(self, client: Client) -> None:
        """Send what waits for as long as the connection stands."""
        del client
        while True:
            await self._stir.wait()
            self._stir.clear()
            while self._waiting:
                ident, record = waiting = self._waiting[0]
                try:
                    await self._bus.write(self._subject, encode(record), {"Nats-Msg-Id": ident})
                except BusDown:
                    self._stir.set()
                    raise
                except BusError as error:  # no stream yet, or the disk of the server is full: it may come right
                    log.warning("bus.unsent: %s; %d wait", error, len(self._waiting))
                    self._stir.set()
                    await asyncio.sleep(SERVER_SECONDS)
                    continue
                if self._waiting and self._waiting[0] is waiting:  # not dropped meanwhile
                    self._waiting.popleft()
                if self._sent is not None:
                    self._sent(record)


class Reader(Generic[Record]):
    """One who takes in a stream under a name that the server remembers: `Bus.add` it.

    `take` gets the subject's source and the event, and has dealt with it for good when it returns; where it raises, the
    event comes again. So it may come twice, and `take` must not mind.
    """

    def __init__(self, happening: Happening[Record], name: str, take: Callable[[str, Record], Awaitable[None]]) -> None:
        self._happening = happening
        self._name = name
        self._take = take

    async def follow(self, client: Client) -> None:
        """Take events for as long as the connection stands."""
        stream = client.jetstream(timeout=SERVER_SECONDS)
        config = ConsumerConfig(
            durable_name=self._name,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_SECONDS,
            deliver_policy=DeliverPolicy.ALL,
            max_ack_pending=BATCH,
        )
        try:
            pulled = await stream.pull_subscribe(
                f"vdx.{self._happening.name}.>", self._name, self._happening.stream, config=config
            )
        except (TimeoutError, Error) as error:
            raise NoAnswer(f"stream {self._happening.name} cannot be read: {error}") from error
        while True:
            messages: list[Msg] = []
            with suppress(Silence):
                messages = await pulled.fetch(BATCH, timeout=ACK_SECONDS)
            for message in messages:
                await self._deal(message)

    async def _deal(self, message: Msg) -> None:
        try:
            record = decode(message.data, self._happening.record)
        except BadRecord as error:
            log.error("bus.unreadable: an event on %s is left out: %s", message.subject, error)  # noqa: TRY400 - see above
            await message.term()
            return
        try:
            await self._take(message.subject.removeprefix(f"vdx.{self._happening.name}."), record)
        except Exception:  # whatever stands in the reader's way, the event is not lost
            log.exception("bus.untaken: an event on %s comes again", message.subject)
            await message.nak(delay=SERVER_SECONDS)
            return
        await message.ack()
