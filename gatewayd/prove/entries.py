"""Packets for every entry of a compiled policy: each look-up of the kernel is met at its ends and just outside. Pure.

An interval of a map is met with its first and last value and the two beside them; each with the other two parts of a
packet such that its class matters: something passes by it, or a rule denies by it. Each element that leads to a rule or
an agreement is met once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice, pairwise
from math import prod
from random import Random
from typing import Literal, TypeAlias, TypeVar

from gatewayd.prove.reach import Ways
from nft.policy import traffic
from nft.policy.interval import Interval, IntervalMap, Intervals, contains, intersection
from nft.policy.packet import Packet
from nft.policy.prefix import address
from nft.policy.tables import Class, Offer, Stage, Tables
from nft.policy.verdict import verdict

SAMPLE = 400
"""Intervals of one map that are met, of those that it has: the others are told as not sent."""

STRAYED = 50
"""Intervals of one map for which values are met that differ in one bit from their ends: up to 256 packets each."""

ALLOWING, DENYING = 2, 1
"""Pairs of the other two parts with which the ends of an interval are met."""

REMEMBERED = 8
"""Pairs among which the one is found with which a value away from an interval tells most."""

CELLS = 3000
"""Of one zone and IP version, packets of stretches between any two cuts: all of them where a policy is small."""

Axis = Literal["source", "target", "traffic"]
Pair: TypeAlias = tuple[int, int]
Pairs: TypeAlias = dict[tuple[Axis, Class], tuple[list[Pair], list[Pair]]]
Lots: TypeAlias = tuple[list[Iterable[Packet]], ...]
T = TypeVar("T")


def packet(zone: str, version: int, source: int, target: int, kind: int) -> Packet:
    """Return a packet by the numbers of its ends and the place of its traffic."""
    ((protocol, port, _),) = traffic.split(kind, kind)
    return Packet(zone, address(version, source), address(version, target), protocol, port)


def corners(interval: Interval, usable: Intervals) -> list[int]:
    """Return the ends of an interval, of its parts that can be used, and the values beside them; usable ones only."""
    parts = intersection((interval,), usable)
    ends = [interval, *((parts[0], parts[-1]) if parts else ())]
    wanted = {value + step for first, last in ends for value, step in ((first, -1), (first, 0), (last, 0), (last, 1))}
    return [value for value in sorted(wanted) if intersection(((value, value),), usable)]


SENDABLE: Intervals = ((1, traffic.PORTS - 1), (traffic.PORTS + 1, traffic.OTHER))
"""Traffic that can be sent: everything but port 0, which is none."""


class Entries:
    """Packets for the entries of a policy's tables; `left` counts those that a sample leaves out."""

    def __init__(self, tables: Tables, ways: Ways, now: int, seed: str) -> None:
        self._tables = tables
        self._ways = ways
        self._now = now
        self._random = Random(seed)  # noqa: S311 - which are met of too many; the same ones for the same version
        self.left = 0

    def packets(self) -> Iterator[Packet]:
        """Yield packets; those of elements first, as they are fewer and every rule has some."""
        rules, agreed = self._tables.rules, self._tables.agreed
        verdicts = {key: self._tables.policy.rules[at].action == "allow" for key, at in self._tables.verdicts.items()}
        cells = {
            key: any(window.starts <= self._now < window.ends for window in cell.windows)
            for key, cell in self._tables.cells.items()
        }
        met = [self._stage(stage, held) for stage, held in ((rules, verdicts), (agreed, cells))]
        for parts in zip(*met, strict=True):
            for part in parts:
                yield from chain.from_iterable(part)
        for zone, version in {**rules.sides, **agreed.sides}:
            yield from self._cells(zone, version)

    def _passes(self, asked: Packet) -> bool:
        return verdict(self._tables, asked, self._now).allowed

    def _cells(self, zone: str, version: int) -> Iterator[Packet]:
        """Yield a packet for stretches of sources, targets and traffic in which nothing changes, each with each."""
        stages = (self._tables.rules, self._tables.agreed)
        sides = [stage.sides[zone, version] for stage in stages if (zone, version) in stage.sides]
        places = self._tables.places.get((zone, version), {})
        zones = [(first, last) for held in places.values() for first, last in held]
        targets = [(first, last) for side in sides for first, last, _ in side.targets]
        axes = (
            _stretches([(f, last) for side in sides for f, last, _ in side.sources], self._ways.sound(zone, version)),
            _stretches([*zones, *targets], self._ways.towards(places, version)),
            _stretches([(first, last) for stage in stages for first, last, _ in stage.traffic], SENDABLE),
        )
        count = prod(map(len, axes))
        wanted: Iterable[int] = range(count) if count <= CELLS else sorted(self._random.sample(range(count), CELLS))
        for number in wanted:
            rest, kind = divmod(number, len(axes[2]))
            source, target = divmod(rest, len(axes[1]))
            yield packet(zone, version, axes[0][source], axes[1][target], axes[2][kind])

    def _stage(self, stage: Stage, held: dict[tuple[Offer, Class], bool]) -> Lots:
        """Return five lots: elements, the intervals of traffic, targets and sources, and what is one bit away."""
        lots: Lots = ([], [], [], [], [])
        ways: dict[Offer, list[tuple[Class, Class]]] = {}
        for pair, offer in stage.offers.items():
            ways.setdefault(offer, []).append(pair)
        kinds = first_of(stage.traffic, SENDABLE)
        for (zone, version), side in stage.sides.items():
            sources = self._ways.sound(zone, version)
            targets = self._ways.towards(self._tables.places.get((zone, version), {}), version)
            made = _Side(zone, version, (first_of(side.sources, sources), first_of(side.targets, targets), kinds))
            met = list(made.meet(held, ways))
            lots[0].append(self._sampled(met))
            axes: tuple[tuple[Axis, IntervalMap[Class], Intervals], ...] = (
                ("traffic", stage.traffic, SENDABLE),
                ("target", side.targets, targets),
                ("source", side.sources, sources),
            )
            for lot, (axis, rows, usable) in zip(lots[1:], axes, strict=False):
                few = self._sampled(list(rows))
                lot.append(made.along(axis, few, usable))
                lots[4].append(made.astray(axis, few[:STRAYED], usable, self._passes))
        return lots

    def _sampled(self, listed: list[T]) -> list[T]:
        if len(listed) <= SAMPLE:
            return listed
        self.left += len(listed) - SAMPLE
        return [listed[at] for at in sorted(self._random.sample(range(len(listed)), SAMPLE))]


