"""Keeps the agreements in the kernel to the date. They start and end by the kernel's clock, also when nobody looks.

What is left to do: the third time that something opens, after two pauses; and the difference between the kernel's ticks
and the date, which adds up over years and jumps when the clock is set.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Protocol

from nft import apply as ruleset
from nft.errors import NftError
from nft.policy.opening import next_change
from nft.policy.ruleset import Ruleset

KEEP_SECONDS = 60.0
"""How often the kernel's times are compared with the date: a machine may start before its clock is right."""

AGAIN_SECONDS = 5.0
"""Until it is tried again after the kernel has refused."""

log = logging.getLogger(__name__)


class Keeping(Protocol):
    """What this needs of `gatewayd.version.Versions`."""

    async def keep(self) -> float:
        """Bring the agreements in the kernel to the date; return the seconds until that is due again."""


async def watch(versions: Keeping) -> None:
    """Keep the agreements to the date, until cancelled."""
    while True:
        try:
            wait = await versions.keep()
        except NftError as error:
            log.error("agreements.late: %s", error)  # noqa: TRY400 - a sentence
            wait = AGAIN_SECONDS
        await asyncio.sleep(wait)


def settle(transit: Ruleset) -> float:
    """Write the elements that are not as they should be; return the seconds until the next look. Blocks."""
    now = time.time()
    if written := ruleset.settle(transit, now):
        log.info("agreements.settled elements=%d", written)
    due = next_change(transit.tables, now)
    return KEEP_SECONDS if due is None else min(KEEP_SECONDS, max(0.0, due - now))
