"""Traffic of leases: counters of the kernel, by the end that packets came from, and how long an end is silent. Pure.

Silence is seen from one reading to the next, so it is known to within the owner's interval of renewal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gatewayd.pinholes.leases import SIDES, Held
from nft.kernel import Traffic as Counted
from nft.number import Number
from vdx.pinhole import Traffic, Usage

NOTHING = Counted(0, 0)


class Seen(NamedTuple):
    """What was last read of an end that something came to: how many packets, and when there were more than before."""

    packets: int
    changed: float


_SILENT = Seen(0, 0.0)


class Meter:
    """Remembers both ends of each lease that was heard."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Seen, Seen]] = {}

    def read(self, held: Held, counted: Mapping[Number, Counted], now: float) -> Usage:
        """Give the usage of a lease from the counters of its pinholes."""
        ends = [[counted.get(end.number, NOTHING) for end in held.ends(side)] for side in SIDES]
        before = self._seen.get(held.lease, (_SILENT, _SILENT))
        a, b = _seen(ends[0], before[0], now), _seen(ends[1], before[1], now)
        if (a, b) != before:
            self._seen[held.lease] = a, b
        return Usage(held.lease, _traffic(ends[0], a, now), _traffic(ends[1], b, now))

    def forget(self, lease: str) -> None:
        """Drop what is remembered of a lease that has closed."""
        self._seen.pop(lease, None)


def _seen(found: Sequence[Counted], before: Seen, now: float) -> Seen:
    total = sum([each.packets for each in found])
    return before if total == before.packets else Seen(total, now)


def _traffic(found: Sequence[Counted], seen: Seen, now: float) -> Traffic:
    rtcp = found[1].packets if len(found) > 1 else 0
    idle = round(now - seen.changed, 1) if seen.packets else None
    return Traffic(found[0].packets, found[0].octets, rtcp, idle)
