"""The provisioner's rounds: pools filled, what happened told, what is due done; faults make them slower."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from hub.errors import HubError
from vdx.bus import BusError

QUIET_SECONDS = 0.5
"""Between rounds: a room that is booked for now is there within a second."""

LONGEST_SECONDS = 15.0
"""Between rounds while bus or database are away."""

log = logging.getLogger("hub.provision")


async def run(steps: tuple[Callable[[], Awaitable[int]], ...], sleep: Callable[[float], Awaitable[None]]) -> None:
    """Do round after round until cancelled: every step in turn, at once again while there was something to do."""
    pause = QUIET_SECONDS
    while True:
        try:
            done = 0
            for step in steps:
                done += await step()
            pause = QUIET_SECONDS
            if not done:
                await sleep(pause)
        except (BusError, HubError) as error:
            pause = min(pause * 2, LONGEST_SECONDS)
            log.warning("provision.paused seconds=%.1f: %s", pause, error)
            await sleep(pause)


async def run_forever(*steps: Callable[[], Awaitable[int]]) -> None:
    """Do rounds by the real clock."""
    await run(steps, asyncio.sleep)
