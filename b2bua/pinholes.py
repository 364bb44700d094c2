"""The shell around the desk: it carries questions to `gatewayd`'s pinhole socket and answers back.

It connects again for as long as the program runs. After each connect it states what the calls hold, so that a restarted
`gatewayd` and a restarted `b2bua` come to the same set.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from vdx import pinhole, wire
from vdx.channel import Channel, open_channel

RETRY_SECONDS = 0.5
"""Between attempts to connect: a restarted `gatewayd` is found again long before a lease expires."""

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
    """The connection to the pinhole socket at `path`; `after` runs after every message, to send what came of it."""

    def __init__(self, path: Path, desk: Desk, clock: Callable[[], float], after: Callable[[], None]) -> None:
        self._path = path
        self._desk = desk
        self._clock = clock
        self._after = after
        self._connection: Channel[pinhole.Reply | pinhole.Event] | None = None

    def send(self, request: Struct) -> None:
        """Send one question; without a connection it is dropped, as the desk has already refused it."""
        if self._connection:
            self._connection.send(request)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                await self._serve(await open_channel(self._path, pinhole.OwnerCodec, self._take))
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
            self._connection = None
            connection.close()
            log.warning("pinholes.lost: gatewayd went away; calls go on, new ones are refused")
            self._desk.pinholes_lost(self._clock())
            self._after()

    def _take(self, message: pinhole.Reply | pinhole.Event) -> None:
        if self._connection:  # what still comes from a connection that was given up is nobody's answer
            self._desk.on_pinhole(message, self._clock())
            self._after()
