"""The compiler: a policy in, its tables out. Pure; ``ruleset`` writes them for the kernel.

It refuses what ``check`` calls an error, so tables always mean something. What is compiled of clients and services
does not depend on agreements: one that is made, changed or ended later changes cells and nothing else.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

from nft.errors import ModelError
from nft.policy.check import refuse
from nft.policy.interval import IntervalMap, Intervals, intersection, partition
from nft.policy.match import Reader, having, holding
from nft.policy.model import Policy, Rule
from nft.policy.prefix import VERSIONS, Prefix, covered
from nft.policy.tables import Cell, Class, Offer, Side, Stage, Tables, Window

MAX_CELLS = 1 << 18
"""Answers of the rules: 262,144 hash elements are some 30 MB in the kernel; a policy past that is told so."""

Name = TypeVar("Name", bound=Hashable)
Sets = IntervalMap[frozenset[Name]]


def compile_policy(policy: Policy) -> Tables:
    """Return the tables of a policy; ``ModelError`` with one sentence a line where it contradicts itself."""
    refuse(policy)
    reader = Reader(policy)
    rules, verdicts = _rules(policy, reader)
    agreed, cells = _agreed(policy, reader)
    named = {each.id: each for each in policy.agreements.agreements}
    return Tables(policy, rules, verdicts, agreed, cells, named, reader.places)


class _Numbers:
    """Classes and offers get their numbers in the order of appearance, from 1."""

    def __init__(self) -> None:
        self.of: dict[frozenset[Hashable], int] = {}

    def __call__(self, members: frozenset[Name]) -> int:
        found: frozenset[Hashable] = members
        return self.of.setdefault(found, len(self.of) + 1)


def _classes(sets: Sets[Name], numbers: _Numbers) -> IntervalMap[Class]:
    return IntervalMap(sets.firsts, sets.lasts, tuple(Class(numbers(members)) for members in sets.values))


def _rules(policy: Policy, reader: Reader) -> tuple[Stage, dict[tuple[Offer, Class], int]]:
    listed = list(enumerate(policy.rules))
    kinds = partition((i, reader.traffic(rule.services)) for i, rule in listed)
    kind, source, target, offer = _Numbers(), _Numbers(), _Numbers(), _Numbers()
    stage = Stage(_classes(kinds, kind), {}, {})
    verdicts: dict[tuple[Offer, Class], int] = {}
    for zone in policy.zones:
        of_zone = [(i, rule) for i, rule in listed if rule.source == zone]
        for version in VERSIONS if of_zone else ():
            boxes = [(i, reader.box(rule, version)) for i, rule in of_zone]
            sources = partition((i, box.sources) for i, box in boxes)
            targets = partition((i, box.targets) for i, box in boxes)
            stage.sides[zone, version] = Side(_classes(sources, source), _classes(targets, target))
            offers = _offers(stage, set(kinds.values), set(targets.values), (kind, target, offer))
            senders = holding(set(sources.values))
            for found in offers:
                for sender in having(senders, found):
                    verdicts[Offer(offer(found)), Class(source(sender))] = min(found & sender)
                if len(verdicts) > MAX_CELLS:
                    raise ModelError(_explodes(policy.rules[min(found)]))
    return stage, verdicts


def _explodes(rule: Rule) -> str:
    return (
        f"{rule.origin}: the rules from zone {rule.source} overlap in more than {MAX_CELLS:,} ways: "
        "join networks that are treated alike, or write them as agreements"
    )


def _offers(
    stage: Stage,
    kinds: Iterable[frozenset[Name]],
    targets: Iterable[frozenset[Name]],
    numbers: tuple[_Numbers, _Numbers, _Numbers],
) -> set[frozenset[Name]]:
    """Give a number to each set of names that a destination and a kind of traffic have in common; return the sets."""
    kind, target, offer = numbers
    with_kind = holding(kinds)
    found: set[frozenset[Name]] = set()
    for place in sorted(targets, key=target):  # so that the numbers of offers do not hang on the order of a set
        for members in sorted(having(with_kind, place), key=kind):
            common = place & members
            stage.offers[Class(kind(members)), Class(target(place))] = Offer(offer(common))
            found.add(common)
    return found


def _agreed(policy: Policy, reader: Reader) -> tuple[Stage, dict[tuple[Offer, Class], Cell]]:
    known = policy.agreements
    kinds = partition((service.name, service.traffic) for service in known.services)
    kind, source, target, offer = _Numbers(), _Numbers(), _Numbers(), _Numbers()
    stage = Stage(_classes(kinds, kind), {}, {})
    for zone in policy.zones:
        clients = [client for client in known.clients if client.zone == zone]
        for version in VERSIONS if clients else ():
            senders = partition((client.name, covered(client.prefixes, version)) for client in clients)
            targets = partition(
                (each.name, _reachable(reader, each.endpoints, (zone, each.zone), version))
                for each in known.services
                if each.zone != zone
            )
            stage.sides[zone, version] = Side(_classes(senders, source), _classes(targets, target))
            _offers(stage, set(kinds.values), set(targets.values), (kind, target, offer))
    return stage, _cells(policy, source, offer)


def _reachable(reader: Reader, prefixes: tuple[Prefix, ...], zones: tuple[str, str], version: int) -> Intervals:
    source, target = zones
    return intersection(covered(prefixes, version), reader.place(source, version, target))


def _cells(policy: Policy, source: _Numbers, offer: _Numbers) -> dict[tuple[Offer, Class], Cell]:
    classes = _holding(source)
    offers = _holding(offer)
    zones = {service.name: service.zone for service in policy.agreements.services}
    times: dict[tuple[Offer, Class], list[Window]] = {}
    target: dict[tuple[Offer, Class], str] = {}
    for each in policy.agreements.effective():
        for number in offers.get(each.service, ()):
            for sender in classes.get(each.client, ()):
                key = (Offer(number), Class(sender))
                times.setdefault(key, []).append(Window(each.starts, each.ends, (each.id,)))
                target[key] = zones[each.service]
    return {key: Cell(target[key], merged(windows)) for key, windows in times.items()}


def _holding(numbers: _Numbers) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = {}
    for members, number in numbers.of.items():
        for name in members:
            found.setdefault(name, []).append(number)
    return found


def merged(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Return windows in order of time; those that touch or overlap are one."""
    found: list[Window] = []
    for each in sorted(windows, key=lambda window: (window.starts, window.ends, window.ids)):
        if found and each.starts <= found[-1].ends:
            last = found.pop()
            found.append(Window(last.starts, max(last.ends, each.ends), (*last.ids, *each.ids)))
        else:
            found.append(each)
    return tuple(found)
