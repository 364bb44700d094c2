"""A site version becomes active everywhere or nowhere: network, `b2bua`, firewall, pinhole policy.

The order cuts nothing. First the network gets what is new (a listener of `b2bua` may need a new address), then `b2bua`
prepares, then the firewall changes in one transaction, then `b2bua` activates. Only after that the network loses
what is old and leases that the new policy forbids are revoked. Each step leaves behind how to undo it until all have
succeeded.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from gatewayd import agreements, firewall, transit
from gatewayd.bans import Bans
from gatewayd.errors import NetworkError, VersionError
from gatewayd.network import sysctl
from gatewayd.network.desired import desired, zone_number
from gatewayd.network.kernel import Kernel as NetworkKernel
from gatewayd.network.plan import plan
from gatewayd.network.state import Network
from gatewayd.pinholes.desk import Desk
from gatewayd.pinholes.layout import Key, MediaPlace, layout
from gatewayd.pinholes.leases import Held
from gatewayd.pinholes.policy import Policy
from gatewayd.signalling import AwayError, B2buaLink, signalling
from nft import apply as ruleset
from nft.adoption import Adopted
from nft.errors import DeclarationError, NftError
from nft.model import Edge
from nft.number import MAX_MEDIA_ADDRESS
from nft.policy.ruleset import Ruleset, compile_transit
from nft.policy.tables import Tables
from vdx.site.source import LoadedSite

Revoke = Callable[[list[Held], str], None]
AGAIN_SECONDS = 2.0
"""Until `b2bua` is offered a version again that it refused: what it lacked, such as a port, may be free by then."""

TABLES = ("edge", "media")
"""The tables of the kernel that every version has."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Version:
    """A site file with everything that follows from it."""

    loaded: LoadedSite
    network: Network
    places: dict[Key, MediaPlace]
    edge: Edge
    policy: Policy
    ruleset: Ruleset

    @property
    def transit(self) -> Tables:
        """What may pass between zones, as the ruleset has it."""
        return self.ruleset.tables

    @property
    def name(self) -> str:
        """The version's name: it changes with the content of the file."""
        return self.loaded.version


def compute(loaded: LoadedSite, kept: dict[Key, int]) -> Version:
    """Work a site out, without touching anything; raises `VersionError`. A second, with a hundred thousand prefixes."""
    try:
        places = layout(loaded.site, kept)
        edge = firewall.edge(loaded, places)
    except NftError as error:
        raise VersionError(f"{loaded.name}: {error}") from error
    passing = compile_transit(transit.tables(loaded), edge)
    return Version(loaded, desired(loaded.site), places, edge, Policy(loaded.site), passing)


