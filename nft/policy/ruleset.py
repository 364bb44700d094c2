"""The tables of a policy as the text of table ``inet transit``. Pure; ``nft.apply`` hands it to the kernel.

The table is replaced as a whole in the same transaction as the others; what is open goes in with it, so no packet of a
flow falls between. A packet's way:

1. ``prerouting``, after connection tracking and destination NAT: the look-ups of ``nft.policy.tables``. Mark and
   priority of the packet are their registers. What may pass leaves with the mark of the zone it goes into, which picks
   that zone's routing table; everything else is dropped, but for what is addressed to the appliance itself.
2. ``inet edge`` forward: bans, the way out, and the checks of every source (``nft.ruleset.edge``).

A flow's connection mark says between which zones it was opened. A packet back is looked up with its ends swapped, as
the packet that it answers would be: what a policy or an agreement no longer allows, stops with the next packet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nft.model import Edge, Zone
from nft.number import passing_mark
from nft.policy import chains, traffic
from nft.policy.agreement import DAY
from nft.policy.opening import EARLY, OPEN, TABLE, openings
from nft.policy.prefix import VERSIONS, address
from nft.policy.tables import Class, Stage, Tables
from nft.policy.words import flow_mark
from nft.ruleset import text

COUNTERS = ("denied", "misrouted", "transit_flood", "rate_limited", "connections_limited")
_TYPE = {4: "ipv4_addr", 6: "ipv6_addr"}
MAX_SECONDS = 99_999_999
"""nft reads numbers of eight digits: three years of seconds, and an agreement lasts five."""


def compile_transit(tables: Tables, edge: Edge, now: float) -> str:
    """Return the text that replaces the table; ``now`` in seconds since 1970 turns times into timeouts.

    ``ModelError`` where the policy names a zone that the edge has not got.
    """
    if tables.policy.empty:
        return compile_reset()
    zones = {name: edge.zone(name) for name in tables.policy.zones}
    parts = [
        f"add table inet {TABLE}\n",
        *(f"add counter inet {TABLE} {name}\n" for name in COUNTERS),
        *_known(zones, edge),
        *_stage("rule", tables.rules),
        *_stage("agreed", tables.agreed),
        text.declare(OPEN),
        text.declare(EARLY),
        *_openings(tables, zones, now),
        f"add map inet {TABLE} rule_verdicts {{ type mark . classid : verdict; }}\n",
        f"add map inet {TABLE} entries {{ type ifname . nf_proto : verdict; }}\n",
        f"add map inet {TABLE} answers {{ type mark . nf_proto : verdict; }}\n",
        *chains.limits(tables.policy),
        text.block(TABLE, chains.of(tables, zones)),
        *_verdicts(tables, zones),
    ]
    return compile_reset() + "".join(parts)


def compile_reset() -> str:
    """Return the text that removes the table, whether it exists or not: nothing passes between zones any more."""
    return f"add table inet {TABLE}\ndelete table inet {TABLE}\n"


def _known(zones: dict[str, Zone], edge: Edge) -> Iterator[str]:
    """Write what of the edge this table must know: its own addresses, and which interface leads into which zone."""
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
    yield _set("onward", "mark : mark", onward, kind="map")
    back = (f"{flow[a.name, b.name]} : 0x{passing_mark(a.index):08x}" for a, b in pairs)
    yield _set("backward", "mark : mark", back, kind="map")
    for zone in zones.values():
        rows = (f"0x{passing_mark(b.index):08x} : {flow[a.name, b.name]}" for a, b in pairs if a is zone)
        yield _set(f"flow_{zone.name}", "mark : mark", rows, kind="map")


def _stage(name: str, stage: Stage) -> Iterator[str]:
    """Write the look-ups of one stage."""
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
        yield _set(f"{name}_{wanted}", "inet_service : mark", kinds, kind="map", flags="interval")
    for (zone, version), side in stage.sides.items():
        for word, classes in (("from", side.sources), ("to", side.targets)):
            yield _set(
                f"{name}_{word}_{zone}{version}",
                f"{_TYPE[version]} : classid",
                _ranges(version, classes),
                kind="map",
                flags="interval",
            )
    offers = (f"0x{kind:x} . {_classid(target)} : 0x{offer:x}" for (kind, target), offer in stage.offers.items())
    yield _set(f"{name}_offers", "mark . classid : mark", offers, kind="map")


def _ranges(version: int, classes: Iterable[tuple[int, int, Class]]) -> Iterator[str]:
    for first, last, number in classes:
        if first == last:
            yield f"{address(version, first)} : {_classid(number)}"
        else:
            yield f"{address(version, first)}-{address(version, last)} : {_classid(number)}"


def _classid(number: int) -> str:
    return f"{number >> 16:x}:{number & 0xFFFF:x}"


def _openings(tables: Tables, zones: dict[str, Zone], now: float) -> Iterator[str]:
    """Write what is open or will be."""
    found = openings(tables, {name: zone.index for name, zone in zones.items()}, now)
    rows = (
        f"0x{each.offer:x} . {_classid(each.client)} timeout {_lasting(each.ends - now)}"
        f"{text.comment(each.comment)} : 0x{each.mark:08x}"
        for each in found
    )
    yield _elements("open", rows)
    later = (
        f"0x{each.offer:x} . {_classid(each.client)} timeout {_lasting(each.starts - now)}"
        for each in found
        if each.starts > now
    )
    yield _elements("early", later)


def _lasting(seconds: float) -> str:
    whole, rest = divmod(max(1, round(seconds * 1000)), 1000)  # nft reads no more milliseconds than 32 bits hold
    days, part = divmod(whole, DAY)
    return f"{days}d{part}s{rest}ms" if whole > MAX_SECONDS else f"{whole}s{rest}ms"


def _verdicts(tables: Tables, zones: dict[str, Zone]) -> Iterator[str]:
    """Write which rule, or which zone's chains, come next; these name chains, so they follow them."""
    rows = (
        f"0x{offer:x} . {_classid(source)} : goto rule_{index}"
        for (offer, source), index in sorted(tables.verdicts.items())
    )
    yield _elements("rule_verdicts", rows)
    sides = sorted({*tables.rules.sides, *tables.agreed.sides})
    entries = (
        f"{text.quoted(name)} . ipv{version} : goto from_{zone}{version}"
        for zone, version in sides
        for name in zones[zone].interfaces
    )
    yield _elements("entries", entries)
    answers = (
        f"0x{flow_mark(zones[zone].index, other.index):04x} . ipv{version} : goto to_{zone}{version}"
        for zone, version in sides
        for other in zones.values()
        if other.name != zone
    )
    yield _elements("answers", answers)


def _set(name: str, words: str, rows: Iterable[str], *, kind: str = "set", flags: str = "") -> str:
    flagged = f" flags {flags};" if flags else ""
    return f"add {kind} inet {TABLE} {name} {{ type {words};{flagged} }}\n{_elements(name, rows)}"


def _elements(name: str, rows: Iterable[str]) -> str:
    listed = list(rows)
    if not listed:
        return ""
    lines = (", ".join(listed[i : i + text.ELEMENTS_PER_LINE]) for i in range(0, len(listed), text.ELEMENTS_PER_LINE))
    return f"add element inet {TABLE} {name} {{\n  " + ",\n  ".join(lines) + "\n}\n"
