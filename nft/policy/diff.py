"""What a new policy opens and closes compared with an old one, in words: paths first, then what stands behind. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from nft.policy import traffic
from nft.policy.agreement import Agreement, Client, Offer
from nft.policy.beside import beside
from nft.policy.change import Change, Verb, path, told
from nft.policy.interval import Intervals, difference
from nft.policy.match import Box, Reader, cells, deciding, joined
from nft.policy.model import Policy, Rule
from nft.policy.prefix import VERSIONS, Prefix, covered


def diff(old: Policy, new: Policy) -> list[Change]:
    """Return every difference in what passes; equal meaning in other words is none. Both are without errors."""
    readers = (Reader(old), Reader(new))
    found = [*_rules(old, new, readers), *_clients(old, new), *_services(old, new)]
    return [*found, *_agreements(old, new, readers), *beside(old, new, readers), *_translations(old, new)]


def _rules(old: Policy, new: Policy, readers: tuple[Reader, Reader]) -> Iterator[Change]:
    for zone in dict.fromkeys((*old.zones, *new.zones)):
        for version in VERSIONS:
            boxes = [
                ((which, index), reader.box(rule, version))
                for which, (policy, reader) in enumerate(zip((old, new), readers, strict=True))
                for index, rule in enumerate(policy.rules)
                if rule.source == zone
            ]
            yield from _between(zone, version, boxes, (old.rules, new.rules))


def _between(
    zone: str, version: int, boxes: list[tuple[tuple[int, int], Box]], rules: tuple[tuple[Rule, ...], tuple[Rule, ...]]
) -> Iterator[Change]:
    """Yield what differs for packets from one zone, joined where the same rules decide."""
    alike: dict[tuple[Rule | None, Rule | None], list[Box]] = {}
    for cell in cells(boxes):
        before, after = (_first(cell.rules, which, rules[which]) for which in (0, 1))
        if _effect(before) != _effect(after):
            alike.setdefault((before, after), []).append(cell.box)
    for (before, after), found in alike.items():
        target = next(rule.target for rule in (after, before) if rule)
        for box in joined(found):
            yield Change(_verb(before, after), zone, target, f"{path(version, box)} ({_why(before, after)})")


def _first(together: frozenset[tuple[int, int]], which: int, rules: tuple[Rule, ...]) -> Rule | None:
    index = min((index for policy, index in together if policy == which), default=None)
    return None if index is None else rules[index]


def _effect(rule: Rule | None) -> tuple[object, ...] | None:
    return (rule.target, rule.action, rule.log, rule.rate, rule.connections) if rule else None


def _verb(before: Rule | None, after: Rule | None) -> Verb:
    was, now = (rule is not None and rule.action == "allow" for rule in (before, after))
    return "opened" if now and not was else "closed" if was and not now else "changed"


def _why(before: Rule | None, after: Rule | None) -> str:
    if before and after and before.action == after.action:
        return ", ".join((f"{after.action} at {after.origin}", *_otherwise(before, after)))
    said = [f"{rule.action} at {rule.origin}" if rule else "left to agreements" for rule in (before, after)]
    return ", now ".join(said)


def _otherwise(before: Rule, after: Rule) -> Iterator[str]:
    """Yield in what two rules of the same action differ."""
    if before.target != after.target:
        yield f"into {after.target} instead of {before.target}"
    if before.log != after.log:
        yield "now logged" if after.log else "no longer logged"
    for name in ("rate", "connections"):
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            yield f"{name} {was or 'as usual'}, now {now or 'as usual'}"


def _gone_and_come(before: tuple[Prefix, ...], after: tuple[Prefix, ...]) -> Iterator[tuple[Verb, str]]:
    for version in VERSIONS:
        was, now = covered(before, version), covered(after, version)
        if come := difference(now, was):
            yield "opened", told(version, come)
        if gone := difference(was, now):
            yield "closed", told(version, gone)


def _partners(policy: Policy) -> tuple[dict[str, Client], dict[str, Offer]]:
    known = policy.agreements
    return {client.name: client for client in known.clients}, {service.name: service for service in known.services}


def _clients(old: Policy, new: Policy) -> Iterator[Change]:
    """Yield prefixes that clients of agreements have gained or lost."""
    before = _partners(old)[0]
    used = {each.client for each in new.agreements.effective()}
    for client in new.agreements.clients:
        if client.name in before and client.name in used:
            if before[client.name].zone != client.zone:
                yield Change("changed", client.zone, "*", _moved("client", before[client.name], client))
            for verb, words in _gone_and_come(before[client.name].prefixes, client.prefixes):
                yield Change(verb, client.zone, "*", f"client {client.name!r}: {words} ({client.origin})")


def _services(old: Policy, new: Policy) -> Iterator[Change]:
    """Yield endpoints and traffic that services with agreements have gained or lost."""
    before = _partners(old)[1]
    used = {each.service for each in new.agreements.effective()}
    for service in new.agreements.services:
        if service.name not in before or service.name not in used:
            continue
        was = before[service.name]
        if was.zone != service.zone:
            yield Change("changed", "*", service.zone, _moved("service", was, service))
        for verb, words in _gone_and_come(was.endpoints, service.endpoints):
            yield Change(verb, "*", service.zone, f"service {service.name!r}: {words} ({service.origin})")
        kinds: tuple[tuple[Verb, Intervals], ...] = (
            ("opened", difference(service.traffic, was.traffic)),
            ("closed", difference(was.traffic, service.traffic)),
        )
        for verb, found in kinds:
            if found:
                text = f"service {service.name!r}: {traffic.show(found)} ({service.origin})"
                yield Change(verb, "*", service.zone, text)


def _moved(kind: str, was: Client | Offer, now: Client | Offer) -> str:
    return f"{kind} {now.name!r} is in zone {now.zone!r}, was in {was.zone!r} ({now.origin})"


def _agreements(old: Policy, new: Policy, readers: tuple[Reader, Reader]) -> Iterator[Change]:
    before = {each.id: each for each in old.agreements.effective()}
    after = {each.id: each for each in new.agreements.effective()}
    known, known_now = _partners(old), _partners(new)
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was and now and (was.client, was.service) == (now.client, now.service):
            if (was.starts, was.ends) != (now.starts, now.ends):
                client, service = known_now[0][now.client], known_now[1][now.service]
                yield Change("changed", client.zone, service.zone, _used(now, f", before {_times(was)}"))
            continue
        if was:
            yield _agreement("closed", was, known[0][was.client], known[1][was.service], old.rules, readers[0])
        if now:
            yield _agreement("opened", now, known_now[0][now.client], known_now[1][now.service], new.rules, readers[1])


def _agreement(
    verb: Verb, one: Agreement, client: Client, service: Offer, rules: tuple[Rule, ...], reader: Reader
) -> Change:
    """Return that an agreement comes or goes, and what of it rules deny: it opens that for nobody."""
    denied, passes = dict[str, list[str]](), False
    for version in VERSIONS:
        for index, box in deciding(reader, version, client, service):
            rule = None if index is None else rules[index]
            if rule and rule.action == "deny":
                denied.setdefault(f"deny at {rule.origin}", []).append(path(version, box))
            else:
                passes = True
    if not denied:
        words = _used(one)
    elif passes:
        words = "; ".join((_used(one), *(f"not {', '.join(paths)}: {why}" for why, paths in denied.items())))
    else:
        verb, words = "changed", f"{_used(one)}; it opens nothing: {', '.join(denied)}"
    return Change(verb, client.zone, service.zone, words)


def _used(one: Agreement, instead: str = "") -> str:
    return f"agreement {one.id!r}: {one.client!r} uses {one.service!r} {_times(one)}{instead} ({one.origin})"


def _times(one: Agreement) -> str:
    return f"from {_moment(one.starts)} until {_moment(one.ends)}"


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _translations(old: Policy, new: Policy) -> Iterator[Change]:
    sides: tuple[tuple[Verb, Policy, Policy], ...] = (("closed", old, new), ("opened", new, old))
    for verb, here, there in sides:
        known = {(p.zone, p.protocol, p.address, p.port, p.to, p.to_port) for p in there.publications}
        for p in here.publications:
            if (p.zone, p.protocol, p.address, p.port, p.to, p.to_port) not in known:
                text = f"{p.address} {p.protocol}/{p.port} stands for {p.to} {p.protocol}/{p.to_port} ({p.origin})"
                yield Change(verb, p.zone, "*", text)
        masked = {(m.source, m.target, m.address, m.targets, m.services) for m in there.maskings}
        for m in here.maskings:
            if (m.source, m.target, m.address, m.targets, m.services) not in masked:
                yield Change("changed", m.source, m.target, f"{verb}: flows leave with {m.address} ({m.origin})")
