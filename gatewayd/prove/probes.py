"""Which packets a proof sends, the most telling first: stated tests, then what changed, then every entry. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

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
"""Of one proof: they take about ten seconds."""

MAX_TIMES = 32
"""Times at which a proof asks: each is a change of what agreements open, and of packets' batches."""

PUBLISHED_SOURCES = 8
"""Sources from which a published address is asked: of different rules, as far as they go."""

CHANGED_INTERVALS = 8
"""Intervals of one side of a changed rule that are met at their ends: a list of thousands is met as a sample."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A packet to send at a time, for whose sake, and what the model says."""

    packet: Packet
    at: int
    why: str
    said: Verdict


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, how many packets are left out, and what else to tell."""

    probes: tuple[Probe, ...]
    unsent: int
    notes: tuple[str, ...]


def plan(order: Order, tables: Tables) -> Plan:
    """Choose the packets of a proof."""
    ways = Ways(order.edge, order.network)
    chosen = _Chosen(tables, ways)
    for test in order.policy.tests:
        asked = replace(test.packet, target_zone="")
        chosen.take(asked, order.now if test.at is None else test.at, f"test at {test.origin}", stated=True)
    idle: dict[str, bool] = {}
    for claim in changed(order.running, order.policy, order.now):
        before = len(chosen.probes)
        for at, asked in _of_claim(claim, tables, ways):
            chosen.take(asked, at, claim.why)
        idle[claim.why] = idle.get(claim.why, True) and len(chosen.probes) == before
    for publication in order.policy.publications:
        for asked in _published(publication, tables, ways):
            chosen.take(asked, order.now, f"publication at {publication.origin}")
    entries = Entries(tables, ways, order.now, order.version)
    for asked in entries.packets():
        chosen.take(asked, order.now, "")
    notes = [
        f"{why}: nothing of it can be sent, as no route leads there and back" for why, none in idle.items() if none
    ]
    return Plan(tuple(chosen.probes.values()), chosen.unsent + entries.left, tuple(notes))


class _Chosen:
    """The packets chosen so far, each once."""

    def __init__(self, tables: Tables, ways: Ways) -> None:
        self._tables = tables
        self._ways = ways
        self._times: set[int] = set()
        self.probes: dict[tuple[Packet, int], Probe] = {}
        self.unsent = 0

    def take(self, asked: Packet, at: int, why: str, *, stated: bool = False) -> None:
        """Take a packet, unless the limits are reached or there is no way for it; stated ones go whatever the way."""
        key = (asked, at)
        if key in self.probes or (not stated and not self._ways.known(asked.zone, asked.source)):
            return
        said = verdict(self._tables, asked, at)
        if not stated and said.zone and not self._ways.known(said.zone, said.packet.target):
            return
        if len(self.probes) >= MAX_PACKETS or (at not in self._times and len(self._times) >= MAX_TIMES):
            self.unsent += 1
            return
        self._times.add(at)
        self.probes[key] = Probe(asked, at, why, said)


def _of_claim(claim: Claim, tables: Tables, ways: Ways) -> Iterator[tuple[int, Packet]]:
    """Yield the corners of a claim: each side at its ends and beside them, the other two inside."""
    zone, version, box, times = claim.zone, claim.version, claim.box, claim.times
    places = tables.places.get((zone, version), {})
    usable = (ways.sound(zone, version), ways.towards(places, version), SENDABLE)
    picked = [_picked(intersection(axis, can)) for axis, can in zip(box, usable, strict=True)]
    if not all(picked):
        return
    middle = _witness(claim, tables, picked)
    for at in times:
        yield at, packet(zone, version, *middle)
        for number, (axis, can) in enumerate(zip(box, usable, strict=True)):
            few = (*axis[:CHANGED_INTERVALS], axis[-1])
            for value in dict.fromkeys(value for interval in few for value in corners(interval, can)):
                source, target, kind = (value if part == number else middle[part] for part in range(3))
                yield at, packet(zone, version, source, target, kind)


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


def _witness(claim: Claim, tables: Tables, picked: list[list[int]]) -> tuple[int, int, int]:
    """Return a packet that this claim decides about, if any of a few is such; else the first."""
    for source, target, kind in product(*picked):
        asked = packet(claim.zone, claim.version, source, target, kind)
        origins = verdict(tables, asked, claim.times[-1]).origins
        if any(claim.why.endswith(f" at {origin}") for origin in origins):
            return source, target, kind
    return picked[0][0], picked[1][0], picked[2][0]
