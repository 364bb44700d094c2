"""The shell around the desk: it carries questions to `gatewayd`'s pinhole socket and answers back.

It connects again for as long as the program runs. After each connect it states what the calls hold, so that a restarted
`gatewayd` and a restarted `b2bua` come to the same set.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from b2bua.call.desk import Question
from vdx import pinhole, wire
from vdx.channel import Channel, open_channel

RETRY_SECONDS = 0.5
"""Between attempts to connect: a restarted `gatewayd` is found again long before a lease expires."""

PATIENT_SECONDS = 0.05
"""How long a word that no call waits for, such as a release, may wait for a question to travel with.

Each message of its own wakes `gatewayd` and costs it a transaction. One that finds nothing sent so lately goes at once.
"""

log = logging.getLogger(__name__)


class Desk(Protocol):
    """What the shell needs of the calls."""

    def pinholes_connected(self, now: float) -> tuple[str, ...]:
        """Tell that `gatewayd` is there; gives every lease that calls hold."""
        ...

    def pinholes_lost(self, now: float) -> None:
        """Tell that `gatewayd` went away."""
        ...

    def on_pinhole(self, message: pinhole.Reply | pinhole.Event, now: float) -> None:
        """Take in what `gatewayd` says."""
        ...


class PinholeClient:
    """The connection to the pinhole socket at `path`; `after` runs after all that came at once, to send more."""

    def __init__(self, path: Path, desk: Desk, clock: Callable[[], float], after: Callable[[], None]) -> None:
        self._path = path
        self._desk = desk
        self._clock = clock
        self._after = after
        self._connection: Channel[pinhole.Reply | pinhole.Event] | None = None
        self._kept: list[Struct] = []  # what can wait, and is sent before anything else
        self._later: asyncio.TimerHandle | None = None
        self._sent_at = 0.0

    def send(self, requests: Sequence[Question]) -> None:
        """Send questions; without a connection they are dropped, as the desk has already refused them."""
        if not requests or self._connection is None:
            return
        self._kept += requests
        due = self._sent_at + PATIENT_SECONDS
        if due <= self._clock() or any(_is_urgent(request) for request in requests):
            self._send_kept()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(PATIENT_SECONDS, self._send_kept)

    def _send_kept(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        kept, self._kept = self._kept, []
        if kept and self._connection is not None:
            self._sent_at = self._clock()
            self._connection.send(*kept)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                await self._serve(await open_channel(self._path, pinhole.OwnerCodec, self._take, self._after))
            except wire.WireError as error:
                log.debug("pinholes.away: %s", error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _serve(self, connection: Channel[pinhole.Reply | pinhole.Event]) -> None:
        self._connection = connection
        try:
            leases = self._desk.pinholes_connected(self._clock())
            connection.send(pinhole.Hold(0, leases))
            log.info("pinholes.connected: %d leases held", len(leases))
            self._after()
            await connection.closed
        finally:
            self._send_kept()
            self._connection = None
            connection.close()
            log.warning("pinholes.lost: gatewayd went away; calls go on, new ones are refused")
            self._desk.pinholes_lost(self._clock())
            self._after()

    def _take(self, message: pinhole.Reply | pinhole.Event) -> None:
        if self._connection:  # what still comes from a connection that was given up is nobody's answer
            self._desk.on_pinhole(message, self._clock())


def _is_urgent(request: Question) -> bool:
    """Tell whether a call goes on only after the answer; the record of one that is over can wait."""
    return request.id > 0 and not isinstance(request, pinhole.Release)
