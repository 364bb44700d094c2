"""Whether processes that serve still do: where systemd watches the hub, one that hangs is ended and started anew.

systemd hears one process, the first. That one starts a worker that has ended anew; a worker ends itself, by a clock
outside of Python, once its event loop has not turned for `HANG_SECONDS`, and says in the journal where it was.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from uvicorn.supervisors import Multiprocess

from vdx import service

HANG_SECONDS = 60
"""Without a turn of the event loop. Requests are answered in some milliseconds, and nothing blocks for a second; a
machine that is that busy for so long serves nobody."""

BEATS = 6
"""Turns in that time: five may be late."""


class Workers(Multiprocess):
    """The first process: it starts workers, looks at them, and tells systemd that it does."""

    def keep_subprocess_alive(self) -> None:
        """Look at each worker; one that does not answer is ended, and one that has ended is started."""
        service.tell("WATCHDOG=1")
        super().keep_subprocess_alive()


@asynccontextmanager
async def turning() -> AsyncIterator[None]:
    """Tell that this process serves, and have it end where its event loop hangs."""
    service.tell("READY=1")
    if not service.watchdog_seconds():
        yield
        return
    alone = os.environ.get("WATCHDOG_PID") == str(os.getpid())  # the first process, which serves by itself
    _turn(alone=alone)
    beating = asyncio.ensure_future(_beat(alone=alone))
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        faulthandler.cancel_dump_traceback_later()


def _turn(*, alone: bool) -> None:
    faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
    if alone:
        service.tell("WATCHDOG=1")


async def _beat(*, alone: bool) -> None:
    while True:
        await asyncio.sleep(HANG_SECONDS / BEATS)
        _turn(alone=alone)
