"""Traffic of leases: counters of the kernel, by the end that packets came from, and how long an end is silent. Pure.

Silence is seen from one reading to the next, so it is known to within the owner's interval of renewal.
"""

from __future__ import annotations

from collections.abc import Mapping

from gatewayd.pinholes.leases import Held, SideName
from nft.kernel import Traffic as Counted
from nft.number import Number
from vdx.pinhole import Traffic, Usage

NOTHING = Counted(0, 0)


class Meter:
    """Remembers of each end its last count and when it changed."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[SideName, tuple[int, float]]] = {}

    def read(self, held: Held, counted: Mapping[Number, Counted], now: float) -> Usage:
        """Give the usage of a lease from the counters of its pinholes."""
        return Usage(held.lease, self._side(held, "a", counted, now), self._side(held, "b", counted, now))

    def forget(self, lease: str) -> None:
        """Drop what is remembered of a lease that has closed."""
        self._seen.pop(lease, None)

    def _side(self, held: Held, side: SideName, counted: Mapping[Number, Counted], now: float) -> Traffic:
        found = [counted.get(end.number, NOTHING) for end in held.ends(side)]
        total = sum(each.packets for each in found)
        rtcp = found[1].packets if len(found) > 1 else 0
        seen = self._seen.setdefault(held.lease, {})
        count, changed = seen.get(side, (0, now))
        if total != count:
            changed = now
        seen[side] = (total, changed)
        idle = round(now - changed, 1) if total else None
        return Traffic(found[0].packets, found[0].octets, rtcp, idle)
