"""Requests for pinholes carried out: policy, ports, kernel, registry, in that order; one transaction each.

Nothing waits here: a transaction takes the kernel some tens of microseconds and is over when the call returns. Whatever
refuses, the kernel has its say before the registry learns of anything, so what failed leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from gatewayd.errors import RefusalError
from gatewayd.pinholes import answers, bridges, label
from gatewayd.pinholes.allocate import Allocator, Pick
from gatewayd.pinholes.bridges import COMPONENTS
from gatewayd.pinholes.label import Label
from gatewayd.pinholes.layout import Key, MediaPlace
from gatewayd.pinholes.leases import SIDES, Held, Kind, Leases
from gatewayd.pinholes.policy import FarEnd, Policy
from gatewayd.pinholes.traffic import Meter
from nft import relay
from nft.adoption import Adopted
from nft.errors import NftError
from nft.kernel import Traffic as Counted
from nft.number import Number
from nft.relay import Batch, Bridge
from vdx.ids import ADOPTION_SECONDS, LEASE_SECONDS
from vdx.pinhole import Change, End, Learned, Lease, Opened, OpenLease, Remote, SetRemote, Stream, Usage

RTCP = "rtcp"
"""The name of the pipe that closes where RTCP comes with RTP."""

SETTLE_SECONDS = 0.5
"""A packet is through the rules by then, however long its processor was taken away meanwhile."""


class RelayKernel(Protocol):
    """What the desk needs of `nft.kernel.Kernel`."""

    def commit(self, *batches: Batch) -> None:
        """Carry out batches, each in a transaction of its own."""

    def close_bridges(self, bridges: Sequence[Bridge]) -> dict[Number, Counted]:
        """Close bridges; return what arrived at each pinhole until then."""

    def traffic(self, bridges: Sequence[Bridge]) -> dict[Number, Counted]:
        """Return what arrived at each pinhole."""

    def learned(self, ends: Sequence[relay.End]) -> dict[Number, relay.Remote]:
        """Return the sources that ends have learned and that are not settled yet."""

    def adopt(self) -> list[Adopted]:
        """Return every bridge that the kernel holds."""


class UserSpace(Protocol):
    """What the desk needs of `mediad`'s client: streams that the kernel cannot relay."""

    def serve(self, held: Held) -> None:
        """Bind the sockets of a lease and hand them over; raises `RefusalError`."""

    def retarget(self, held: Held) -> None:
        """Tell new remotes."""

    def stop(self, leases: Iterable[str], pipe: str | None = None) -> None:
        """Close the sockets of leases, or of one of their pipes."""


class Idle(NamedTuple):
    """What a settled pinhole has no more use for, and when no packet is on its way by it any more."""

    since: float
    batch: Batch


class Taught(NamedTuple):
    """An event for the owner of a lease."""

    owner: str
    event: Learned


