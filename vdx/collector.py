"""When the garbage collector looks: not in the middle of calls.

Calls, leases and messages leave no cycles (tests hold them to it), so all it ever finds is what faults and closed
connections left behind. Looking is dear: a young generation of 50,000 objects, some seconds of calls, takes 0.1 s and
more on a busy machine, in which nobody is answered. So it looks when there is little to look through.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
from collections.abc import Callable

LOOK_SECONDS = 600.0
"""Between looks: what an hour of faults leaves is small."""

QUIET = 50
"""Calls held at most when it looks: a look through them takes about as long as one lost packet costs."""

LONGEST_SECONDS = 86_400.0
"""After which it looks whatever is held, since some gateway is never quiet; SIP repeats what it misses."""

GIVE_BACK_SECONDS = 30.0
"""Between two times that free memory goes back to the system: a few milliseconds each."""

log = logging.getLogger(__name__)


def hold_off() -> None:
    """Keep what is here now out of every later look, and let none begin by itself."""
    gc.collect()
    gc.freeze()
    gc.disable()


async def look_when_quiet(held: Callable[[], int]) -> None:
    """Collect from time to time, until cancelled; `held` gives how many calls are held now."""
    clock = asyncio.get_running_loop().time
    last = clock()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        began = clock()
        if due(held(), began - last):
            found = gc.collect()
            last = clock()
            log.info("memory.collected objects=%d seconds=%.3f", found, last - began)


def due(held: int, since: float) -> bool:
    """Tell whether to look now, that many seconds after the last time."""
    return held <= QUIET or since >= LONGEST_SECONDS


async def give_back() -> None:
    """Give free memory back to the system from time to time, until cancelled.

    Messages are larger than what Python allots itself, and those that stay lie scattered between those that went: the C
    library keeps all of that, and after some minutes of calls a tenth of the program is nothing but holes.
    """
    while True:
        await asyncio.sleep(GIVE_BACK_SECONDS)
        trim()


def trim() -> bool:
    """Give back what is free; tells whether anything was (malloc_trim(3), of glibc alone)."""
    function = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return function is not None and bool(function(0))
