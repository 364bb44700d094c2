"""Looks whether the rulesets are still there, and brings back what somebody else took away."""

from __future__ import annotations

import asyncio
import logging

from gatewayd.errors import RefusalError
from gatewayd.pinholes.desk import Desk
from gatewayd.version import Versions
from nft.errors import NftError
from nft.netlink import Netlink

LOOK_SECONDS = 5.0
"""How long the appliance may stand without its rules after a stray `nft flush ruleset`."""

TABLES = ("edge", "media")

log = logging.getLogger(__name__)


def present(netlink: Netlink) -> bool:
    """Tell whether both tables are in the kernel; raises `NftError` where it has no nftables."""
    return all(netlink.declarations(table) for table in TABLES)


async def watch(netlink: Netlink, versions: Versions, desk: Desk) -> None:
    """Look again and again, until cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            if present(netlink):
                continue
            log.error("ruleset.missing: somebody removed our tables; they are loaded again")
            versions.restore()
            desk.reopen()
        except (NftError, RefusalError) as error:
            log.error("ruleset.lost: %s", error)  # noqa: TRY400 - a sentence
