"""Kinds of traffic as places on one line, so that sets of them are intervals like sets of addresses. Pure.

0..65535        TCP by destination port
65536..131071   UDP by destination port
131072          ping: ICMP or ICMPv6 echo requests
131073          every other protocol
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from nft.errors import ModelError
from nft.policy.interval import Intervals

Kind: TypeAlias = Literal["tcp", "udp", "ping", "other"]

PORTS: Final = 1 << 16
BASE: Final[dict[str, int]] = {"tcp": 0, "udp": PORTS}
PING: Final = 2 * PORTS
OTHER: Final = PING + 1
ALL: Final[Intervals] = ((0, OTHER),)


def ports(protocol: str, first: int, last: int) -> Intervals:
    """Return TCP or UDP to ports, both ends included."""
    if protocol not in BASE:
        raise ModelError(f"protocol {protocol[:10]!r} has no ports: write tcp or udp")
    if not 1 <= first <= last < PORTS:
        raise ModelError(f"{protocol} ports {first}-{last} are no range within 1-65535")
    return ((BASE[protocol] + first, BASE[protocol] + last),)


def place(kind: Kind, port: int = 0) -> int:
    """Return the place of one packet's traffic."""
    return PING if kind == "ping" else OTHER if kind == "other" else BASE[kind] + port


def split(first: int, last: int) -> list[tuple[Kind, int, int]]:
    """Cut a stretch of the line where the protocol changes: (kind, first port, last port), ports 0 where none."""
    found: list[tuple[Kind, int, int]] = []
    for kind in ("tcp", "udp"):
        low, high = max(first, BASE[kind]), min(last, BASE[kind] + PORTS - 1)
        if low <= high:
            found.append((kind, low - BASE[kind], high - BASE[kind]))
    found += [(kind, 0, 0) for kind, at in _PLACES if first <= at <= last]
    return found


_PLACES: Final[tuple[tuple[Kind, int], ...]] = (("ping", PING), ("other", OTHER))


def show(intervals: Intervals) -> str:
    """Write a set of traffic as people do: ``tcp/443, udp/40000-49999``."""
    if intervals == ALL:
        return "any traffic"
    words: list[str] = []
    for first, last in intervals:
        for kind, low, high in split(first, last):
            if kind in BASE:
                full = low <= 1 and high == PORTS - 1
                words.append(kind if full else f"{kind}/{low}" if low == high else f"{kind}/{low}-{high}")
            else:
                words.append("ping" if kind == "ping" else "other protocols")
    return ", ".join(words) or "nothing"