class Desk:
    """The pinholes of one appliance. `lease_seconds` is what the kernel is told and what renewals are worth."""

    def __init__(
        self, kernel: RelayKernel, user_space: UserSpace, pick: Pick, lease_seconds: float = LEASE_SECONDS
    ) -> None:
        self.leases = Leases()
        self._kernel = kernel
        self._user_space = user_space
        self._ports = Allocator(pick)
        self._seconds = lease_seconds
        self._meter = Meter()
        self._idle: dict[Number, Idle] = {}
        self._policy: Policy | None = None
        self._places: dict[Key, MediaPlace] = {}

    # -- the site -------------------------------------------------------------------------------------------------

    @property
    def indices(self) -> dict[Key, int]:
        """The indices of media addresses that are in use or were given out."""
        return {key: place.at.index for key, place in self._places.items()}

    def follow(self, policy: Policy, places: dict[Key, MediaPlace]) -> None:
        """Act by a new site version from now on."""
        self._policy, self._places = policy, places
        self._ports.serve({key: place.ports for key, place in places.items()})
        for held in self.leases:
            self._claim(held)

    def forbidden(self) -> list[tuple[Held, str]]:
        """Give the leases that the site version does not allow, each with the reason."""
        return [(held, reason) for held in self.leases if (reason := self._forbidden(held))]

    def adopt(self, found: Iterable[Adopted], now: float) -> list[tuple[Held, bool]]:
        """Take over what the kernel holds; gives each lease and whether its time is over already."""
        policy = self._must()
        labelled: dict[str, list[tuple[Label, Adopted]]] = {}
        for adopted in found:
            told = label.read(adopted.bridge.lease, policy.peers())
            if told is not None:
                labelled.setdefault(told.lease, []).append((told, adopted))
        taken: list[tuple[Held, bool]] = []
        for entries in labelled.values():
            held = bridges.adopted(entries, self._places)
            self.leases.add(held, now + min(ADOPTION_SECONDS, self._seconds))
            self._claim(held)
            over = all(adopted.expires == 0.0 for _, adopted in entries)
            taken.append((held, over))
            for _, adopted in entries:
                for number, remote in adopted.learned.items():
                    self.latched(number, remote, now)
        return taken

    def reopen(self) -> None:
        """Put every open lease into a kernel that lost them all; raises `RefusalError`."""
        self._commit(relay.open([bridge for held in self.leases for bridge in held.bridges], self._seconds))

    # -- requests -------------------------------------------------------------------------------------------------

    def open(self, owner: str, request: Lease, now: float) -> tuple[Opened, ...]:
        """Open the streams of one SDP; raises `RefusalError`."""
        self._check_limits(request)
        taken: list[Held] = []
        try:
            for stream in request.streams:
                taken.append(self._take(owner, stream, now))  # noqa: PERF401 - what was taken is put back on a refusal
            for held in taken:
                if held.in_user_space:
                    self._user_space.serve(held)
            self._commit(relay.open([bridge for held in taken for bridge in held.bridges], self._seconds))
        except RefusalError:
            self._user_space.stop(held.lease for held in taken if held.in_user_space)
            for held in taken:
                self._put_back(held)
            raise
        for held in taken:
            self.leases.add(held, now + self._seconds)
        return tuple(answers.opened(held, self._places) for held in taken)

    def change(self, owner: str, request: SetRemote, now: float) -> None:
        """Follow new SDP; raises `RefusalError`."""
        policy = self._must()
        new: dict[str, Held] = {}
        for change in request.changes:
            held = new.get(change.lease) or self._owned(owner, change.lease)
            peer = held.peers[0 if change.side == "a" else 1]
            far = _far(policy, held.kind, peer, held.address(change.side).version, change)
            new[change.lease] = bridges.with_far(held, change.side, far)
        steps: list[relay.Step] = []
        for lease, held in new.items():
            before = self._owned(owner, lease)
            self._clear(before.numbers)
            left = max(1.0, self.leases.ends_at(lease) - now)
            for old, bridge in zip(before.bridges, held.bridges, strict=True):
                steps.extend(relay.rebind(old, bridge, left))
        self._commit(tuple(steps))
        for held in new.values():
            self.leases.replace(held)
            if held.in_user_space:
                self._user_space.retarget(held)

    def renew(self, owner: str, leases: Sequence[str], now: float) -> tuple[list[Usage], list[str], list[Taught]]:
        """Keep leases open; gives their traffic, those that are gone, and sources whose event got lost.

        Ask for some hundred at a time: the transaction of a slice is as long as others wait.
        """
        mine = self.leases.of(owner, leases)
        taught = self._missed(mine, now)
        mine = self.leases.of(owner, leases)
        self._commit(relay.renew([bridge for held in mine for bridge in held.bridges], self._seconds))
        for held in mine:
            self.leases.renew(held.lease, now + self._seconds)
        known = {held.lease for held in mine}
        return self.usage(mine, now), [lease for lease in leases if lease not in known], taught

    def release(self, owner: str, leases: Iterable[str], now: float) -> list[Usage]:
        """Close leases of an owner; gives their traffic up to now. Those that are gone are no error."""
        return self.close(self.leases.of(owner, leases), now)

    def close(self, leases: Sequence[Held], now: float) -> list[Usage]:
        """Close leases for whatever cause; gives their traffic. Raises `RefusalError` if the kernel does not close."""
        if not leases:
            return []
        self._clear([number for held in leases for number in held.numbers])
        try:
            counted = self._kernel.close_bridges([bridge for held in leases for bridge in held.bridges])
        except NftError as error:
            raise RefusalError("kernel", str(error)) from error
        usage = [self._meter.read(held, counted, now) for held in leases if held.bridges[0].a.number in counted]
        self._user_space.stop(held.lease for held in leases if held.in_user_space)
        for held in leases:
            self.leases.remove(held.lease)
            self._meter.forget(held.lease)
            for zone, side in zip(held.zones, SIDES, strict=True):
                self._ports.give_back(zone, held.address(side), held.ports(side), now)
        return usage

    def narrow(self, owner: str, leases: Iterable[str], now: float) -> None:
        """Close the RTCP pinholes of leases; raises `RefusalError` if the kernel does not."""
        wide = [held for held in self.leases.of(owner, leases) if held.kind == "rtp" and len(held.bridges) > 1]
        if not wide:
            return
        gone = [held.bridges[1] for held in wide]
        self._clear(relay.numbers(gone))
        self._commit(relay.close(gone))
        self._user_space.stop([held.lease for held in wide if held.in_user_space], RTCP)
        for held in wide:
            self.leases.narrow(held)
            for zone, side in zip(held.zones, SIDES, strict=True):
                self._ports.give_back(zone, held.address(side), held.ports(side)[1:], now)

    def hold(self, owner: str, leases: Sequence[str], now: float) -> tuple[str, ...]:
        """Take in what an owner holds after it connected; gives what of it is open."""
        return tuple(held.lease for held in self.leases.hold(owner, leases, now))

    def latched(self, number: Number, remote: relay.Remote, now: float) -> Taught | None:
        """Make a source that the kernel learned the remote of its pinhole; gives the event for the owner."""
        spot = self.leases.at(number)
        held = self.leases.get(spot.lease) if spot else None
        if spot is None or held is None:
            self._commit(relay.forget(number, remote[0].version))  # it closed while a first packet was on its way
            return None
        bridge = held.bridges[spot.bridge]
        end = bridge.a if spot.side == "a" else bridge.b
        if not end.sources:
            return None  # settled already: two first packets on two processors, or an event told twice
        if remote[0] not in end.sources:
            return None  # learned before SDP changed, and forgotten since
        left = max(1.0, self.leases.ends_at(held.lease) - now)
        settled, batch, idle = relay.settle(bridge, number, remote, left)
        self._commit(batch)
        self._idle[number] = Idle(now, idle)
        self.leases.replace(held.with_bridge(spot.bridge, settled))
        if spot.bridge:
            return None  # owners are told of the source of RTP, not of RTCP
        place = Remote(str(remote[0]), remote[1])
        return Taught(held.owner, Learned(held.lease, spot.side, place))

    def tidy(self, now: float) -> None:
        """Take away what settled pinholes have no more use for; raises `RefusalError`."""
        self._clear([number for number, idle in self._idle.items() if idle.since <= now - SETTLE_SECONDS])

    def usage(self, leases: Sequence[Held], now: float) -> list[Usage]:
        """Give the traffic of leases."""
        counted = self._kernel.traffic([bridge for held in leases for bridge in held.bridges])
        return [self._meter.read(held, counted, now) for held in leases]

    def listed(self, leases: Sequence[Held], now: float) -> list[OpenLease]:
        """Give leases as they are listed, with their traffic."""
        found = zip(leases, self.usage(leases, now), strict=True)
        return [answers.listed(held, usage, self.leases.ends_at(held.lease) - now) for held, usage in found]

    # -- within ---------------------------------------------------------------------------------------------------

    def _must(self) -> Policy:
        if self._policy is None:
            raise RefusalError("policy", "no site version is active yet")
        return self._policy

    def _commit(self, *batches: Batch) -> None:
        try:
            self._kernel.commit(*batches)
        except NftError as error:
            raise RefusalError("kernel", str(error)) from error

    def _clear(self, numbers: Iterable[Number]) -> None:
        idle = [number for number in numbers if number in self._idle]
        if idle:
            self._commit(tuple([step for number in idle for step in self._idle[number].batch]))
        for number in idle:
            del self._idle[number]

    def _owned(self, owner: str, lease: str) -> Held:
        held = self.leases.get(lease)
        if held is None or held.owner != owner:
            raise RefusalError("unknown", f"lease {lease} is not open")
        return held

    def _check_limits(self, request: Lease) -> None:
        limits = self._must().limits
        for stream in request.streams:
            if stream.lease.rpartition(".")[0] != request.call:
                raise RefusalError("invalid", f"lease {stream.lease} does not belong to call {request.call}")
            if stream.lease in self.leases:
                raise RefusalError("invalid", f"lease {stream.lease} is open already")
        if len({stream.lease for stream in request.streams}) < len(request.streams):
            raise RefusalError("invalid", "a lease stands twice in one request")
        held = self.leases.streams(request.call)
        if held + len(request.streams) > limits.streams_per_call:
            text = f"call {request.call} would have more than {limits.streams_per_call} streams"
            raise RefusalError("limit", text)
        if not held and self.leases.calls >= limits.calls:
            raise RefusalError("limit", f"the appliance carries its {limits.calls} calls already")

    def _take(self, owner: str, stream: Stream, now: float) -> Held:
        """Check a stream and give it its pinholes, in memory only."""
        policy = self._must()
        for end in (stream.a, stream.b):
            policy.end(end.zone, end.peer, end.family)
        far_a, far_b = (_far(policy, stream.kind, end.peer, end.family, end) for end in (stream.a, stream.b))
        count = len(COMPONENTS[stream.kind])
        a = self._allot(stream.a, count, now)
        try:
            b = self._allot(stream.b, count, now)
        except RefusalError:
            self._ports.put_back(stream.a.zone, a[0].at.address, a[1])
            raise
        return bridges.build(owner, stream, a, b, (far_a, far_b))

    def _allot(self, end: End, count: int, now: float) -> tuple[MediaPlace, tuple[int, ...]]:
        address, ports = self._ports.take(end.zone, end.family, count, now)
        return self._places[end.zone, address], ports

    def _put_back(self, held: Held) -> None:
        for zone, side in zip(held.zones, SIDES, strict=True):
            self._ports.put_back(zone, held.address(side), held.ports(side))

    def _claim(self, held: Held) -> None:
        for zone, side in zip(held.zones, SIDES, strict=True):
            for port in held.ports(side):
                self._ports.claim(zone, held.address(side), port)

    def _forbidden(self, held: Held) -> str:
        """Give the reason why a site version does not allow an open lease."""
        policy = self._must()
        for side, zone, peer in zip(SIDES, held.zones, held.peers, strict=True):
            place = self._places.get((zone, held.address(side)))
            if place is None or not place.holds(held.ends(side)[0].address):
                return f"{held.address(side)} is no media address of zone {zone!r} any more"
            first, last = place.ports
            if not all(first <= port <= last for port in held.ports(side)):
                return f"the media ports of zone {zone!r} have changed"
            try:
                policy.end(zone, peer, held.address(side).version)
            except RefusalError as refusal:
                return str(refusal)
            for end in held.ends(side):
                if end.remote and not policy.allows(peer, end.remote):
                    return f"media of peer {peer!r} may no longer go to {end.remote[0]}"
        return ""

    def _missed(self, leases: Sequence[Held], now: float) -> list[Taught]:
        """Find sources that the kernel learned and whose event got lost."""
        ends = (end for held in leases for bridge in held.bridges for end in (bridge.a, bridge.b))
        waiting = [end for end in ends if end.sources and not end.tcp]
        if not waiting:
            return []
        taught = (self.latched(number, remote, now) for number, remote in self._kernel.learned(waiting).items())
        return [each for each in taught if each]


def _far(policy: Policy, kind: Kind, peer: str, family: int, said: End | Change) -> FarEnd:
    """Check the far side that an owner names for one end of a stream; raises `RefusalError`."""
    if kind == "tcp":
        return policy.connection(peer, family, said.remote, said.signalled_from, connects=said.connects)
    return policy.far(peer, family, said.remote, said.rtcp, said.signalled_from)
