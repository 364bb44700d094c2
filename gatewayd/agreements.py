"""Keeps the agreements in the kernel to the date. They start and end by the kernel's clock, also when nobody looks.

What is left to do: what opens again after a pause, and the difference between the kernel's ticks and the date, which
adds up over years and jumps when the clock is set.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Protocol

from nft.errors import NftError
from nft.model import Edge
from nft.netlink import Netlink
from nft.policy.opening import EARLY, OPEN, changes, next_change, openings
from nft.policy.tables import Tables

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


def settle(tables: Tables, edge: Edge) -> float:
    """Write the elements that are not as they should be; return the seconds until the next look. Blocks."""
    now = time.time()
    wanted = openings(tables, {zone.name: zone.index for zone in edge.zones}, now)
    with Netlink() as netlink:
        operations = changes(netlink.dump(OPEN), netlink.dump(EARLY), wanted, now)
        netlink.commit(operations)
    if operations:
        log.info("agreements.settled elements=%d", len(operations))
    due = next_change(tables, now)
    return KEEP_SECONDS if due is None else min(KEEP_SECONDS, max(0.0, due - now))
