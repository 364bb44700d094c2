"""Which port a pinhole gets: random, RTP even and RTCP odd, rested for a minute. Pure: chance is handed in.

A media address holds pairs of ports (even and the odd above). A stream of RTP takes a pair; BFCP takes half of one and
leaves the other half to the next. What is given back waits in quarantine, so that late packets of one call never enter
the next. Where no address of the zone has a port that has rested so long, the one that has rested longest comes back
early: a caller who dials and cancels over and over would otherwise keep everybody out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from gatewayd.errors import RefusalError
from gatewayd.pinholes.bogons import Address

QUARANTINE_SECONDS = 60.0
"""How long a port rests: longer than any sender goes on after BYE."""

SHORTEST_REST_SECONDS = 5.0
"""How long it rests where ports are short: until three losses of a BYE are made good, the last after 3.5 s.

RFC 3261 section 17.1.2.2: it is sent again after 0.5, 1 and 2 more seconds.
"""

Pick = Callable[[int], int]
"""Give a random number below the argument; `secrets.randbelow`, because a guessable port invites injected media."""

Thing = TypeVar("Thing")


class _Bag(Generic[Thing]):
    """Things of which a random one can be taken, and each one removed, in constant time."""

    def __init__(self, things: Iterator[Thing]) -> None:
        self._things = list(things)
        self._index = {thing: index for index, thing in enumerate(self._things)}

    def __len__(self) -> int:
        return len(self._things)

    def __contains__(self, thing: object) -> bool:
        return thing in self._index

    def add(self, thing: Thing) -> None:
        self._index[thing] = len(self._things)
        self._things.append(thing)

    def remove(self, thing: Thing) -> None:
        index = self._index.pop(thing)
        last = self._things.pop()
        if last != thing:
            self._things[index] = last
            self._index[last] = index

    def take(self, pick: Pick) -> Thing:
        thing = self._things[pick(len(self._things))]
        self.remove(thing)
        return thing


class Ports:
    """The ports of one media address; `first` and `last` belong to the range."""

    def __init__(self, first: int, last: int, pick: Pick) -> None:
        self.first, self.last = first, last
        self._pick = pick
        even = first + first % 2
        self._pairs = _Bag(iter(range(even, last, 2)))
        self._halves = _Bag(port for port in (first, last) if not even <= port < even + 2 * len(self._pairs))
        self._resting: deque[tuple[float, int]] = deque()

    @property
    def free(self) -> int:
        """How many ports could be given out now."""
        return 2 * len(self._pairs) + len(self._halves)

    def pair(self, now: float, rest: float = QUARANTINE_SECONDS) -> int | None:
        """Take an even port and the odd one above it; None where no pair is left.

        If none has rested for the whole quarantine, the one that has rested longest, and at least `rest` seconds.
        """
        self._wake(now)
        while not self._pairs and self._rested(now) >= rest:
            self._wake_one()
        return self._pairs.take(self._pick) if self._pairs else None

    def single(self, now: float, rest: float = QUARANTINE_SECONDS) -> int | None:
        """Take one port; None where none is left. `rest` as for a pair."""
        self._wake(now)
        if not self.free and self._rested(now) >= rest:
            self._wake_one()
        if self._halves:
            return self._halves.take(self._pick)
        if not self._pairs:
            return None
        port = self._pairs.take(self._pick)
        self._halves.add(port + 1)
        return port

    def claim(self, port: int) -> None:
        """Take a given port, as found in the kernel after a restart."""
        even = port - port % 2
        if port in self._halves:
            self._halves.remove(port)
        elif even in self._pairs:
            self._pairs.remove(even)
            self._halves.add(even if port % 2 else even + 1)

    def give_back(self, port: int, now: float) -> None:
        """Let a port rest and then serve again."""
        self._resting.append((now, port))

    def put_back(self, port: int) -> None:
        """Return a port that nobody outside ever heard of."""
        if not self.first <= port <= self.last:
            return  # the site file has since given the address another range
        sibling = port ^ 1
        if sibling in self._halves:
            self._halves.remove(sibling)
            self._pairs.add(min(port, sibling))
        else:
            self._halves.add(port)

    def _wake(self, now: float) -> None:
        while self._rested(now) >= QUARANTINE_SECONDS:
            self._wake_one()

    def _rested(self, now: float) -> float:
        """Give how long the port has rested that has rested longest; below 0 where none rests."""
        return now - self._resting[0][0] if self._resting else -1.0

    def _wake_one(self) -> None:
        self.put_back(self._resting.popleft()[1])


class Allocator:
    """The ports of all media addresses of all zones."""

    def __init__(self, pick: Pick) -> None:
        self._pick = pick
        self._ports: dict[tuple[str, Address], Ports] = {}
        self._serving: dict[tuple[str, int], list[tuple[Address, Ports]]] = {}

    def serve(self, addresses: dict[tuple[str, Address], tuple[int, int]]) -> None:
        """Give out ports of these media addresses (zone, address -> range) from now on, and of no others.

        Those of an address that is left out stay known, so that its calls can end in order.
        """
        for key, (first, last) in addresses.items():
            held = self._ports.get(key)
            if held is None or (held.first, held.last) != (first, last):
                self._ports[key] = Ports(first, last, self._pick)
        self._serving = {}
        for zone, address in addresses:
            self._serving.setdefault((zone, address.version), []).append((address, self._ports[zone, address]))

    def take(self, zone: str, family: int, count: int, now: float) -> tuple[Address, tuple[int, ...]]:
        """Take one port or a pair on the zone's address with most free ports; raises `RefusalError`."""
        serving = self._serving.get((zone, family), [])
        if len(serving) > 1:
            serving = sorted(serving, key=_most_free)
        for rest in (QUARANTINE_SECONDS, SHORTEST_REST_SECONDS):
            for address, ports in serving:
                port = ports.pair(now, rest) if count == 2 else ports.single(now, rest)
                if port is not None:
                    return address, (port, port + 1) if count == 2 else (port,)
        raise RefusalError("ports", f"zone {zone!r} has no IPv{family} media port left: add a media address")

    def claim(self, zone: str, address: Address, port: int) -> None:
        """Mark a port as taken."""
        known = self._ports.get((zone, address))
        if known is not None:
            known.claim(port)

    def give_back(self, zone: str, address: Address, ports: tuple[int, ...], now: float) -> None:
        """Let ports rest and then serve again; those of an address that this site never had are nobody's."""
        known = self._ports.get((zone, address))
        if known is not None:
            for port in ports:
                known.give_back(port, now)

    def put_back(self, zone: str, address: Address, ports: tuple[int, ...]) -> None:
        """Return ports that nobody outside ever heard of."""
        known = self._ports[zone, address]
        for port in ports:
            known.put_back(port)


def _most_free(serving: tuple[Address, Ports]) -> int:
    return -serving[1].free
