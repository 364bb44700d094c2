"""What in a policy is most likely a mistake: exact, by sets of addresses, traffic and time. Pure.

A rule is *shadowed* where others decide everything that it matches, *contradicted* where they decide otherwise than it
says, and *redundant* where all would be decided the same without it.
"""

from __future__ import annotations

from collections.abc import Iterator

from nft.policy.agreement import DAY, Agreement
from nft.policy.fault import Fault, Severity
from nft.policy.interval import difference, normal
from nft.policy.match import Reader, cells, deciding
from nft.policy.model import Policy, Rule
from nft.policy.prefix import VERSIONS, Origin
from nft.policy.tables import Tables
from nft.policy.verdict import verdict

SHOWN = 3  # rules named in one sentence


def lint(tables: Tables, now: int) -> list[Fault]:
    """Return what is doubtful about a policy at a time (seconds since 1970), in the order of its places."""
    policy = tables.policy
    reader = Reader(policy)
    found = [*_rules(policy, reader), *_untested(tables, now), *_unused(policy)]
    found += [*_times(policy, now), *_doubled(tables), *_denied(policy, reader)]
    return sorted(found)


def _fault(origin: Origin, severity: Severity, code: str, text: str) -> Fault:
    return Fault(origin, severity, code, text)


def _rules(policy: Policy, reader: Reader) -> Iterator[Fault]:
    met: set[frozenset[int]] = set()
    for zone in policy.zones:
        for version in VERSIONS:
            boxes = [(i, reader.box(rule, version)) for i, rule in enumerate(policy.rules) if rule.source == zone]
            met.update(cell.rules for cell in cells(boxes))
    meeting: list[list[frozenset[int]]] = [[] for _ in policy.rules]
    for together in met:
        for index in together:
            meeting[index].append(together)
    for index, rule in enumerate(policy.rules):
        if not meeting[index]:
            text = f"matches nothing: its networks have no address in zone {rule.target!r} in common with it"
            yield _fault(rule.origin, "warning", "empty", text)
            continue
        first = sorted({min(together) for together in meeting[index]})
        if index not in first:
            yield _shadowed(policy, rule, first)
        elif all(_same_without(policy, index, each) for each in meeting[index] if min(each) == index):
            others = sorted({min(each - {index}) for each in meeting[index] if min(each) == index})
            text = f"is needless: {_named(policy, others)} would decide the same"
            yield _fault(rule.origin, "warning", "redundant", text)


def _shadowed(policy: Policy, rule: Rule, first: list[int]) -> Fault:
    against = [index for index in first if policy.rules[index].action != rule.action]
    if against:
        text = f"should {rule.action}, but otherwise decided before it by {_named(policy, against)}"
        return _fault(rule.origin, "warning", "contradicted", text)
    return _fault(
        rule.origin, "warning", "shadowed", f"never decides: everything is decided before, by {_named(policy, first)}"
    )


def _same_without(policy: Policy, index: int, together: frozenset[int]) -> bool:
    rest = together - {index}
    return bool(rest) and _effect(policy.rules[index]) == _effect(policy.rules[min(rest)])


def _effect(rule: Rule) -> tuple[object, ...]:
    return rule.target, rule.action, rule.log, rule.rate, rule.connections


def _named(policy: Policy, indices: list[int]) -> str:
    words = ", ".join(str(policy.rules[index].origin) for index in indices[:SHOWN])
    more = f" and {len(indices) - SHOWN} more" if len(indices) > SHOWN else ""
    return f"the rule at {words}{more}" if len(indices) == 1 else f"the rules at {words}{more}"


def _untested(tables: Tables, now: int) -> Iterator[Fault]:
    """Tell of rules that allow and that no test has met. Agreements are many and made by others: they need none."""
    met: set[Origin] = set()
    for test in tables.policy.tests:
        met.update(verdict(tables, test.packet, now if test.at is None else test.at).origins)
    for rule in tables.policy.rules:
        if rule.action == "allow" and rule.origin not in met:
            text = "allows what no test covers: state a packet that must pass by it under `tests`"
            yield _fault(rule.origin, "warning", "untested", text)


def _unused(policy: Policy) -> Iterator[Fault]:
    networks = {name for rule in policy.rules for name in (*rule.sources, *rule.targets)}
    services = {name for rule in policy.rules for name in rule.services}
    for masking in policy.maskings:
        networks.update(masking.targets)
        services.update(masking.services)
    for network in policy.networks:
        if network.name not in networks:
            yield _fault(network.origin, "notice", "unused", f"no rule names network {network.name!r}")
    for service in policy.services:
        if service.name not in services:
            yield _fault(service.origin, "notice", "unused", f"no rule names service {service.name!r}")


def _times(policy: Policy, now: int) -> Iterator[Fault]:
    known = policy.agreements
    effective = {each.id for each in known.effective()}
    ending = {each.id for each in known.ending(now)}
    for each in known.agreements:
        if each.ends <= now:
            text = f"agreement {each.id!r} is over since {_days(now - each.ends)}: renew or remove it"
            yield _fault(each.origin, "warning", "over", text)
        elif each.id not in effective:
            text = f"agreement {each.id!r} waits for the provider of {each.service!r} to approve it"
            yield _fault(each.origin, "notice", "waiting", text)
        elif each.id in ending:
            text = (
                f"agreement {each.id!r} ends in {_days(each.ends - now)}: {each.client!r} loses {each.service!r} then"
            )
            yield _fault(each.origin, "warning", "ending", text)


def _days(seconds: int) -> str:
    days = seconds // DAY
    return f"{days} days" if days > 1 else "one day" if days else "less than a day"


def _doubled(tables: Tables) -> Iterator[Fault]:
    """Tell of agreements all of whose paths others keep open at every moment of theirs."""
    known = {each.id: each for each in tables.policy.agreements.effective()}
    needed: set[str] = set()
    beside: dict[str, set[str]] = {}
    for cell in tables.cells.values():
        for window in cell.windows:
            for name in window.ids:
                others = [known[other] for other in window.ids if other != name]
                beside.setdefault(name, set()).update(other.id for other in others)
                if _alone(known[name], others):
                    needed.add(name)
    for name, others_ in beside.items():
        if name not in needed:
            text = f"agreement {name!r} is needless: {', '.join(sorted(others_)[:SHOWN])} opens the same as long"
            yield _fault(known[name].origin, "warning", "redundant", text)


def _alone(one: Agreement, others: list[Agreement]) -> bool:
    covering = normal((other.starts, other.ends - 1) for other in others)
    return bool(difference(((one.starts, one.ends - 1),), covering))


def _denied(policy: Policy, reader: Reader) -> Iterator[Fault]:
    """Tell of agreements from which rules that deny take something, and of those that rules outlive."""
    known = policy.agreements
    clients = {client.name: client for client in known.clients}
    services = {service.name: service for service in known.services}
    for each in known.effective():
        client, service = clients[each.client], services[each.service]
        by = {
            index
            for version in VERSIONS
            if reader.between(client.zone, service.zone, version)
            for index, _ in deciding(reader, version, client, service)
            if index is not None
        }
        for action, code, text in _BESIDE:
            if named := sorted(index for index in by if policy.rules[index].action == action):
                words = text.format(
                    agreement=repr(each.id), rules=_named(policy, named), s="s" if len(named) == 1 else ""
                )
                yield _fault(each.origin, "warning", code, words)


_BESIDE = (
    ("deny", "denied", "agreement {agreement} opens less than it says: {rules} denies first"),
    (
        "allow",
        "outlived",
        "agreement {agreement} does not close all when it ends: {rules} allow{s} the same at any time",
    ),
)
