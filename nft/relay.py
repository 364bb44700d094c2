"""Bridges of the relay as operations on its sets. Pure; ``nft.kernel`` carries them out.

A bridge is one component (RTP or RTCP) of a stream: two pinholes that name each other. An end either trusts its SDP
(``remote`` alone may send), or learns (``sources`` says which addresses may become its source; the first packet of one
of them settles on address and port). Every function returns a batch: one transaction, effective on the next packet.

    open    both ends of all components at once
    rebind  a change of SDP: what changed is replaced, what an end had learned is forgotten, its counters go on
    settle  the kernel learned a source: make it the remote, under the timeout of the lease
    renew   everything that expires starts anew; counters are on other elements and go on
    close   every element goes, with what was learned
    forget  what a packet taught that was on its way through the rules while its pinhole closed
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from nft.elements import Put, Remove
from nft.errors import RelayError
from nft.number import LOCAL, Number, number
from nft.schema import LEASE_SECONDS, MAX_LEASE_BYTES, MEDIA, IPAddress, Key, Shape, family

Remote: TypeAlias = tuple[IPAddress, int]


@dataclass(frozen=True, slots=True)
class Discard:
    """Delete an element if it is there: packets or time may have taken it."""

    shape: Shape
    key: Key


@dataclass(frozen=True, slots=True)
class Refresh:
    """Give an element without a value a new timeout in seconds, if it is still there."""

    shape: Shape
    key: Key
    timeout: float


@dataclass(frozen=True, slots=True)
class Forget:
    """Let a pinhole wait for no source any more, and delete what it has learned.

    A pinhole that still waits has learned nothing: only where it no longer does (``learned`` says that this is known),
    the kernel has to be asked what.
    """

    number: Number
    version: int
    learned: bool = False


Step: TypeAlias = Put | Remove | Discard | Refresh | Forget
Batch: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """One of our media addresses: its zone's index, its own index there, and the interface it is on."""

    zone: int
    index: int
    address: IPAddress
    interface: str


@dataclass(frozen=True, slots=True)
class End:
    """One pinhole and its far side.

    ``remote`` is where packets are sent, None while unknown. ``sources`` are the addresses of which one may become the
    source, and then the destination; where it is empty, exactly ``remote`` may send. What arrives at a ``local`` end is
    delivered to a socket on this machine instead of being relayed.
    """

    address: Address
    port: int
    remote: Remote | None = None
    sources: tuple[IPAddress, ...] = ()
    local: bool = False

    def __post_init__(self) -> None:
        version = self.address.address.version
        if self.remote and self.remote[0].version != version:
            raise RelayError(f"{self.remote[0]} cannot be reached from {self.address.address}: another IP version")
        if self.remote and not 1 <= self.remote[1] <= 0xFFFF:
            raise RelayError(f"remote port {self.remote[1]} is not in 1..65535")
        for source in self.sources:
            if source.version != version:
                raise RelayError(f"{source} cannot send to {self.address.address}: another IP version")

    @property
    def number(self) -> Number:
        """Return the pinhole's number."""
        return number(self.address.zone, self.address.index, self.port)

    @property
    def version(self) -> int:
        """Return the IP version of this end."""
        return self.address.address.version

    @property
    def place(self) -> Key:
        """Return interface, address and port: where its packets arrive."""
        return self.address.interface, self.address.address, self.port


@dataclass(frozen=True, slots=True)
class Bridge:
    """Two pinholes that name each other, and the lease they belong to (at most 64 bytes without a space)."""

    lease: str
    a: End
    b: End

    def __post_init__(self) -> None:
        if not 0 < len(self.lease.encode()) <= MAX_LEASE_BYTES or not self.lease.isprintable() or " " in self.lease:
            raise RelayError(f"{self.lease[:80]!r} cannot be used as a lease id")
        if self.a.number == self.b.number:
            raise RelayError(f"lease {self.lease}: both ends are pinhole 0x{self.a.number:08x}")
        if self.a.version != self.b.version and not (self.a.local and self.b.local):
            raise RelayError(f"lease {self.lease}: the kernel does not relay between IPv4 and IPv6")

    @property
    def ends(self) -> tuple[tuple[End, End], tuple[End, End]]:
        """Return each end with the one it is bridged to."""
        return (self.a, self.b), (self.b, self.a)


def open(bridges: Iterable[Bridge], timeout: float = LEASE_SECONDS) -> Batch:  # noqa: A001 - the verb of a pinhole
    """Return the transaction that opens bridges for ``timeout`` seconds."""
    return _ordered(put for bridge in bridges for ends in bridge.ends for put in _puts(bridge.lease, *ends, timeout))


