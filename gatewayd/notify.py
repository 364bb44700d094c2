"""What systemd is told (sd_notify(3)). One that does not listen is no reason to stop."""

from __future__ import annotations

import asyncio
import logging
import os

from systemd import daemon

IDLE_SECONDS = 3600.0

log = logging.getLogger(__name__)


def tell(state: str) -> None:
    """Tell the service manager a state, such as ``READY=1``, where there is one."""
    try:
        daemon.notify(state)
    except OSError as error:
        log.debug("notify.lost: %s", error)


async def feed_watchdog() -> None:
    """Tell that the event loop turns, twice as often as is asked for (sd_watchdog_enabled(3)), until cancelled."""
    microseconds = int(os.environ.get("WATCHDOG_USEC", "0"))
    while True:
        if microseconds:
            tell("WATCHDOG=1")
        await asyncio.sleep(microseconds / 2_000_000 or IDLE_SECONDS)
