"""The tables of a policy as the text of table ``inet transit``. Pure; ``nft.apply`` hands it to the kernel.

How a version takes the place of another without a packet lost is told in ``nft.policy.parts``. A packet's way:

1. ``prerouting``, after connection tracking and destination NAT: the look-ups of ``nft.policy.tables``. Mark and
   priority of the packet are their registers. What may pass leaves with the mark of the zone it goes into, which picks
   that zone's routing table; everything else is dropped, but for what is addressed to the appliance itself.
2. ``inet edge`` forward: bans, the way out, and the checks of every source (``nft.ruleset.edge``).

A flow's connection mark says between which zones it was opened. A packet back is looked up with its ends swapped, as
the packet that it answers would be: what a policy or an agreement no longer allows, stops with the next packet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from nft.model import Edge, Zone
from nft.number import passing_mark
from nft.policy import chains, parts, traffic, translation
from nft.policy.agreement import DAY
from nft.policy.opening import OF_NONE, Opening, Place, Shapes, lasting, openings
from nft.policy.parts import TABLE, Draft, Held, Hook, Part
from nft.policy.prefix import VERSIONS, address
from nft.policy.tables import Class, Stage, Tables
from nft.policy.words import flow_mark
from nft.ruleset import text
from nft.schema import Key

COUNTERS = ("denied", "misrouted", "transit_flood", "rate_limited", "connections_limited")
_TYPE = {4: "ipv4_addr", 6: "ipv6_addr"}
MAX_SECONDS = 99_999_999
"""nft reads numbers of eight digits: three years of seconds, and an agreement lasts five."""


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The table of a policy: its parts, each after those that it refers to, and the base chains that lead to them.

    ``hits`` are the names of the rules' counters. ``shapes`` are the maps of agreements: their declarations are parts,
    what is in them changes with time.
    """

    tables: Tables
    zones: dict[str, int]
    parts: tuple[Part, ...] = ()
    hooks: tuple[Hook, ...] = ()
    hits: tuple[str, ...] = ()
    shapes: Shapes = OF_NONE

    @property
    def names(self) -> frozenset[str]:
        """The names of everything in the table."""
        own = (*COUNTERS, *(hook.name for hook in self.hooks)) if self.hooks else ()
        return frozenset((*own, *(part.name for part in self.parts)))

    def openings(self, now: float, places: Iterable[Place] | None = None) -> list[Opening]:
        """Return what agreements open at a time (seconds since 1970), or next, of ``places`` or of all."""
        return openings(self.tables, self.zones, now, places)

    def added(self, held: Collection[str], now: float) -> str:
        """Return the text that makes what is not ``held``; no packet gets there yet."""
        if not self.hooks:
            return ""
        fresh = [part for part in self.parts if part.name not in held]
        lines = [f"add table inet {TABLE}\n", *(f"add counter inet {TABLE} {name}\n" for name in COUNTERS)]
        lines += [part.text for part in fresh]
        if any(part.name == self.shapes.open.name for part in fresh):
            lines += _openings(self.shapes, self.openings(now), now)
        return "".join(lines)

    def switched(self, held: Collection[str] = ()) -> str:
        """Return the text that sends packets to the parts; base chains that are held and not ours let go of theirs."""
        if not self.hooks:
            return compile_reset()
        ours = {hook.name for hook in self.hooks}
        idle = (name for name in HOOKS if name in held and name not in ours)
        return parts.switched(self.hooks) + "".join(f"flush chain inet {TABLE} {name}\n" for name in idle)

    def swept(self, held: Held) -> list[str]:
        """Return the texts, a transaction each, that remove what is held and needed no more."""
        return parts.swept(held, self.names) if self.hooks else []


HOOKS = {"prerouting": chains.ENTRANCE, **translation.HOOKS}


def compile_transit(tables: Tables, edge: Edge) -> Ruleset:
    """Return the table of a policy on an edge; ``ModelError`` where it names a zone that the edge has not got."""
    zones = {name: edge.zone(name) for name in tables.policy.zones}
    indices = {name: zone.index for name, zone in zones.items()}
    if tables.policy.empty:
        return Ruleset(tables, indices)
    translated = translation.chains(tables.policy, zones)
    drafts = [
        *_known(zones, edge),
        *_stage("rule", tables.rules),
        *_stage("agreed", tables.agreed),
        *_verdicts(tables, zones),
        *_agreements(tables),
        *chains.limits(tables.policy),
        *chains.hits(tables.policy),
        *chains.of(tables, zones),
        *translated,
    ]
    hits = [f"hits_{index}" for index, _ in enumerate(tables.policy.rules)]
    found = parts.resolve(drafts, ["prerouting", *(draft.name for draft in translated), "open", "early", *hits])
    hooks = (Hook(name, words, found[name].name) for name, words in HOOKS.items() if name in found)
    shapes = Shapes(*(replace(shape, name=found[shape.name].name) for shape in OF_NONE))
    return Ruleset(
        tables, indices, tuple(found.values()), tuple(hooks), tuple(found[name].name for name in hits), shapes
    )


def compile_reset() -> str:
    """Return the text that removes the table, whether it exists or not: nothing passes between zones any more."""
    return f"add table inet {TABLE}\ndelete table inet {TABLE}\n"