def rebind(
    old: Bridge, new: Bridge, timeout: float = LEASE_SECONDS, *, rearm: bool = False, learned: bool = False
) -> Batch:
    """Return the transaction that turns one bridge into another over the same two pinholes.

    An end that is equal in both keeps what it learned. With ``rearm`` it learns anew (a fork's second answer).
    ``learned`` says that the ends that change have learned a source.
    """
    if (old.lease, old.a.place, old.b.place) != (new.lease, new.a.place, new.b.place):
        raise RelayError(f"lease {old.lease}: a bridge keeps its lease and its pinholes when its far sides change")
    steps: list[Step] = []
    for (was, was_other), (end, other) in zip(old.ends, new.ends, strict=True):
        before = {(put.shape.name, put.key): put for put in _puts(old.lease, was, was_other, timeout)}
        after = {(put.shape.name, put.key): put for put in _puts(new.lease, end, other, timeout)}
        learns = rearm or was != end
        for name, put in before.items():
            if put.shape is not MEDIA["wait"] and after.get(name) != put:
                steps.append(Remove(put.shape, put.key))
        if learns and was.sources:
            steps.append(Forget(was.number, was.version, learned))
        for name, put in after.items():
            if before.get(name) != put or (learns and put.shape is MEDIA["wait"]):
                steps.append(put)
    return _ordered(steps)


def settle(bridge: Bridge, settled: Number, remote: Remote, timeout: float = LEASE_SECONDS) -> tuple[Bridge, Batch]:
    """Return the bridge with a learned source as the remote of that end, and the transaction that makes it so."""
    if settled not in (bridge.a.number, bridge.b.number):
        raise RelayError(f"lease {bridge.lease}: pinhole 0x{settled:08x} is none of its own")
    a, b = (replace(e, remote=remote, sources=()) if e.number == settled else e for e in (bridge.a, bridge.b))
    new = Bridge(bridge.lease, a, b)
    return new, rebind(bridge, new, timeout, learned=True)


def renew(bridges: Iterable[Bridge], timeout: float = LEASE_SECONDS) -> Batch:
    """Return the transaction that keeps bridges for ``timeout`` seconds more.

    A source that is learned but not settled is not renewed: settle it. Some hundred bridges at a time keep the
    transactions of others from waiting.
    """
    steps: list[Step] = []
    for bridge in bridges:
        for end, other in bridge.ends:
            if end.sources:
                steps.append(Refresh(MEDIA["wait"], (end.number,), timeout))
            elif end.remote:
                put = _admitted(end, other, end.remote, timeout)
                steps += [Remove(put.shape, put.key), put]  # a kernel of 6.1 keeps the old timeout on adding alone
    return _ordered(steps)


def close(bridges: Iterable[Bridge]) -> Batch:
    """Return the transaction that closes bridges and forgets what they had learned."""
    steps: list[Step] = []
    for bridge in bridges:
        for end, other in bridge.ends:
            steps += [
                Remove(put.shape, put.key)
                for put in _puts(bridge.lease, end, other, 0)
                if put.shape is not MEDIA["wait"]
            ]
            if end.sources:
                steps.append(Forget(end.number, end.version))
    return _ordered(steps)


def forget(closed: Number, version: int) -> Batch:
    """Return the transaction that forgets what a pinhole has learned that is not open any more."""
    return (Forget(closed, version, learned=True),)


def comment(lease: str, other: Number) -> str:
    """Return what an element of ``self`` carries for the next owner: the lease and the pinhole at the other end."""
    return f"{lease} {other:08x}"


def read_comment(text: str) -> tuple[str, Number] | None:
    """Read the lease and the other pinhole back; None where it is not ours."""
    lease, _, other = text.partition(" ")
    try:
        return (lease, Number(int(other, 16))) if lease else None
    except ValueError:
        return None


def _puts(lease: str, end: End, other: End, timeout: float) -> list[Put]:
    """Return every element of one end. The number comes first in thought: all others hang on it."""
    own, target = end.number, LOCAL if end.local else other.number
    v = end.address.address
    puts = [
        Put(family("self", v), end.place, own, comment=comment(lease, other.number)),
        Put(MEDIA["peer"], (own,), target),
        Put(MEDIA["lport"], (own,), end.port),
    ]
    if end.local:
        puts.append(Put(family("local", v), (v, end.port)))
    if end.remote:
        kind = "e" if end.sources else "r"
        puts += [Put(family(f"{kind}da", v), (own,), end.remote[0]), Put(MEDIA[f"{kind}dp"], (own,), end.remote[1])]
    if end.sources:
        puts += [Put(family("from", v), (own, source)) for source in dict.fromkeys(end.sources)]
        puts.append(Put(MEDIA["wait"], (own,), timeout=timeout))
    elif end.remote:
        puts.append(_admitted(end, other, end.remote, timeout))
    return puts


def _admitted(end: End, other: End, remote: Remote, timeout: float) -> Put:
    shape = family("ok", end.address.address)
    return Put(shape, (*end.place, *remote), LOCAL if end.local else other.number, timeout=timeout)


_ORDER = {name: index for index, name in enumerate(MEDIA)}


def _ordered(steps: Iterable[Step]) -> Batch:
    """Put deletions before additions, and what concerns one set side by side: fewer messages."""

    def place(step: Step) -> tuple[bool, int]:
        return isinstance(step, Put), -1 if isinstance(step, Forget) else _ORDER[step.shape.name]

    return tuple(sorted(steps, key=place))


def numbers(bridges: Sequence[Bridge]) -> list[Number]:
    """Return the pinholes of bridges."""
    return [end.number for bridge in bridges for end in (bridge.a, bridge.b)]
