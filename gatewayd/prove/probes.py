"""Which packets a proof sends, the most telling first: stated tests, then what changed, then every entry. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeAlias

from gatewayd.prove.claims import Claim, changed
from gatewayd.prove.entries import SENDABLE, Entries, corners, first_of, packet
from gatewayd.prove.order import Order
from gatewayd.prove.reach import Ways
from nft.policy import traffic
from nft.policy.interval import Intervals, intersection
from nft.policy.model import Publication
from nft.policy.packet import Packet
from nft.policy.tables import Tables
from nft.policy.verdict import Verdict, verdict

MAX_PACKETS = 20_000
"""Of one proof, unless more tests are stated and rules are changed: they take a few seconds."""

MAX_TIMES = 32
"""Times at which a proof asks besides those of stated tests: each is a change of what agreements open."""

MAX_NOTES = 20
"""Rules and agreements told of which nothing can be sent: a zone without its routes has thousands."""

PUBLISHED_SOURCES = 8
"""Sources from which a published address is asked: of different rules, as far as they go."""

CHANGED_INTERVALS = 8
"""Intervals of one side of a changed rule that are met at their ends: a list of thousands is met as a sample."""


Sending: TypeAlias = tuple[Packet, int]
"""A packet and the time at which it is sent."""

Middle: TypeAlias = tuple[int, int, int] | None
"""A packet within a claim, as numbers; None where none can be sent."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A packet to send at a time, for whose sake, what the model says, and what ``lacks`` for it to get there."""

    packet: Packet
    at: int
    why: str
    said: Verdict
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, how many packets are left out, and what else to tell.

    ``owed`` are those without which nothing is proved, each with for whose sake: stated tests, and one of each changed
    rule. ``unmet`` are the changed rules of which none was chosen, as the time was over.
    """

    probes: tuple[Probe, ...]
    owed: Mapping[Sending, str]
    unmet: tuple[str, ...]
    unsent: int
    notes: tuple[str, ...]


def plan(
    order: Order,
    tables: Tables,
    enough: Callable[[], bool] = lambda: False,
    late: Callable[[], bool] = lambda: False,
) -> Plan:
    """Choose the packets of a proof; every claim is met before any is met twice.

    Until it is ``late`` what is owed is chosen, until there is ``enough`` the others.
    """
    ways = Ways(order.edge, order.network)
    chosen = _Chosen(tables, ways, enough)
    for test in order.policy.tests:
        asked = replace(test.packet, target_zone="")
        chosen.owe(asked, order.now if test.at is None else test.at, f"test at {test.origin}", stated=True)
    for publication in order.policy.publications:
        for asked in _published(publication, tables, ways):
            chosen.take(asked, order.now, f"publication at {publication.origin}")
    claims = list(changed(order.running, order.policy, order.now))
    inside = {at: _inside(claim, tables, ways) for at, claim in enumerate(claims) if not late()}
    met = [(claims[at], middle) for at, middle in inside.items() if middle]
    for claim, middle in met:
        asked = packet(claim.zone, claim.version, *middle)
        chosen.owe(asked, claim.times[0], claim.why)
        for at in claim.times[1:]:
            chosen.take(asked, at, claim.why)
    for claim, middle in met:
        chosen.claim(claim, _around(claim, middle, tables, ways))
    entries = Entries(tables, ways, order.now, order.version)
    for asked in entries.packets() if not chosen.full else ():
        chosen.take(asked, order.now, "")
        if chosen.full:
            break
    unmet = tuple(dict.fromkeys(claim.why for at, claim in enumerate(claims) if at not in inside))
    notes = tuple(_told((claims[at].why, inside[at]) for at in inside))
    return Plan(tuple(chosen.probes.values()), chosen.owed, unmet, chosen.unsent + entries.left, notes)


def _told(looked: Iterable[tuple[str, Middle]]) -> Iterator[str]:
    """Yield a sentence for whoever claims what cannot be sent, in any IP version."""
    listed = list(looked)
    met = {why for why, middle in listed if middle}
    unmet = [why for why in dict.fromkeys(why for why, _ in listed) if why not in met]
    for why in unmet[:MAX_NOTES]:
        yield f"{why}: nothing of it can be sent, as no route leads there and back"
    if len(unmet) > MAX_NOTES:
        yield f"and {len(unmet) - MAX_NOTES} more of which nothing can be sent"


class _Chosen:
    """The packets chosen so far, each once."""

    def __init__(self, tables: Tables, ways: Ways, enough: Callable[[], bool]) -> None:
        self._tables = tables
        self._ways = ways
        self._enough = enough
        self._times: set[int] = set()
        self.probes: dict[Sending, Probe] = {}
        self.owed: dict[Sending, str] = {}
        self.unsent = 0

    @property
    def full(self) -> bool:
        """Whether no more packets are taken."""
        return len(self.probes) >= MAX_PACKETS or self._enough()

    def owe(self, asked: Packet, at: int, why: str, *, stated: bool = False) -> None:
        """Take a packet whatever the limits, unless there is no way for it; stated ones go whatever the way."""
        if self._take(asked, at, why, stated=stated):
            self.owed.setdefault((asked, at), why)

    def take(self, asked: Packet, at: int, why: str) -> None:
        """Take a packet, unless the limits are reached or there is no way for it."""
        if (asked, at) in self.probes or not self._ways.known(asked.zone, asked.source):
            return
        if self.full or (at not in self._times and len(self._times) >= MAX_TIMES):
            self.unsent += 1
        elif self._take(asked, at, why):
            self._times.add(at)

    def _take(self, asked: Packet, at: int, why: str, *, stated: bool = False) -> bool:
        """Take a packet if there is a way for it; tell whether it is sent."""
        if (asked, at) in self.probes:
            return True
        if not (stated or self._ways.known(asked.zone, asked.source)):
            return False
        said = verdict(self._tables, asked, at)
        lacks = self._lacks(asked, said)
        if lacks and not stated:
            return False
        self.probes[asked, at] = Probe(asked, at, why, said, lacks)
        return True

    def claim(self, claim: Claim, packets: Iterable[Packet]) -> None:
        """Take packets for a claim, at all of its times."""
        if self.full:
            self.unsent += 1
            return
        for asked in packets:
            for at in claim.times:
                self.take(asked, at, claim.why)

    def _lacks(self, asked: Packet, said: Verdict) -> str:
        ends = ((asked.zone, asked.source), (said.zone, said.packet.target))
        missing = ((zone, end) for zone, end in ends if zone and not self._ways.known(zone, end))
        return next((f"no route of zone {zone!r} leads to a host {end}" for zone, end in missing), "")


def _inside(claim: Claim, tables: Tables, ways: Ways) -> Middle:
    """Return a packet within a claim that it decides about, if any of a few is such; None where none can be sent."""
    picked = [
        _picked(intersection(axis, can)) for axis, can in zip(claim.box, _usable(claim, tables, ways), strict=True)
    ]
    for source, target, kind in product(*picked):
        asked = packet(claim.zone, claim.version, source, target, kind)
        origins = verdict(tables, asked, claim.times[-1]).origins
        if any(claim.why.endswith(f" at {origin}") for origin in origins):
            return source, target, kind
    return (picked[0][0], picked[1][0], picked[2][0]) if all(picked) else None


def _around(claim: Claim, inside: tuple[int, int, int], tables: Tables, ways: Ways) -> Iterator[Packet]:
    """Yield packets at the ends of each side of a claim and beside them, the other two sides inside."""
    for number, (axis, can) in enumerate(zip(claim.box, _usable(claim, tables, ways), strict=True)):
        few = (*axis[:CHANGED_INTERVALS], axis[-1])
        for value in dict.fromkeys(value for interval in few for value in corners(interval, can)):
            source, target, kind = (value if part == number else inside[part] for part in range(3))
            yield packet(claim.zone, claim.version, source, target, kind)


def _usable(claim: Claim, tables: Tables, ways: Ways) -> tuple[Intervals, Intervals, Intervals]:
    places = tables.places.get((claim.zone, claim.version), {})
    return ways.sound(claim.zone, claim.version), ways.towards(places, claim.version), SENDABLE


def _published(one: Publication, tables: Tables, ways: Ways) -> Iterator[Packet]:
    """Yield packets to a published address, at its port and beside it, from sources of every class."""
    version = one.address.version
    side, sound = tables.rules.sides.get((one.zone, version)), ways.sound(one.zone, version)
    classes = first_of(side.sources, sound).values() if side else ()
    base = traffic.BASE[one.protocol]
    for source in [*classes, *_picked(sound)][:PUBLISHED_SOURCES]:
        for kind in corners((base + one.port, base + one.port), SENDABLE):
            yield packet(one.zone, version, source, int(one.address), kind)


def _picked(intervals: Intervals) -> list[int]:
    """Return a few values of a set: its ends, and one between."""
    if not intervals:
        return []
    first, last = intervals[len(intervals) // 2]
    return [*dict.fromkeys((intervals[0][0], intervals[-1][1], (first + last) // 2))]
