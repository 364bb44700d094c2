"""Which rules match together: the places where several do, found exactly by cutting addresses and traffic. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from nft.policy import traffic
from nft.policy.agreement import Client, Offer
from nft.policy.bogons import PUBLIC
from nft.policy.interval import IntervalMap, Intervals, difference, intersection, normal, partition, union
from nft.policy.model import INTERNET, Policy, Rule
from nft.policy.place import places
from nft.policy.prefix import SPACE, covered

Name = TypeVar("Name", bound=Hashable)


class Box(NamedTuple):
    """What a rule matches in one IP version: every source to every target with every kind of traffic."""

    sources: Intervals
    targets: Intervals
    traffic: Intervals


class Cell(NamedTuple, Generic[Name]):
    """A box whose every packet is matched by the same rules."""

    box: Box
    rules: frozenset[Name]


class Reader:
    """What the names of a policy stand for, each worked out once."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._networks = {network.name: network for network in policy.networks}
        self._services = {service.name: service for service in policy.services}
        self.places: dict[tuple[str, int], dict[str, Intervals]] = {}
        self._between: dict[tuple[str, str, int], list[tuple[int, Box]]] = {}

    def addresses(self, names: tuple[str, ...], version: int) -> Intervals:
        """Return the addresses of networks, every address where none is named."""
        if not names:
            return SPACE[version]
        return union(*(covered(self._networks[name].prefixes, version) for name in names))

    def sources(self, rule: Rule, version: int) -> Intervals:
        """Return the sources of a rule. From the internet, any is any that a host there can have."""
        anybody = rule.source == INTERNET and not rule.sources
        return PUBLIC[version] if anybody else self.addresses(rule.sources, version)

    def traffic(self, names: tuple[str, ...]) -> Intervals:
        """Return the traffic of services, all where none is named."""
        return union(*(self._services[name].traffic for name in names)) if names else traffic.ALL

    def place(self, source: str, version: int, target: str) -> Intervals:
        """Return the addresses of a zone as packets of another one mean them."""
        key = (source, version)
        if key not in self.places:
            self.places[key] = places(self._policy, source, version)
        return self.places[key].get(target, ())

    def box(self, rule: Rule, version: int) -> Box:
        """Return what a rule matches in an IP version."""
        place = self.place(rule.source, version, rule.target)
        return Box(
            self.sources(rule, version),
            intersection(self.addresses(rule.targets, version), place),
            self.traffic(rule.services),
        )

    def between(self, source: str, target: str, version: int) -> list[tuple[int, Box]]:
        """Return the rules between two zones by their index, in order, with what they match."""
        key = (source, target, version)
        if key not in self._between:
            self._between[key] = [
                (index, self.box(rule, version))
                for index, rule in enumerate(self._policy.rules)
                if (rule.source, rule.target) == (source, target)
            ]
        return self._between[key]


def cells(boxes: Iterable[tuple[Name, Box]]) -> Iterator[Cell[Name]]:
    """Cut boxes where any of them begins or ends; yield what at least one of them holds."""
    listed = list(boxes)
    sources = _stretches(partition((name, box.sources) for name, box in listed))
    targets = _stretches(partition((name, box.targets) for name, box in listed))
    kinds = _stretches(partition((name, box.traffic) for name, box in listed))
    with_source, with_kind = holding(sources), holding(kinds)
    for to, to_stretch in targets.items():
        for kind in having(with_kind, to):
            both = to & kind
            for sender in having(with_source, both):
                yield Cell(Box(sources[sender], to_stretch, kinds[kind]), both & sender)


def holding(sets: Iterable[frozenset[Name]]) -> dict[Name, list[frozenset[Name]]]:
    """Return the sets by each of their members: most sets have none in common, and need not be met."""
    found: dict[Name, list[frozenset[Name]]] = {}
    for each in sets:
        for name in each:
            found.setdefault(name, []).append(each)
    return found


def having(held: dict[Name, list[frozenset[Name]]], names: Iterable[Name]) -> Iterable[frozenset[Name]]:
    """Return the sets that have any of these members, each once and in a lasting order."""
    return dict.fromkeys(each for name in sorted(names, key=str) for each in held.get(name, ()))


def _stretches(found: IntervalMap[frozenset[Name]]) -> dict[frozenset[Name], Intervals]:
    stretches: dict[frozenset[Name], list[tuple[int, int]]] = {}
    for first, last, names in found:
        stretches.setdefault(names, []).append((first, last))
    return {names: normal(listed) for names, listed in stretches.items()}


def meet(box: Box, other: Box) -> Box | None:
    """Return what two boxes have in common, None for nothing."""
    kinds = intersection(box.traffic, other.traffic)  # sources last: they are many
    targets = intersection(box.targets, other.targets) if kinds else ()
    sources = intersection(box.sources, other.sources) if targets else ()
    return Box(sources, targets, kinds) if sources else None


def cut(box: Box, other: Box) -> tuple[Box | None, list[Box]]:
    """Return what a box has in common with another one, and the rest as boxes that do not overlap."""
    both = meet(box, other)
    if both is None:
        return None, [box] if all(box) else []
    pieces = [
        Box(difference(box.sources, both.sources), box.targets, box.traffic),
        Box(both.sources, difference(box.targets, both.targets), box.traffic),
        Box(both.sources, both.targets, difference(box.traffic, both.traffic)),
    ]
    return both, [piece for piece in pieces if all(piece)]


def joined(boxes: Iterable[Box]) -> list[Box]:
    """Join boxes that differ in one of sources, traffic and targets alone."""
    listed = list(boxes)
    for part in ("sources", "traffic", "targets"):
        alike: dict[Box, list[Intervals]] = {}
        for box in listed:
            alike.setdefault(box._replace(**{part: ()}), []).append(getattr(box, part))
        listed = [box._replace(**{part: union(*found)}) for box, found in alike.items()]
    return listed


def deciding(
    reader: Reader, version: int, client: Client, offer: Offer, said: Box | None = None
) -> list[tuple[int | None, Box]]:
    """Cut what an agreement is about by what decides it: the index of a rule, or None for the agreement itself.

    `said`: less than client and offer say. What is in another zone than the agreement says is in no piece.
    """
    whole = said or Box(covered(client.prefixes, version), covered(offer.endpoints, version), offer.traffic)
    place = reader.place(client.zone, version, offer.zone)
    whole = whole._replace(targets=intersection(whole.targets, place))
    left = [whole] if all(whole) else []
    found: list[tuple[int | None, Box]] = []
    for index, box in reader.between(client.zone, offer.zone, version) if left else ():
        pieces = [cut(piece, box) for piece in left]
        found += [(index, both) for both, _ in pieces if both]
        left = [each for _, rest in pieces for each in rest]
    return [*found, *((None, piece) for piece in left)]
