"""The registry of open leases. Pure: time is handed in, nothing is sent.

A lease is open from `add` to `remove`. It has a moment at which it ends by itself; `renew` moves that moment, and an
owner that states what it holds (`hold`) brings the end of what it did not name nearer. A count is the size of a set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from gatewayd.pinholes.bogons import Address
from nft.number import Number
from nft.relay import Bridge, End, numbers
from vdx.ids import ADOPTION_SECONDS, LeaseId, call_of

Kind: TypeAlias = Literal["rtp", "bfcp", "tcp"]
SideName: TypeAlias = Literal["a", "b"]

SIDES: Final[tuple[SideName, SideName]] = ("a", "b")


@dataclass(frozen=True, slots=True)
class Held:
    """One open lease: one bridge (BFCP, a connection, RTP with RTCP) or two (RTP, RTCP). Zones and peers: a, b."""

    lease: str
    owner: str
    kind: Kind
    zones: tuple[str, str]
    peers: tuple[str, str]
    bridges: tuple[Bridge, ...]

    @property
    def call(self) -> str:
        """The call this lease belongs to."""
        return call_of(LeaseId(self.lease))

    @property
    def in_user_space(self) -> bool:
        """Whether `mediad` relays it."""
        return self.bridges[0].a.local

    @property
    def numbers(self) -> list[Number]:
        """Its pinholes."""
        return numbers(self.bridges)

    def ends(self, side: SideName) -> tuple[End, ...]:
        """Give the pinholes of one side."""
        return tuple([bridge.a if side == "a" else bridge.b for bridge in self.bridges])

    def ports(self, side: SideName) -> tuple[int, ...]:
        """Give the ports of one side."""
        return tuple([end.port for end in self.ends(side)])

    def address(self, side: SideName) -> Address:
        """Give the media address of one side."""
        bridge = self.bridges[0]
        return (bridge.a if side == "a" else bridge.b).address.address

    def with_bridge(self, index: int, bridge: Bridge) -> Held:
        """Give the lease with one of its bridges replaced."""
        bridges = list(self.bridges)
        bridges[index] = bridge
        return replace(self, bridges=tuple(bridges))


@dataclass(frozen=True, slots=True)
class Spot:
    """A pinhole within its lease."""

    lease: str
    bridge: int
    side: SideName


class Leases:
    """All open leases of one appliance."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._ends: dict[str, float] = {}
        self._calls: dict[str, tuple[str, ...]] = {}
        self._at: dict[int, str] = {}  # the lease of a pinhole of RTP; that of RTCP is the next one

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(tuple(self._held.values()))

    def __contains__(self, lease: object) -> bool:
        return lease in self._held

    def get(self, lease: str) -> Held | None:
        """Give an open lease."""
        return self._held.get(lease)

    def at(self, number: Number) -> Spot | None:
        """Give the place of a pinhole."""
        for first in (int(number), number - 1):
            held = self._held.get(self._at.get(first, ""))
            for index, bridge in enumerate(held.bridges if held is not None else ()):
                if held is not None and number in {bridge.a.number, bridge.b.number}:
                    return Spot(held.lease, index, "a" if number == bridge.a.number else "b")
        return None

    def ends_at(self, lease: str) -> float:
        """Give the moment at which a lease ends unless it is renewed."""
        return self._ends[lease]

    @property
    def calls(self) -> int:
        """How many calls have an open lease."""
        return len(self._calls)

    def streams(self, call: str) -> int:
        """How many leases of a call are open."""
        return len(self._calls.get(call, ()))

    def add(self, held: Held, until: float) -> None:
        """Enter a lease that was just opened, or found in the kernel."""
        self._held[held.lease] = held
        self._ends[held.lease] = until
        self._calls[held.call] = (*self._calls.get(held.call, ()), held.lease)
        for number in numbers(held.bridges[:1]):
            self._at[number] = held.lease

    def replace(self, held: Held) -> None:
        """Enter new far sides of a lease; its pinholes stay the same."""
        self._held[held.lease] = held

    def narrow(self, held: Held) -> None:
        """Enter a lease that keeps only its first bridge."""
        self._held[held.lease] = replace(held, bridges=held.bridges[:1])

    def remove(self, lease: str) -> Held | None:
        """Strike a lease off; None where it is not open."""
        held = self._held.pop(lease, None)
        if held is None:
            return None
        del self._ends[lease]
        left = tuple([other for other in self._calls.pop(held.call) if other != lease])
        if left:
            self._calls[held.call] = left
        for number in numbers(held.bridges[:1]):
            del self._at[number]
        return held

    def renew(self, lease: str, until: float) -> None:
        """Move the end of an open lease."""
        self._ends[lease] = until

    def of(self, owner: str, leases: Iterable[str]) -> list[Held]:
        """Give those of `leases` that are open and belong to an owner, each once."""
        found = (self._held.get(lease) for lease in dict.fromkeys(leases))
        return [held for held in found if held is not None and held.owner == owner]

    def hold(self, owner: str, leases: Iterable[str], now: float) -> list[Held]:
        """Take in what an owner says it holds; what it does not name ends soon. Gives what it holds."""
        mine = self.of(owner, leases)
        named = {held.lease for held in mine}
        for held in self._held.values():
            if held.owner == owner and held.lease not in named:
                self._ends[held.lease] = min(self._ends[held.lease], now + ADOPTION_SECONDS)
        return mine

    def ended(self, now: float) -> list[Held]:
        """Give the leases whose time is over."""
        return [self._held[lease] for lease, end in self._ends.items() if end <= now]
