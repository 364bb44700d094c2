"""The pinhole socket: owners connect, are known by their user, ask, and hear of what happened to their leases.

A renewal of many leases is done in slices between which other requests get their turn: one that opens a stream waits
for one slice at most, whoever renews.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from gatewayd.bans import Bans
from gatewayd.errors import RefusalError
from gatewayd.pinholes.desk import Desk, Taught
from gatewayd.pinholes.door import Door, attend
from gatewayd.pinholes.leases import Held
from nft.errors import NftError
from nft.nflog import LatchReader
from vdx import pinhole, wire
from vdx.pinhole import (
    Ban,
    Done,
    Event,
    Hold,
    Lease,
    Leased,
    List,
    Listed,
    Narrow,
    OpenLease,
    Refused,
    Release,
    Released,
    Renew,
    Renewed,
    Reply,
    Request,
    Revoked,
    SetRemote,
    Usage,
)

SLICE = 1
"""Leases renewed or listed at once: about a fifth of a millisecond, which is what a new stream may have to wait."""

CALL_SLICE = 16
"""Leases closed at once: the streams of a call end in one transaction."""

SWEEP_SECONDS = 1.0
"""How often leases whose time is over are looked for; the kernel has closed them by itself to the millisecond."""

MAX_CONNECTIONS = 16
"""Connections of all owners: each program needs one, and one more while it restarts."""

log = logging.getLogger(__name__)


class PinholeService:
    """Serves the desk to owners; `owners` names the users that may ask, `clock` is monotonic seconds."""

    def __init__(self, desk: Desk, bans: Bans, owners: Mapping[int, str], clock: Callable[[], float]) -> None:
        self._desk = desk
        self._bans = bans
        self._owners = owners
        self._clock = clock
        self._connections: dict[Door, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> list[str]:
        """The owners that are connected."""
        return sorted(set(self._connections.values()))

    async def serve(self, listener: socket.socket) -> asyncio.Server:
        """Serve owners at a socket that was taken before."""
        return await attend(listener, self)

    def watch(self, reader: LatchReader) -> None:
        """Follow what pinholes learn from now on."""
        asyncio.get_running_loop().add_reader(reader.fileno(), partial(self._latched, reader))

    async def sweep(self) -> None:
        """Close leases whose time is over and take away what is idle, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                self._desk.tidy(self._clock())
            except RefusalError as refusal:
                log.warning("lease.untidy: %s", refusal)  # the next sweep tries again
            over = self._desk.leases.ended(self._clock())
            for start in range(0, len(over), CALL_SLICE):
                self.revoke(over[start : start + CALL_SLICE], "nobody renewed it")
                await asyncio.sleep(0)

    def revoke(self, leases: list[Held], reason: str) -> None:
        """Close leases and tell their owners why."""
        now = self._clock()
        leases = [held for held in leases if held.lease in self._desk.leases]
        try:
            usage = self._desk.close(leases, now)
        except RefusalError as refusal:
            log.warning("lease.stuck leases=%d: %s", len(leases), refusal)
            return
        owners: dict[str, list[str]] = {}
        for held in leases:
            owners.setdefault(held.owner, []).append(held.lease)
        for owner, mine in owners.items():
            log.info("lease.revoked owner=%s leases=%d reason=%r", owner, len(mine), reason)
            carried = tuple([each for each in usage if each.lease in mine])
            self._tell(owner, Revoked(tuple(mine), reason, carried))

    async def listed(self) -> tuple[OpenLease, ...]:
        """Give every open lease with its traffic."""
        found: list[OpenLease] = []
        leases = list(self._desk.leases)
        for start in range(0, len(leases), SLICE):
            part = [held for held in leases[start : start + SLICE] if held.lease in self._desk.leases]
            found += self._desk.listed(part, self._clock())
            await asyncio.sleep(0)
        return tuple(found)

    def opened(self, door: Door) -> bool:
        """Let an owner in."""
        owner = self._owners.get(door.user)
        if owner is None:
            log.warning("owner.refused user=%d", door.user)
            door.send(Refused(0, "policy", f"user {door.user} owns no pinholes on this appliance"))
            return False
        if len(self._connections) >= MAX_CONNECTIONS:
            door.send(Refused(0, "limit", f"{MAX_CONNECTIONS} connections are open already"))
            return False
        self._connections[door] = owner
        log.info("owner.connected owner=%s", owner)
        return True

    def unusable(self, door: Door, error: wire.WireError) -> None:
        """Say what is wrong with a message."""
        log.warning("owner.unusable owner=%s: %s", self._connections[door], error)
        door.send(Refused(0, "invalid", str(error)))

    def closed(self, door: Door) -> None:
        """Forget a connection; its owner's leases live on until they expire or it comes back."""
        log.info("owner.lost owner=%s", self._connections.pop(door))

    def asked(self, door: Door, request: Request) -> None:
        """Answer at once, or in a task of its own what takes many slices."""
        owner = self._connections[door]
        if isinstance(request, Renew | Hold | List) or (
            isinstance(request, Release) and len(request.leases) > CALL_SLICE
        ):
            task = asyncio.ensure_future(self._long(door, owner, request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        try:
            reply = self._answer(owner, request)
            if request.id or not isinstance(request, Release | Narrow):
                door.send(reply)
        except RefusalError as refusal:
            log.info("request.refused owner=%s code=%s: %s", owner, refusal.code, refusal)
            door.send(Refused(request.id, refusal.code, str(refusal)))
        except NftError as error:
            log.warning("request.failed owner=%s: %s", owner, error)
            door.send(Refused(request.id, "kernel", str(error)))

    def _answer(self, owner: str, request: Lease | SetRemote | Narrow | Release | Ban) -> Reply:
        now = self._clock()
        if isinstance(request, Lease):
            return Leased(request.id, self._desk.open(owner, request, now))
        if isinstance(request, SetRemote):
            self._desk.change(owner, request, now)
        elif isinstance(request, Narrow):
            self._desk.narrow(owner, request.leases, now)
        elif isinstance(request, Release):
            return Released(request.id, tuple(self._desk.release(owner, request.leases, now)))
        else:
            self._bans.ban(request.address, request.seconds, f"{owner}: {request.reason}")
        return Done(request.id)

    async def _long(self, door: Door, owner: str, request: Renew | Release | Hold | List) -> None:
        try:
            door.send(await self._sliced(owner, request))
        except RefusalError as refusal:
            door.send(Refused(request.id, refusal.code, str(refusal)))
        except NftError as error:
            door.send(Refused(request.id, "kernel", str(error)))

    async def _sliced(self, owner: str, request: Renew | Release | Hold | List) -> Reply:
        if isinstance(request, List):
            return Listed(request.id, await self.listed())
        if isinstance(request, Renew):
            return Renewed(request.id, *await self._renew(owner, request.leases))
        if isinstance(request, Hold):
            mine = self._desk.hold(owner, request.leases, self._clock())
            await self._renew(owner, mine)  # the time they had left may be short: their owner was away
            log.info("owner.holds owner=%s leases=%d", owner, len(mine))
            return pinhole.Held(request.id, tuple(lease for lease in mine if lease in self._desk.leases))
        usage: list[Usage] = []
        for part in _slices(request.leases, CALL_SLICE):
            usage += self._desk.release(owner, part, self._clock())
            await asyncio.sleep(0)
        return Released(request.id, tuple(usage))

    async def _renew(self, owner: str, leases: tuple[str, ...]) -> tuple[tuple[Usage, ...], tuple[str, ...]]:
        usage: list[Usage] = []
        gone: list[str] = []
        for part in _slices(leases, SLICE):
            used, lost, taught = self._desk.renew(owner, part, self._clock())
            usage += used
            gone += lost
            self._teach(taught)
            await asyncio.sleep(0)
        return tuple(usage), tuple(gone)

    def _latched(self, reader: LatchReader) -> None:
        for latched in reader.read():
            try:
                taught = self._desk.latched(latched.number, (latched.address, latched.port), self._clock())
            except (RefusalError, NftError) as error:
                log.warning("lease.unsettled: %s", error)  # the next renewal tries again
                continue
            self._teach([taught] if taught else [])

    def _teach(self, taught: Iterable[Taught]) -> None:
        for owner, event in taught:
            log.info("lease.learned lease=%s side=%s", event.lease, event.side)
            self._tell(owner, event)

    def _tell(self, owner: str, event: Event) -> None:
        for door, name in self._connections.items():
            if name == owner:
                door.send(event)


def _slices(leases: tuple[str, ...], size: int) -> Iterable[tuple[str, ...]]:
    return (leases[start : start + size] for start in range(0, len(leases), size))
