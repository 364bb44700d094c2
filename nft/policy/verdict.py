"""What the ruleset decides about a packet, and by which rule. Pure: it reads the same tables that the kernel gets.

Rates and connection limits are not part of it: they say how often, not whether.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from nft.policy.interval import contains
from nft.policy.model import Action, Policy, Rule, Test
from nft.policy.packet import Packet
from nft.policy.place import places
from nft.policy.prefix import Origin
from nft.policy.tables import Class, Offer, Side, Stage, Tables, Window

By = Literal["rule", "agreement", "default", "appliance"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for the first packet of a flow, and for every one after it.

    ``origins`` are where what decided is written; ``packet`` is as it was judged, with its destination translated.
    ``zone`` is where it goes, empty where nobody could tell; ``until`` ends an agreement's answer.
    """

    action: Action
    by: By
    packet: Packet
    zone: str
    text: str
    origins: tuple[Origin, ...] = ()
    until: int | None = None

    @property
    def allowed(self) -> bool:
        """Whether the packet passes."""
        return self.action == "allow"

    def __str__(self) -> str:
        where = ", ".join(map(str, self.origins))
        return f"{self.action}: {self.text}{f' ({where})' if where else ''}"


def verdict(tables: Tables, packet: Packet, at: int) -> Verdict:
    """Return what happens to a packet at a time (seconds since 1970)."""
    judged = _translated(tables.policy, packet)
    if judged.target in tables.policy.own:
        text = f"{judged.target} is the appliance itself: its listeners and services decide, and nothing passes"
        return Verdict("deny", "appliance", judged, "", text)
    zone = _zone(tables, judged)
    if packet.target_zone and zone != packet.target_zone:
        seen = f"is in zone {zone!r}" if zone else "is in no zone that is named"
        text = f"from {packet.zone!r}, {judged.target} {seen}, not in {packet.target_zone!r}"
        return Verdict("deny", "default", judged, zone, text)
    rule = _rule(tables, judged)
    if rule is not None:
        words = f"rule from {rule.source} to {rule.target}"
        return Verdict(rule.action, "rule", judged, zone, words, (rule.origin,))
    window, text = _agreed(tables, judged, at)
    if window is None:
        return Verdict("deny", "default", judged, zone, text)
    asked = (tables.named[name] for name in window.ids)
    found = [each for each in asked if each.starts <= at < each.ends]
    words = f"agreement {', '.join(each.id for each in found)}"
    return Verdict("allow", "agreement", judged, zone, words, tuple(each.origin for each in found), window.ends)


def failures(tables: Tables, now: int) -> list[tuple[Test, Verdict]]:
    """Return the tests of a policy that do not hold, each with what happens instead."""
    asked = ((test, verdict(tables, test.packet, now if test.at is None else test.at)) for test in tables.policy.tests)
    return [(test, found) for test, found in asked if found.action != test.expect]


def _translated(policy: Policy, packet: Packet) -> Packet:
    for each in policy.publications:
        if (each.zone, each.protocol, each.address, each.port) == (
            packet.zone,
            packet.kind,
            packet.target,
            packet.port,
        ):
            return replace(packet, target=each.to, port=each.to_port)
    return packet


def _zone(tables: Tables, packet: Packet) -> str:
    key = (packet.zone, packet.version)
    found = tables.places[key] if key in tables.places else places(tables.policy, *key)
    return next((zone for zone, held in found.items() if contains(held, int(packet.target))), "")


def _cell(stage: Stage, packet: Packet) -> tuple[Offer, Class] | None:
    """Follow the look-ups of one stage; None where one of them misses."""
    side: Side | None = stage.sides.get((packet.zone, packet.version))
    if side is None:
        return None
    kind, target = stage.traffic.get(packet.place), side.targets.get(int(packet.target))
    source = side.sources.get(int(packet.source))
    offer = stage.offers.get((kind, target)) if kind and target else None
    return (offer, source) if offer and source else None


def _rule(tables: Tables, packet: Packet) -> Rule | None:
    cell = _cell(tables.rules, packet)
    index = tables.verdicts.get(cell) if cell else None
    return None if index is None else tables.policy.rules[index]


def _agreed(tables: Tables, packet: Packet, at: int) -> tuple[Window | None, str]:
    key = _cell(tables.agreed, packet)
    cell = tables.cells.get(key) if key else None
    if cell is None:
        return None, "no rule and no agreement allows it"
    for window in cell.windows:
        if window.starts <= at < window.ends:
            return window, ""
    ids = ", ".join(name for window in cell.windows for name in window.ids)
    return None, f"no rule allows it, and agreement {ids} is not in force at that time"
