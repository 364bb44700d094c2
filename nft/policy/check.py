"""Errors of a policy: names that nothing has, values that contradict themselves, networks claimed twice. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from nft.errors import ModelError
from nft.policy.fault import Fault
from nft.policy.model import Policy, Rule
from nft.policy.place import named
from nft.policy.prefix import Origin, Prefix

MAX_RULES = 10_000  # a chain of the kernel each; what people write by hand is some hundred
MAX_TOTAL_PREFIXES = 1_000_000  # of all lists together: some 250 MB in the kernel while the old table still stands
MAX_AGREEMENTS = 200_000
SHOWN = 20  # faults told at once


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def origin(self) -> Origin: ...


def errors(policy: Policy) -> list[Fault]:
    """Return everything for which a policy is refused, in the order of its places."""
    found = [*_names(policy), *_sizes(policy), *_networks(policy), *_rules(policy), *_translations(policy)]
    found += [*_parties(policy), *_agreements(policy), *_zones_of_tests(policy)]
    if not found:  # overlaps of what is not known to be sound would only repeat it
        found += [*_claims(policy), *_strangers(policy)]
    return sorted(found)


def refuse(policy: Policy) -> None:
    """Raise ``ModelError``, one sentence a line, where a policy has errors."""
    found = errors(policy)
    if found:
        more = [f"... and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        raise ModelError("\n".join([*map(str, found[:SHOWN]), *more]))


def _error(origin: Origin, code: str, text: str) -> Fault:
    return Fault(origin, "error", code, text)


def _names(policy: Policy) -> Iterator[Fault]:
    known = policy.agreements
    kinds: tuple[tuple[str, Sequence[_Named]], ...] = (
        ("network", policy.networks),
        ("service", policy.services),
        ("organisation", known.organisations),
        ("service of an organisation", known.services),
        ("client", known.clients),
    )
    for kind, listed in kinds:
        yield from _twice(kind, [(each.name, each.origin) for each in listed])
    yield from _twice("agreement", [(each.id, each.origin) for each in known.agreements])


def _twice(kind: str, listed: list[tuple[str, Origin]]) -> Iterator[Fault]:
    seen: dict[str, Origin] = {}
    for name, origin in listed:
        if name in seen:
            yield _error(origin, "duplicate", f"{kind} {name!r} stands here and at {seen[name]}: rename one")
        seen.setdefault(name, origin)


def _sizes(policy: Policy) -> Iterator[Fault]:
    rules, agreements = policy.rules, policy.agreements.agreements
    if len(rules) > MAX_RULES:
        yield _error(rules[MAX_RULES].origin, "size", f"{len(rules):,} rules: this appliance takes {MAX_RULES:,}")
    if len(agreements) > MAX_AGREEMENTS:
        text = f"{len(agreements):,} agreements: this appliance takes {MAX_AGREEMENTS:,}"
        yield _error(agreements[MAX_AGREEMENTS].origin, "size", text)
    total = sum(1 for _ in named(policy))
    if total > MAX_TOTAL_PREFIXES:
        origin = next(prefix.origin for _, _, prefix in named(policy))
        yield _error(origin, "size", f"{total:,} prefixes in all, and {MAX_TOTAL_PREFIXES:,} is the most")


def _zone(policy: Policy, zone: str, origin: Origin) -> Iterator[Fault]:
    if zone not in policy.zones:
        yield _error(origin, "unknown", f"there is no zone {zone!r}: {_known(policy.zones)}")


def _known(names: Iterable[str]) -> str:
    listed = sorted(names)
    return f"known are {', '.join(listed[:SHOWN])}" if listed else "none is known"


def _networks(policy: Policy) -> Iterator[Fault]:
    for network in policy.networks:
        yield from _zone(policy, network.zone, network.origin)
        if not network.prefixes:
            yield _error(network.origin, "empty", f"network {network.name!r} has no prefix: give it one or remove it")
    for service in policy.services:
        if not service.traffic:
            yield _error(service.origin, "empty", f"service {service.name!r} has no traffic: give it ports")


def _rules(policy: Policy) -> Iterator[Fault]:
    services = {service.name for service in policy.services}
    networks = {network.name: network.zone for network in policy.networks}
    for rule in policy.rules:
        yield from _zone(policy, rule.source, rule.origin)
        yield from _zone(policy, rule.target, rule.origin)
        if rule.source == rule.target:
            yield _error(rule.origin, "zone", f"packets within zone {rule.source!r} do not come here: name two zones")
        for names, zone in ((rule.sources, rule.source), (rule.targets, rule.target)):
            yield from _in_zone(networks, names, zone, rule.origin)
        yield from _unknown("service", rule.services, services, rule.origin)
        yield from _limits(rule)


def _limits(rule: Rule) -> Iterator[Fault]:
    if rule.rate < 0 or rule.connections < 0:
        yield _error(rule.origin, "limit", "a limit is a positive number")
    if rule.action == "deny" and (rule.rate or rule.connections):
        yield _error(rule.origin, "limit", "a rule that denies has nothing to limit: remove `rate` and `connections`")


def _in_zone(zones: Mapping[str, str], names: Sequence[str], zone: str, origin: Origin) -> Iterator[Fault]:
    yield from _unknown("network", names, zones, origin)
    for name in names:
        if zones.get(name, zone) != zone:
            yield _error(origin, "zone", f"network {name!r} is in zone {zones[name]!r}, not in {zone!r}")


def _unknown(kind: str, names: Sequence[str], known: Collection[str], origin: Origin) -> Iterator[Fault]:
    for name in names:
        if name not in known:
            yield _error(origin, "unknown", f"there is no {kind} {name!r}: {_known(known)}")


def _translations(policy: Policy) -> Iterator[Fault]:
    taken: dict[object, Origin] = {}
    for each in policy.publications:
        yield from _zone(policy, each.zone, each.origin)
        if each.address.version != each.to.version:
            yield _error(each.origin, "family", f"{each.address} and {each.to} are of different IP versions")
        key = (each.zone, each.protocol, each.address, each.port)
        if key in taken:
            yield _error(each.origin, "duplicate", f"{each.address} {each.protocol}/{each.port} is taken: {taken[key]}")
        taken.setdefault(key, each.origin)
    services = {service.name for service in policy.services}
    networks = {network.name: network.zone for network in policy.networks}
    for masking in policy.maskings:
        yield from _zone(policy, masking.source, masking.origin)
        yield from _zone(policy, masking.target, masking.origin)
        yield from _in_zone(networks, masking.targets, masking.target, masking.origin)
        yield from _unknown("service", masking.services, services, masking.origin)


def _parties(policy: Policy) -> Iterator[Fault]:
    known = policy.agreements
    organisations = {each.name for each in known.organisations}
    for service in known.services:
        yield from _zone(policy, service.zone, service.origin)
        yield from _unknown("organisation", (service.organisation,), organisations, service.origin)
        if not service.endpoints:
            yield _error(service.origin, "empty", f"service {service.name!r} has no endpoint: give it an address")
        if not service.traffic:
            yield _error(service.origin, "empty", f"service {service.name!r} has no traffic: give it ports")
    for client in known.clients:
        yield from _zone(policy, client.zone, client.origin)
        yield from _unknown("organisation", (client.organisation,), organisations, client.origin)
        if not client.prefixes:
            yield _error(client.origin, "empty", f"client {client.name!r} has no prefix: give it one or remove it")


def _agreements(policy: Policy) -> Iterator[Fault]:
    known = policy.agreements
    services = {service.name: service.zone for service in known.services}
    clients = {client.name: client.zone for client in known.clients}
    for each in known.agreements:
        yield from _unknown("client", (each.client,), clients, each.origin)
        yield from _unknown("service", (each.service,), services, each.origin)
        if each.ends <= each.starts:
            yield _error(each.origin, "time", f"agreement {each.id!r} ends before it starts: correct one of the two")
        zone = clients.get(each.client)
        if zone is not None and services.get(each.service) == zone:
            text = f"client and service are both in zone {zone!r}: their packets do not come here"
            yield _error(each.origin, "zone", f"agreement {each.id!r}: {text}")


def _zones_of_tests(policy: Policy) -> Iterator[Fault]:
    for test in policy.tests:
        yield from _zone(policy, test.packet.zone, test.origin)
        if test.packet.target_zone:
            yield from _zone(policy, test.packet.target_zone, test.origin)


def _claims(policy: Policy) -> Iterator[Fault]:
    """Tell of prefixes that two zones claim while a third one sends there: nobody could say which is meant."""
    sending = {rule.source for rule in policy.rules} | {client.zone for client in policy.agreements.clients}
    seen: dict[tuple[int, int, int], dict[str, Origin]] = {}
    for zone, _, prefix in named(policy):
        claims = seen.setdefault(prefix[:3], {})
        for other, origin in claims.items():
            third = sorted(sending - {zone, other})
            if other != zone and zone not in claims and third:
                text = f"{prefix} is in zone {zone!r} here and in {other!r} at {origin}: from {third[0]!r} it is either"
                yield _error(prefix.origin, "claim", text)
        claims.setdefault(zone, prefix.origin)


def _strangers(policy: Policy) -> Iterator[Fault]:
    """Tell of networks that two organisations claim in one zone, be it for clients or as endpoints of services."""
    known = policy.agreements
    rows: dict[tuple[str, int], list[tuple[int, int, str, Prefix]]] = {}
    parties = [(client.zone, client.organisation, client.prefixes) for client in known.clients]
    parties += [(service.zone, service.organisation, service.endpoints) for service in known.services]
    for zone, organisation, prefixes in parties:
        for prefix in prefixes:
            row = (prefix.first, -prefix.last, organisation, prefix)
            rows.setdefault((zone, prefix.version), []).append(row)
    for (zone, _), listed in rows.items():
        yield from _overlapping(zone, sorted(listed))


def _overlapping(zone: str, rows: list[tuple[int, int, str, Prefix]]) -> Iterator[Fault]:
    around: list[tuple[int, int, str, Prefix]] = []
    for row in rows:
        around = [each for each in around if -each[1] >= row[0]]
        other = next((each for each in around if each[2] != row[2]), None)
        if other:
            text = (
                f"{row[3]} of {row[2]!r} overlaps {other[3]} of {other[2]!r} at {other[3].origin} in zone {zone!r}: "
                "a network belongs to one organisation"
            )
            yield _error(row[3].origin, "overlap", text)
        around.append(row)
