"""Addresses from which everything is dropped for a while, as the kernel counts it. Never a peer of our own.

The kernel holds the same never-ban set, and asks it before it drops: a peer that was banned as a stranger is heard from
the moment on in which the site file names it.
"""

from __future__ import annotations

import logging
from typing import Protocol

from gatewayd.errors import RefusalError
from gatewayd.firewall import spared
from gatewayd.pinholes.bogons import Address
from gatewayd.pinholes.policy import literal, own_addresses
from nft.errors import NftError
from vdx.site import Site

MAX_SECONDS = 7 * 86400
"""The longest ban: what has to last belongs into the site file."""

log = logging.getLogger(__name__)


class BanKernel(Protocol):
    """What bans need of `nft.kernel.Kernel`."""

    def ban(self, address: Address, seconds: float) -> None:
        """Drop everything from an address."""

    def unban(self, address: Address) -> None:
        """Lift a ban, if there is one."""

    def bans(self) -> dict[Address, float]:
        """Return the banned addresses and the seconds each has left."""


class Bans:
    """The bans of one appliance under the site version it follows."""

    def __init__(self, kernel: BanKernel) -> None:
        self._kernel = kernel
        self._site: Site | None = None

    def follow(self, site: Site) -> None:
        """Spare the peers of this site from now on."""
        self._site = site

    def ban(self, text: str, seconds: int, reason: str) -> None:
        """Ban an address; raises `RefusalError` for one of ours or of a peer."""
        address = literal(text)
        if not 1 <= seconds <= MAX_SECONDS:
            raise RefusalError("invalid", f"a ban lasts from 1 second to {MAX_SECONDS // 86400} days")
        self._spare(address)
        try:
            self._kernel.ban(address, seconds)
        except NftError as error:
            raise RefusalError("kernel", str(error)) from error
        log.warning("ban.set address=%s seconds=%d reason=%r", address, seconds, reason)

    def unban(self, text: str) -> None:
        """Lift the ban of an address, if there is one; raises `RefusalError` for what is no address."""
        address = literal(text)
        self._kernel.unban(address)
        log.warning("ban.lifted address=%s", address)

    def listed(self) -> dict[str, float]:
        """Give the banned addresses and the seconds each has left."""
        return {str(address): left for address, left in self._kernel.bans().items()}

    def _spare(self, address: Address) -> None:
        if self._site is None:
            raise RefusalError("policy", "no site version is active yet")
        if address in own_addresses(self._site):
            raise RefusalError("policy", f"{address} is an address of this appliance")
        for whose, network in spared(self._site):
            if address in network:
                raise RefusalError("policy", f"{address} {whose}")
