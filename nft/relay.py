"""Bridges of the relay as operations on its sets. Pure; ``nft.kernel`` carries them out.

A bridge is one component (RTP or RTCP) of a stream: two pinholes that name each other. An end either trusts its SDP
(``remote`` alone may send), or learns (``sources`` says which addresses may become its source; the first packet of one
of them settles on address and port). Every function returns a batch: one transaction, effective on the next packet.

    open    both ends of all components at once
    rebind  a change of SDP: what changed is replaced, what an end had learned is forgotten, its counters go on
    settle  the kernel learned a source: make it the remote, under the timeout of the lease; what it was learned by
            goes afterwards, because a packet on its way through the rules asks several maps, not all at one moment
    renew   everything that expires starts anew; counters are on other elements and go on
    close   every element goes, with what was learned; a connection may say its last words
    forget  what a packet taught that was on its way through the rules while its pinhole closed
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TypeAlias

from msgspec import Struct

from nft.elements import Put, Remove
from nft.errors import ModelError, RelayError
from nft.number import ADDRESS_MASK, LOCAL, Number, number
from nft.schema import LEASE_SECONDS, MAX_LEASE_BYTES, MEDIA, IPAddress, Key, Shape

LINGER_SECONDS = 3.0
"""How long the ends of a closed connection still reach each other: until FIN is answered, and lost once (RFC 9293)."""

Remote: TypeAlias = tuple[IPAddress, int]


class Discard(Struct, frozen=True, gc=False):
    """Delete an element if it is there: packets or time may have taken it."""

    shape: Shape
    key: Key


class Refresh(Struct, frozen=True, gc=False):
    """Give an element without a value a new timeout in seconds, if it is still there."""

    shape: Shape
    key: Key
    timeout: float


class Forget(Struct, frozen=True, gc=False):
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
    mark: int = field(init=False, repr=False, compare=False)
    """The upper half of its pinholes' numbers."""

    def __post_init__(self) -> None:
        try:
            mark = number(self.zone, self.index, 1) & ADDRESS_MASK
        except ModelError as error:
            raise RelayError(f"media address {self.address}: {error}") from error
        object.__setattr__(self, "mark", mark)


@dataclass(frozen=True, slots=True)
class End:
    """One pinhole and its far side.

    ``remote`` is where packets are sent, None while unknown. ``sources`` are the addresses of which one may become the
    source, and then the destination; where it is empty, exactly ``remote`` may send. What arrives at a ``local`` end is
    delivered to a socket on this machine instead of being relayed. A ``tcp`` end is local: a connection that is opened
    towards ``remote``, or by one of ``sources`` from any port.
    """

    address: Address
    port: int
    remote: Remote | None = None
    sources: tuple[IPAddress, ...] = ()
    local: bool = False
    tcp: bool = False
    number: Number = field(init=False, repr=False, compare=False)
    """The pinhole's number."""

    def __post_init__(self) -> None:
        version = self.address.address.version
        if not 1 <= self.port <= 0xFFFF:
            raise RelayError(f"port {self.port} is not in 1..65535")
        if self.remote and self.remote[0].version != version:
            raise RelayError(f"{self.remote[0]} cannot be reached from {self.address.address}: another IP version")
        if self.remote and not 1 <= self.remote[1] <= 0xFFFF:
            raise RelayError(f"remote port {self.remote[1]} is not in 1..65535")
        for source in self.sources:
            if source.version != version:
                raise RelayError(f"{source} cannot send to {self.address.address}: another IP version")
        if len(self.sources) > 1 and len(set(self.sources)) < len(self.sources):
            raise RelayError(f"a source of port {self.port} is named twice")
        object.__setattr__(self, "number", Number(self.address.mark | self.port))

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
    return _ordered([put for bridge in bridges for ends in bridge.ends for put in _puts(bridge.lease, *ends, timeout)])


def rebind(
    old: Bridge, new: Bridge, timeout: float = LEASE_SECONDS, *, rearm: bool = False, learned: bool = False
) -> Batch:
    """Return the transaction that turns one bridge into another over the same two pinholes.

    An end that is equal in both keeps what it learned, and so does one whose remote was unknown while the same hosts
    could be its source. With ``rearm`` it learns anew (a fork's second answer).
    ``learned`` says that the ends that change have learned a source.
    """
    if (old.lease, old.a.place, old.b.place) != (new.lease, new.a.place, new.b.place):
        raise RelayError(f"lease {old.lease}: a bridge keeps its lease and its pinholes when its far sides change")
    steps: list[Step] = []
    for (was, was_other), (end, other) in zip(old.ends, new.ends, strict=True):
        if was == end and not rearm:
            continue
        named = was.remote is None and was.sources == end.sources and not rearm
        before, after = _puts(old.lease, was, was_other, timeout), _puts(new.lease, end, other, timeout)
        steps += [Remove(put.shape, put.key) for put in before if put.shape is not _WAIT and put not in after]
        if was.sources and not named and not was.tcp:
            steps.append(Forget(was.number, was.version, learned))
        steps += [put for put in after if put not in before or (put.shape is _WAIT and not named)]
    return _ordered(steps)


