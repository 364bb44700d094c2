"""What differs between two sites, in words: peers, dial plan, limits, zones and all else but what may pass. Pure.

What may pass is `nft.policy.diff`. Each sentence knows the zones it concerns, so that their approvers are asked; one
that concerns no zone in particular concerns all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from vdx.site.dialplan import Rule
from vdx.site.model import Site
from vdx.site.source import LoadedSite

BLOCKS: tuple[tuple[str, str], ...] = (
    ("zones", "zone"),
    ("interfaces", "interface"),
    ("peers", "peer"),
    ("rooms", "room"),
    ("delegations", "delegation"),
)
"""Blocks of names, and what one of them is called."""

VALUES = (
    "name", "domains", "time_zone", "access", "limits", "upstream", "acme", "records", "hep", "bus", "management",
)  # fmt: skip
"""The other keys of a site, but `policy` and `agreements`, whose paths are told, and the dial plan."""

SHOWN = 120
"""Characters of one value: a certificate list is named, not printed."""


class Word(NamedTuple):
    """A sentence, and the zones it concerns; none: all."""

    text: str
    zones: tuple[str, ...] = ()


def words(old: LoadedSite, new: LoadedSite) -> Iterator[Word]:
    """Yield every difference but those of paths."""
    before, after = old.site.model_dump(mode="json"), new.site.model_dump(mode="json")
    for block, noun in BLOCKS:
        yield from _block((before[block], after[block]), block, noun, (old, new))
    yield from _dialplan(old, new)
    for key in VALUES:
        for path, was, now in _changes(before[key], after[key], (key,)):
            yield Word(f"{'.'.join(path)}: {_was_now(was, now)} ({new.origin(*path)})")
    tests = (len(old.site.policy.tests), len(new.site.policy.tests))
    if tests[0] != tests[1]:
        yield Word(f"policy.tests: {tests[0]} stated tests, now {tests[1]} ({new.origin('policy', 'tests')})")


def _block(
    sides: tuple[Mapping[str, Any], Mapping[str, Any]], block: str, noun: str, sites: tuple[LoadedSite, LoadedSite]
) -> Iterator[Word]:
    before, after = sides
    for name in dict.fromkeys((*before, *after)):
        zones = _zones(block, name, (before.get(name), after.get(name)), sites)
        if name not in after:
            yield Word(f"{noun} {name!r} is gone ({sites[0].origin(block, name)})", zones)
        elif name not in before:
            said = getattr(sites[1].site, block)[name].model_dump(mode="json", exclude_defaults=True)
            yield Word(f"{noun} {name!r} is new: {_shown(said)} ({sites[1].origin(block, name)})", zones)
        else:
            for path, was, now in _changes(before[name], after[name], ()):
                where = sites[1].origin(block, name, *path)
                yield Word(f"{noun} {name!r}: {'.'.join(path)} {_was_now(was, now)} ({where})", zones)


def _zones(block: str, name: str, values: Iterable[Any], sites: tuple[LoadedSite, LoadedSite]) -> tuple[str, ...]:
    if block == "zones":
        return (name,)
    if block == "interfaces":
        using = [zone for site in sites for zone, each in site.site.zones.items() if each.interface == name]
        return tuple(dict.fromkeys(map(str, using)))
    if block == "peers":
        return tuple(dict.fromkeys(value["zone"] for value in values if value))
    if block == "rooms":
        holders = [site.site.peers.get(site.site.rooms[name].peer) for site in sites if name in site.site.rooms]
        return tuple(dict.fromkeys(str(peer.zone) for peer in holders if peer))
    return ()


def _dialplan(old: LoadedSite, new: LoadedSite) -> Iterator[Word]:
    before = [_rule(rule) for rule in old.site.dialplan]
    after = [_rule(rule) for rule in new.site.dialplan]
    for verb, first, last, begin, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if verb == "equal":
            continue
        for index in range(first, last):
            text = f"dial plan: rule {before[index]} is gone ({old.origin('dialplan', index)})"
            yield Word(text, _of_rule(old.site.dialplan[index], old.site))
        for index in range(begin, end):
            text = f"dial plan: rule {after[index]} is new, number {index + 1} ({new.origin('dialplan', index)})"
            yield Word(text, _of_rule(new.site.dialplan[index], new.site))


def _rule(rule: Rule) -> str:
    return _shown(rule.model_dump(mode="json", exclude_defaults=True) or {"alias": "*"}, whole=True)


def _of_rule(rule: Rule, site: Site) -> tuple[str, ...]:
    if rule.zone is None and rule.peer is None:
        return ()
    named = [site.peers[name].zone for name in (rule.peer, *rule.peers) if name in site.peers]
    return tuple(dict.fromkeys(map(str, [*([rule.zone] if rule.zone else []), *named])))


def _changes(was: Any, now: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:  # noqa: ANN401
    """Yield the innermost places in which two values differ."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*was, *now)):
            yield from _changes(was.get(key), now.get(key), (*path, str(key)))
    elif was != now:
        yield path, was, now


def _was_now(was: object, now: object) -> str:
    if isinstance(was, list) and isinstance(now, list):
        come = [each for each in now if each not in was]
        gone = [each for each in was if each not in now]
        if come or gone:
            return " and ".join(
                f"{verb} {_shown(each)}" for verb, each in (("has gained", come), ("has lost", gone)) if each
            )
        return "is in another order"
    return f"was {_shown(was)}, is {_shown(now)}"


def _shown(value: Any, *, whole: bool = False) -> str:  # noqa: ANN401 - what a model holds
    if value is None or value in ([], {}):
        return "nothing"
    if isinstance(value, dict):
        text = ", ".join(f"{key}: {_inner(each)}" for key, each in value.items())
    elif isinstance(value, list):
        text = ", ".join(map(_inner, value))
    else:
        text = _inner(value)
    return text if whole or len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _inner(value: Any) -> str:  # noqa: ANN401 - what a model holds
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_inner(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inner, value)) + "]"
    return (
        {True: "yes", False: "no", None: "nothing"}.get(value, str(value))
        if isinstance(value, bool | None)
        else str(value)
    )
