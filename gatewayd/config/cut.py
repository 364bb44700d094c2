"""Who is cut off, taken out of a site that is put together. Pure.

A peer that is cut off is no peer any more: its calls end, it is a stranger, and calls to it are answered 480. Of an
organisation all peers are cut off, and whatever comes from or goes to its networks is denied before any other rule. A
token is believed no more, whichever issuer has signed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gatewayd.config.whole import Item, Whole
from vdx.site.delegation import Delegation, owner
from vdx.site.source import Lines
from vdx.versions import CutInfo, CutKind

FILE = "cut"
"""Stands for the file in the origin of what a cut adds; the line is that of the journal."""

REFUSAL = 480
"""Temporarily unavailable (RFC 3261 21.4.18): whoever calls them hears nothing of the reason."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Somebody who is cut off, by a line of the journal."""

    kind: CutKind
    name: str
    number: int

    @classmethod
    def of(cls, info: CutInfo) -> Cut:
        """Give what of a cut matters to a site."""
        return cls(info.kind, info.name, info.number)

    def off(self, whole: Whole, delegations: Mapping[str, Delegation]) -> None:
        """Take them out."""
        if self.kind == "peer":
            _peers(whole, {self.name})
        elif self.kind == "organisation":
            _peers(whole, {name for name in whole.block("peers") if owner(name) == self.name})
            _networks(whole, self, delegations.get(self.name))
        else:
            _token(whole, self.name)


def _token(whole: Whole, name: str) -> None:
    """Have nobody believe a token any more, by its id or its bearer."""
    peers = whole.block("peers")
    for label, peer in peers.items():
        tokens = peer.get("tokens") if isinstance(peer, dict) else None
        if isinstance(tokens, dict):
            peers[label] = {**peer, "tokens": {**tokens, "revoked": [*(tokens.get("revoked") or ()), name]}}


def _peers(whole: Whole, gone: set[str]) -> None:
    peers = whole.block("peers")
    rooms = whole.block("rooms")
    for name in gone:
        peers.pop(name, None)
    for alias in [alias for alias, room in rooms.items() if isinstance(room, dict) and room.get("peer") in gone]:
        del rooms[alias]
    plan = whole.items.get(("dialplan",), [])
    whole.items["dialplan",] = [
        Item(_rule(item.value, gone), item.lines, item.file) for item in plan if _caller(item.value) not in gone
    ]


def _caller(rule: Any) -> Any:  # noqa: ANN401 - what YAML holds
    return rule.get("peer") if isinstance(rule, dict) else None


def _rule(rule: Any, gone: set[str]) -> Any:  # noqa: ANN401 - what YAML holds
    """Give a rule of the dial plan without those who are gone; one that leads nowhere else refuses."""
    if not isinstance(rule, dict) or "to" not in rule:
        return rule
    to = rule["to"] if isinstance(rule["to"], list) else [rule["to"]]
    left = [each for each in to if (each.get("peer") if isinstance(each, dict) else each) not in gone]
    if left == to and rule.get("via") not in gone:
        return rule
    if left and rule.get("via") not in gone:
        return {**rule, "to": left}
    asked = {key: value for key, value in rule.items() if key in {"alias", "domain", "zone", "peer", "when"}}
    return {**asked, "refuse": REFUSAL}


def _networks(whole: Whole, cut: Cut, delegation: Delegation | None) -> None:
    lines: Lines = {(): cut.number}
    zones = [str(zone) for zone in whole.block("zones")]
    rules: list[Item] = []
    for zone, (prefixes, files) in _claimed(whole, cut.name, delegation).items():
        if not (prefixes or files):
            continue
        name = f"cut.{cut.name}.{zone}"
        network = {"zone": zone, "prefixes": sorted(prefixes), "files": sorted(files)}
        whole.put(("policy", "networks", name), network, lines, FILE)
        for other in zones:
            if other != zone:
                away = {"zone": zone, "into": other, "action": "deny", "sources": [name]}
                back = {"zone": other, "into": zone, "action": "deny", "targets": [name]}
                rules += [Item(away, lines, FILE), Item(back, lines, FILE)]
    there = whole.items.setdefault(("policy", "rules"), [])
    there[:0] = rules


def _claimed(whole: Whole, organisation: str, delegation: Delegation | None) -> dict[str, tuple[set[str], set[str]]]:
    """Give the prefixes and lists of an organisation in each zone."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for zone, networks in delegation.networks.items() if delegation else ():
        found.setdefault(zone, (set(), set()))[0].update(map(str, networks))
    for entry in _theirs(whole, organisation):
        prefixes, files = found.setdefault(str(entry.get("zone")), (set(), set()))
        prefixes.update(str(each) for key in ("prefixes", "endpoints") for each in entry.get(key) or ())
        files.update(str(each) for each in entry.get("files") or ())
    return found


def _theirs(whole: Whole, organisation: str) -> Iterator[Mapping[str, Any]]:
    for path in (("agreements", "services"), ("agreements", "clients")):
        for entry in whole.block(*path).values():
            if isinstance(entry, dict) and entry.get("organisation") == organisation:
                yield entry
    for name, entry in whole.block("policy", "networks").items():
        if isinstance(entry, dict) and owner(name) == organisation:
            yield entry