def settle(
    bridge: Bridge, settled: Number, remote: Remote, timeout: float = LEASE_SECONDS
) -> tuple[Bridge, Batch, Batch]:
    """Return the bridge with a learned source as the remote of that end, and the two transactions that make it so.

    The first adds, the second takes away what the first made idle: between them lies some time, so that a packet that
    began before the first finds its way to the end. Before the bridge changes or closes, the second must be done.
    """
    if settled not in (bridge.a.number, bridge.b.number):
        raise RelayError(f"lease {bridge.lease}: pinhole 0x{settled:08x} is none of its own")
    a, b = (replace(e, remote=remote, sources=()) if e.number == settled else e for e in (bridge.a, bridge.b))
    new = Bridge(bridge.lease, a, b)
    batch = rebind(bridge, new, timeout, learned=True)
    return new, tuple(s for s in batch if type(s) is Put), tuple(s for s in batch if type(s) is not Put)


def renew(bridges: Iterable[Bridge], timeout: float = LEASE_SECONDS) -> Batch:
    """Return the transaction that keeps bridges for ``timeout`` seconds more.

    A source that is learned but not settled is not renewed: settle it. Some hundred bridges at a time keep the
    transactions of others from waiting.
    """
    steps: list[Step] = []
    for bridge in bridges:
        for end, other in bridge.ends:
            if end.tcp:
                steps += [step for put in _peers(end, timeout) for step in (Remove(put.shape, put.key), put)]
            elif end.sources:
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
                Remove(put.shape, put.key) for put in _puts(bridge.lease, end, other, 0) if put.shape is not _WAIT
            ]
            if end.tcp:
                steps += _peers(end, LINGER_SECONDS)
            elif end.sources:
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
    address, port, remote, sources = end.address.address, end.port, end.remote, end.sources
    sets = _SETS[address.version]
    number, there = end.number, other.number
    own = (number,)
    if end.tcp:
        return _connection(lease, end, there, timeout)
    puts = [
        Put(sets["self"], end.place, number, None, comment(lease, there)),
        Put(sets["lport"], own, port),
    ]
    if end.local:
        puts.append(Put(sets["local"], (address, port)))
    if remote:
        host, service = ("eda", "edp") if sources else ("rda", "rdp")
        puts += (Put(sets[host], own, remote[0]), Put(sets[service], own, remote[1]))
    if sources:
        puts.append(Put(sets["peer"], own, LOCAL if end.local else there))
        puts += [Put(sets["from"], (number, source)) for source in sources]
        puts.append(Put(_WAIT, own, None, timeout))
    elif remote:
        puts.append(_admitted(end, other, remote, timeout))
    return puts


def _connection(lease: str, end: End, there: Number, timeout: float) -> list[Put]:
    """Return every element of one end of a connection; its remote stands there for the next owner."""
    sets, address = _SETS[end.version], end.address.address
    puts = [
        Put(sets["self"], end.place, end.number, None, comment(lease, there)),
        Put(sets["local"], (address, end.port)),
    ]
    if end.remote:
        puts += (Put(sets["rda"], (end.number,), end.remote[0]), Put(sets["rdp"], (end.number,), end.remote[1]))
    return puts + _peers(end, timeout)


def _peers(end: End, timeout: float) -> list[Put]:
    """Return what admits the other side of a connection: where it is opened to, or who may open it."""
    hosts = (end.remote[0],) if end.remote else end.sources
    return [Put(_SETS[end.version]["tcp"], (*end.place, host), None, timeout) for host in hosts]


def _admitted(end: End, other: End, remote: Remote, timeout: float) -> Put:
    target = LOCAL if end.local else other.number
    return Put(_SETS[end.version]["ok"], (*end.place, *remote), target, timeout)


_SETS = {version: {name.removesuffix(str(version)): shape for name, shape in MEDIA.items()} for version in (4, 6)}
"""The sets by their names without the IP version."""

_WAIT = MEDIA["wait"]
_set_name = attrgetter("shape.name")


def _ordered(steps: list[Step]) -> Batch:
    """Put deletions before additions, and what concerns one set side by side: fewer messages."""
    forgotten = [step for step in steps if type(step) is Forget]
    gone = [step for step in steps if type(step) is not Put and type(step) is not Forget]
    puts = [step for step in steps if type(step) is Put]
    gone.sort(key=_set_name)
    puts.sort(key=_set_name)
    return (*forgotten, *gone, *puts)


def numbers(bridges: Sequence[Bridge]) -> list[Number]:
    """Return the pinholes of bridges."""
    return [end.number for bridge in bridges for end in (bridge.a, bridge.b)]