class _Side:
    """The packets of one zone in one IP version. `firsts`: a usable value of each class, by axis."""

    def __init__(self, zone: str, version: int, firsts: tuple[dict[Class, int], ...]) -> None:
        self._zone, self._version = zone, version
        self._source, self._target, self._kind = firsts
        self._pairs: Pairs = {}

    def meet(
        self, held: dict[tuple[Offer, Class], bool], ways: dict[Offer, list[tuple[Class, Class]]]
    ) -> Iterator[Packet]:
        """Yield a packet for each element, and remember with what each class matters."""
        for (offer, sender), allows in held.items():
            source = self._source.get(sender)
            for kind_class, target_class in ways.get(offer, ()) if source is not None else ():
                target, kind = self._target.get(target_class), self._kind.get(kind_class)
                if source is not None and target is not None and kind is not None:
                    self._remember("source", sender, (target, kind), allows=allows)
                    self._remember("target", target_class, (source, kind), allows=allows)
                    self._remember("traffic", kind_class, (source, target), allows=allows)
                    yield packet(self._zone, self._version, source, target, kind)

    def along(self, axis: Axis, rows: Iterable[tuple[int, int, Class]], usable: Intervals) -> Iterator[Packet]:
        """Yield packets at the ends of intervals."""
        for first, last, class_ in rows:
            values = corners((first, last), usable)
            allowing, denying = self._pairs.get((axis, class_), ((), ()))
            for pair in (*allowing[:ALLOWING], *denying[:DENYING]):
                yield from (self._packet(axis, value, pair) for value in values)

    def astray(
        self, axis: Axis, rows: Iterable[tuple[int, int, Class]], usable: Intervals, passes: Callable[[Packet], bool]
    ) -> Iterator[Packet]:
        """Yield packets one bit away from the ends of intervals, such as would be told if the interval went there."""
        width = 16 if axis == "traffic" else 32 if self._version == 4 else 128
        for first, last, class_ in rows:
            allowing, denying = self._pairs.get((axis, class_), ((), ()))
            values = {end ^ 1 << bit for end in (first, last) for bit in range(width)}
            for value in (value for value in sorted(values) if contains(usable, value)):
                opened = (each for each in (self._packet(axis, value, pair) for pair in allowing) if not passes(each))
                closed = (each for each in (self._packet(axis, value, pair) for pair in denying) if passes(each))
                yield from islice(opened, 1)
                yield from islice(closed, 1)

    def _packet(self, axis: Axis, value: int, pair: Pair) -> Packet:
        a, b = pair
        ends = {"source": (value, a, b), "target": (a, value, b), "traffic": (a, b, value)}[axis]
        return packet(self._zone, self._version, *ends)

    def _remember(self, axis: Axis, class_: Class, pair: Pair, *, allows: bool) -> None:
        allowing, denying = self._pairs.setdefault((axis, class_), ([], []))
        wanted = allowing if allows else denying
        if len(wanted) < REMEMBERED and pair not in wanted:
            wanted.append(pair)


def _stretches(intervals: Iterable[Interval], usable: Intervals) -> list[int]:
    """Return the first usable value of each stretch between two cuts."""
    cuts = sorted({cut for first, last in intervals for cut in (first, last + 1)})
    parts = (intersection(((first, after - 1),), usable) for first, after in pairwise((0, *cuts, 1 << 128)))
    return [part[0][0] for part in parts if part]


def first_of(rows: Iterable[tuple[int, int, Class]], usable: Intervals) -> dict[Class, int]:
    """Return the first usable value of each class."""
    found: dict[Class, int] = {}
    for first, last, class_ in rows:
        if class_ not in found and (parts := intersection(((first, last),), usable)):
            found[class_] = parts[0][0]
    return found
