"""What a program tells systemd while it runs (sd_notify(3)). One that does not listen is no reason to stop."""

from __future__ import annotations

import logging
import os

from systemd import daemon

_IDLE_SECONDS = 3600.0

log = logging.getLogger(__name__)


def tell(state: str) -> None:
    """Tell the service manager a state, such as ``READY=1``, where there is one."""
    try:
        daemon.notify(state)
    except OSError as error:
        log.warning("notify.lost: %s", error)


def watchdog_seconds() -> float:
    """Give how often to send WATCHDOG=1: half the time systemd waits for it (sd_watchdog_enabled(3)); 0 for never."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2e6 if microseconds.isdecimal() else 0.0


async def feed_watchdog() -> None:
    """Tell that the event loop turns, until cancelled."""
    import asyncio  # noqa: PLC0415 - who has no event loop, such as the console's menu, starts quicker without

    seconds = watchdog_seconds()
    while True:
        if seconds:
            tell("WATCHDOG=1")
        await asyncio.sleep(seconds or _IDLE_SECONDS)