def _known(zones: dict[str, Zone], edge: Edge) -> Iterator[Draft]:
    """Yield what of the edge this table must know: its own addresses, and which interface leads into which zone."""
    for version in VERSIONS:
        own = dict.fromkeys(str(a) for zone in edge.zones for a in zone.addresses if a.version == version)
        yield _set(f"own{version}", _TYPE[version], own)
    pairs = [(a, b) for a in zones.values() for b in zones.values() if a is not b]
    flow = {(a.name, b.name): f"0x{flow_mark(a.index, b.index):04x}" for a, b in pairs}
    ways = (
        f"{text.quoted(name)} . 0x{passing_mark(zone.index):08x}" for zone in zones.values() for name in zone.interfaces
    )
    yield _set("ways", "ifname . mark", ways)
    onward = (f"{flow[a.name, b.name]} : 0x{passing_mark(b.index):08x}" for a, b in pairs)
    yield _map("onward", "mark : mark", onward)
    back = (f"{flow[a.name, b.name]} : 0x{passing_mark(a.index):08x}" for a, b in pairs)
    yield _map("backward", "mark : mark", back)
    for zone in zones.values():
        rows = (f"0x{passing_mark(b.index):08x} : {flow[a.name, b.name]}" for a, b in pairs if a is zone)
        yield _map(f"flow_{zone.name}", "mark : mark", rows)


def _stage(name: str, stage: Stage) -> Iterator[Draft]:
    """Yield the look-ups of one stage."""
    if not stage.sides:
        return
    # A map for each protocol, not one of both with two fields: the kernel fills an interval set of more than one field
    # only after everything else of the transaction, and for these milliseconds packets would find nothing.
    for wanted in traffic.BASE:
        kinds = (
            f"{low}-{high} : 0x{number:x}"
            for first, last, number in stage.traffic
            for kind, low, high in traffic.split(first, last)
            if kind == wanted
        )
        yield _intervals(f"{name}_{wanted}", "inet_service : mark", kinds)
    for (zone, version), side in stage.sides.items():
        for word, classes in (("from", side.sources), ("to", side.targets)):
            words = f"{_TYPE[version]} : classid"
            yield _intervals(f"{name}_{word}_{zone}{version}", words, _ranges(version, classes))
    offers = (f"0x{kind:x} . {_classid(target)} : 0x{offer:x}" for (kind, target), offer in stage.offers.items())
    yield _map(f"{name}_offers", "mark . classid : mark", offers)


def _ranges(version: int, classes: Iterable[tuple[int, int, Class]]) -> Iterator[str]:
    for first, last, number in classes:
        if first == last:
            yield f"{address(version, first)} : {_classid(number)}"
        else:
            yield f"{address(version, first)}-{address(version, last)} : {_classid(number)}"


def _classid(number: int) -> str:
    return f"{number >> 16:x}:{number & 0xFFFF:x}"


def _agreements(tables: Tables) -> Iterator[Draft]:
    """Yield the maps of what agreements open. Their keys mean what the look-ups before them say."""
    names = [f"agreed_{kind}" for kind in (*traffic.BASE, "offers")] if tables.agreed.sides else []
    names += [f"agreed_{way}_{zone}{version}" for zone, version in tables.agreed.sides for way in ("from", "to")]
    meaning = " ".join(f"<{name}>" for name in names)
    for shape in OF_NONE:
        kind, head = text.declaration(shape)
        yield Draft(kind, shape.name, head, meaning=meaning)


def _openings(shapes: Shapes, found: Iterable[Opening], now: float) -> Iterator[str]:
    """Write what is open or will be."""
    listed = list(found)
    rows = (
        f"{_place(each.key)} timeout {_written(each.ends - now)}{text.comment(each.comment)} : 0x{each.mark:08x}"
        for each in listed
    )
    yield parts.elements(shapes.open.name, _lines(rows))
    later = (f"{_place(each.key)} timeout {_written(each.starts - now)}" for each in listed if each.starts > now)
    yield parts.elements(shapes.early.name, _lines(later))


def _place(key: Key) -> str:
    offer, client = key
    return f"0x{offer:x} . {_classid(int(client))}"


def _written(seconds: float) -> str:
    whole, rest = divmod(
        max(1, round(lasting(seconds) * 1000)), 1000
    )  # nft reads no more milliseconds than 32 bits hold
    days, part = divmod(whole, DAY)
    return f"{days}d{part}s{rest}ms" if whole > MAX_SECONDS else f"{whole}s{rest}ms"


def _verdicts(tables: Tables, zones: dict[str, Zone]) -> Iterator[Draft]:
    """Yield which rule, or which zone's chains, come next."""
    rows = (
        f"0x{offer:x} . {_classid(source)} : goto <rule_{index}>"
        for (offer, source), index in sorted(tables.verdicts.items())
    )
    yield _map("rule_verdicts", "mark . classid : verdict", rows)
    sides = sorted({*tables.rules.sides, *tables.agreed.sides})
    entries = (
        f"{text.quoted(name)} . ipv{version} : goto <from_{zone}{version}>"
        for zone, version in sides
        for name in zones[zone].interfaces
    )
    yield _map("entries", "ifname . nf_proto : verdict", entries)
    answers = (
        f"0x{flow_mark(zones[zone].index, other.index):04x} . ipv{version} : goto <to_{zone}{version}>"
        for zone, version in sides
        for other in zones.values()
        if other.name != zone
    )
    yield _map("answers", "mark . nf_proto : verdict", answers)


def _map(name: str, words: str, rows: Iterable[str]) -> Draft:
    return Draft("map", name, f"{{ type {words}; }}", _lines(rows))


def _set(name: str, words: str, rows: Iterable[str]) -> Draft:
    return Draft("set", name, f"{{ type {words}; }}", _lines(rows))


def _intervals(name: str, words: str, rows: Iterable[str]) -> Draft:
    return Draft("map", name, f"{{ type {words}; flags interval; }}", _lines(rows))


def _lines(rows: Iterable[str]) -> str:
    listed = list(rows)
    step = text.ELEMENTS_PER_LINE
    lines = (", ".join(listed[i : i + step]) for i in range(0, len(listed), step))
    return "  " + ",\n  ".join(lines) if listed else ""
