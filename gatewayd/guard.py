"""Looks whether the rulesets are still there, and brings back what somebody else took away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from gatewayd.errors import RefusalError
from gatewayd.pinholes.desk import Desk
from gatewayd.version import TABLES, Versions
from nft.errors import NftError
from nft.netlink import Netlink

LOOK_SECONDS = 5.0
"""How long the appliance may stand without its rules after a stray `nft flush ruleset`."""

log = logging.getLogger(__name__)


def present(netlink: Netlink, tables: Iterable[str] = TABLES) -> bool:
    """Tell whether tables are in the kernel; raises `NftError` where it has no nftables."""
    return all(netlink.declarations(table) for table in tables)


async def watch(netlink: Netlink, versions: Versions, desk: Desk) -> None:
    """Look again and again, until cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            if present(netlink, versions.tables):
                continue
            log.error("ruleset.missing: somebody removed our tables; they are loaded again")
            versions.restore()
            desk.reopen()
        except (NftError, RefusalError) as error:
            log.error("ruleset.lost: %s", error)  # noqa: TRY400 - a sentence