class Versions:
    """The version that is active on this machine."""

    def __init__(self, links: NetworkKernel, desk: Desk, bans: Bans, b2bua: B2buaLink, revoke: Revoke) -> None:
        self._links = links
        self._desk = desk
        self._bans = bans
        self._b2bua = b2bua
        self._revoke = revoke
        self._changing = asyncio.Lock()  # a b2bua that appears while a version changes gets the outcome
        self.active: Version | None = None

    async def start(self, loaded: LoadedSite, found: list[Adopted], now: float, *, fresh: bool) -> None:
        """Make the first version active; raises `VersionError` or `NetworkError`, and then nothing is changed.

        `found` is what the kernel still relays. A `fresh` machine has no ruleset yet and gets it before any address.
        """
        async with self._changing:
            version = compute(loaded, _indices(loaded, found))
            async with AsyncExitStack() as undo:
                if fresh:
                    await self._firewall(version, undo, busy=False)
                    undo.callback(ruleset.reset)
                # what has expired stays in the sets until it is adopted and closed; nobody misses it
                await self._change(version, undo, busy=any(adopted.expires != 0.0 for adopted in found))
                undo.pop_all()
            self._desk.follow(version.policy, version.places)
            for held, over in self._desk.adopt(found, now):
                if over:
                    self._revoke([held], "its time was over before gatewayd came back")
            self._settle(version)

    async def apply(self, loaded: LoadedSite) -> None:
        """Replace the active version; raises `VersionError` or `NetworkError`, and then the old one stays."""
        async with self._changing:
            kept = self._desk.indices
            version = await asyncio.to_thread(compute, loaded, kept)
            async with AsyncExitStack() as undo:
                await self._change(version, undo, busy=bool(len(self._desk.leases)))
                undo.pop_all()
            self._desk.follow(version.policy, version.places)
            self._settle(version)

    async def greet(self) -> None:
        """Hand the active version to a `b2bua` that has just appeared, until it takes it or is gone (cancelled)."""
        while not await self._handed():  # noqa: ASYNC110 - nothing tells when it could take it
            await asyncio.sleep(AGAIN_SECONDS)

    def restore(self) -> None:
        """Bring back the ruleset that somebody took away."""
        if self.active is not None:
            _install(self.active, busy=True)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the kernel must have."""
        passing = self.active is not None and not self.active.transit.policy.empty
        return (*TABLES, "transit") if passing else TABLES

    async def keep(self) -> float:
        """Bring the agreements in the kernel to the date; return the seconds until that is due again."""
        async with self._changing:
            if self.active is None or self.active.transit.policy.empty:
                return agreements.KEEP_SECONDS
            return await asyncio.to_thread(agreements.settle, self.active.ruleset)

    async def _handed(self) -> bool:
        async with self._changing:
            if self.active is None:
                return False
            try:
                await self._b2bua.prepare(self.active.name, signalling(self.active.loaded))
                await self._b2bua.activate(self.active.name)
            except VersionError as error:
                log.error("version.refused by=b2bua version=%s: %s", self.active.name, error)  # noqa: TRY400 - a sentence
                return False
            log.info("version.handed to=b2bua version=%s", self.active.name)
            return True

    async def _change(self, version: Version, undo: AsyncExitStack, *, busy: bool) -> None:
        found = await self._links.read()
        _check_cards(version, found)
        undo.callback(sysctl.restore, sysctl.write(sysctl.settings(())))
        steps = plan(found, version.network)
        done = await self._links.apply(steps.build)
        undo.push_async_callback(self._links.undo, done)
        names = [link.name for link in version.network.links]
        undo.callback(sysctl.restore, sysctl.write(sysctl.settings(names)))
        if prepared := self._b2bua.connected:
            undo.push_async_callback(self._b2bua.revert, version.name)
            await self._b2bua.prepare(version.name, signalling(version.loaded))
        await self._firewall(version, undo, busy=busy)
        if prepared:
            try:
                await self._b2bua.activate(version.name)
            except AwayError as away:
                log.warning("version.pending: %s", away)  # it gets the version when it is back
        try:
            await self._links.apply(steps.clear)
        except NetworkError as error:
            log.warning("network.leftover: %s", error)  # the new version serves; the next one tries again

    async def _firewall(self, version: Version, undo: AsyncExitStack, *, busy: bool) -> None:
        if self.active is not None and _same_paths(self.active, version):
            whole = self.active.edge != version.edge
            undo.callback(_reopen, version, self.active, whole=whole, busy=busy)
            await asyncio.to_thread(_reopen, self.active, version, whole=whole, busy=busy)
        else:
            if self.active is not None:
                undo.callback(_install, self.active, busy=busy)
            known = self.active.edge if self.active is not None else None
            await asyncio.to_thread(_install, version, busy=busy, known=known)
        if not busy:
            self._desk.reopen()  # leases that came while the sets were made anew

    def _settle(self, version: Version) -> None:
        self.active = version
        self._bans.follow(version.loaded.site)
        for held, reason in self._desk.forbidden():
            self._revoke([held], reason)
        log.info("version.active version=%s leases=%d", version.name, len(self._desk.leases))


def _install(version: Version, *, busy: bool, known: Edge | None = None) -> None:
    """Bring a ruleset into the kernel; sets that another release declared otherwise are made anew unless in use.

    `known` is the edge that the kernel is known to have.
    """
    edge = version.edge
    try:
        ruleset.apply(edge, version.ruleset, known=known)
    except DeclarationError as error:
        if busy:
            text = (
                "the relay of this release cannot take over from the one that runs while calls are up: end them first"
            )
            raise VersionError(f"{text} ({error})") from error
        ruleset.reset()
        ruleset.apply(edge, version.ruleset)
    except NftError as error:
        raise VersionError(str(error)) from error


def _same_paths(old: Version, new: Version) -> bool:
    """Tell whether the policy's table may stay as it is, but for what agreements open."""
    return old.ruleset.names == new.ruleset.names and not new.transit.policy.empty


def _reopen(old: Version, version: Version, *, whole: bool, busy: bool) -> None:
    """Bring what agreements open to a version whose other paths are there already; `whole`: the other tables too."""
    try:
        if whole:
            ruleset.apply(version.edge)
        written = ruleset.reopen(old.ruleset, version.ruleset, time.time())
        log.info("agreements.changed elements=%d", written)
    except NftError as error:  # somebody took the table away, or the relay's sets are of another release
        log.warning("ruleset.renewed: %s", error)
        _install(version, busy=busy)


def _check_cards(version: Version, found: Network) -> None:
    there = {link.name for link in found.links}
    site = version.loaded.site
    for link in version.network.links:
        if link.kind == "physical" and link.name not in there:
            zone = next((name for name, each in site.zones.items() if each.interface == link.name), None)
            path = ("zones", zone, "interface") if zone else ("interfaces", link.name)
            text = f"there is no interface {link.name!r} on this machine: correct its name or add the card"
            raise VersionError(f"{version.loaded.origin(*path)}: {text}")


def _indices(loaded: LoadedSite, found: list[Adopted]) -> dict[Key, int]:
    """Give the indices of the media addresses of what the kernel relays: they stay."""
    return {
        (_zone(loaded, end.address.zone), end.address.address): end.address.index & MAX_MEDIA_ADDRESS
        for adopted in found
        for end in (adopted.bridge.a, adopted.bridge.b)
    }


def _zone(loaded: LoadedSite, number: int) -> str:
    names = [name for name in loaded.site.zones if zone_number(name) == number]
    return names[0] if names else ""
