"""The prover is itself proved: what a compiler does right passes, and one bit that is wrong is caught."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from itertools import pairwise, product
from random import Random
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gatewayd.prove.entries import SENDABLE, packet
from gatewayd.prove.order import Order
from gatewayd.prove.probes import Probe, plan
from gatewayd.prove.reach import Ways
from nft.policy.compile import compile_policy
from nft.policy.interval import IntervalMap, Intervals, intersection
from nft.policy.model import Masking, Policy, Publication, Rule
from nft.policy.tables import Stage, Tables
from nft.policy.verdict import verdict
from tests.nft.policy.drawn import policies
from tests.nft.policy.world import NOW, POLICY, at
from tests.system.prove.conftest import Remote

pytestmark = pytest.mark.system

T = TypeVar("T")
QUICK = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
ALTERATIONS = 30  # each takes 0.1 s on a quiet machine
ENOUGH = 10  # of them must be told by packets, not by a kernel that refuses to load


def asked(base: Order, policy: Policy) -> tuple[Tables, list[Probe]]:
    made = replace(base, policy=policy)
    tables = compile_policy(policy)
    return tables, list(plan(made, tables).probes)


@settings(QUICK, max_examples=15)
@given(policies())
def test_what_the_compiler_makes_of_any_policy_holds_in_the_kernel(base: Order, remote: Remote, policy: Policy) -> None:
    tables, probes = asked(base, policy)
    now = [probe for probe in probes if probe.at == NOW]
    assert remote.ask(tables, policy, now) == []


def altered(tables: Tables, random: Random) -> Tables:
    """Return the tables with one bit of a prefix, a port or a verdict turned over."""
    kind = random.choice(["source", "target", "traffic", "verdict", "rule"])
    if kind == "rule" and tables.policy.rules:
        index = random.randrange(len(tables.policy.rules))
        rules = list(tables.policy.rules)
        rules[index] = replace(rules[index], action="deny" if rules[index].action == "allow" else "allow")
        return replace(tables, policy=replace(tables.policy, rules=tuple(rules)))
    if kind == "verdict" and tables.verdicts:
        key = random.choice(list(tables.verdicts))
        return replace(tables, verdicts={**tables.verdicts, key: random.randrange(len(tables.policy.rules))})
    stage = random.choice([each for each in (tables.rules, tables.agreed) if each.sides])
    wrong = altered_stage(stage, kind, random)
    return replace(tables, rules=wrong) if stage is tables.rules else replace(tables, agreed=wrong)


def altered_stage(stage: Stage, kind: str, random: Random) -> Stage:
    if kind == "traffic":
        return replace(stage, traffic=turned(stage.traffic, 16, random))
    zone, version = random.choice(list(stage.sides))
    side, width = stage.sides[zone, version], 32 if version == 4 else 128
    if kind == "source":
        side = replace(side, sources=turned(side.sources, width, random))
    else:
        side = replace(side, targets=turned(side.targets, width, random))
    return replace(stage, sides={**stage.sides, (zone, version): side})


def turned(rows: IntervalMap[T], width: int, random: Random) -> IntervalMap[T]:
    if not rows.firsts:
        return rows
    at, bit = random.randrange(len(rows)), 1 << random.randrange(width)
    firsts, lasts = list(rows.firsts), list(rows.lasts)
    single = firsts[at] == lasts[at]
    if single or random.random() < 0.5:
        firsts[at] ^= bit
    if single or firsts[at] == rows.firsts[at]:
        lasts[at] ^= bit
    return IntervalMap(*zip(*sorted(zip(firsts, lasts, rows.values, strict=True)), strict=True))


def differ(base: Order, before: Tables, after: Tables) -> str:
    """Return a packet that can be sent and that only one of two tables lets pass there; empty where none is."""
    for zone, version, axes in cut(base, before, after):
        for values in product(*axes):
            one = packet(zone, version, *values)
            was, becomes = (verdict(tables, one, NOW) for tables in (before, after))
            if (was.allowed, was.zone) != (becomes.allowed, becomes.zone):
                return f"{one}: {was}, altered {becomes}"
    return ""


def cut(base: Order, *both: Tables) -> Iterator[tuple[str, int, list[list[int]]]]:
    """Yield a value of every stretch between two cuts of sources, targets and traffic: between, nothing changes."""
    ways = Ways(base.edge, base.network)
    stages = [stage for tables in both for stage in (tables.rules, tables.agreed)]
    kinds = stretches([stage.traffic for stage in stages], SENDABLE)
    for zone, version in {key for stage in stages for key in stage.sides}:
        sides = [stage.sides[zone, version] for stage in stages if (zone, version) in stage.sides]
        sources = stretches([side.sources for side in sides], ways.sound(zone, version))
        towards = ways.towards(both[0].places[zone, version], version)
        yield zone, version, [sources, stretches([side.targets for side in sides], towards), kinds]


def stretches(maps: list[IntervalMap[T]], usable: Intervals) -> list[int]:
    found = {0, *(first for rows in maps for first in rows.firsts), *(each + 1 for rows in maps for each in rows.lasts)}
    bounds = [*sorted(found), 1 << 128]
    parts = (intersection(((first, after - 1),), usable) for first, after in pairwise(bounds))
    return [part[0][0] for part in parts if part]


TRANSLATED = replace(
    POLICY,
    rules=(*POLICY.rules, Rule("internet", "core", "allow", at(30), (), ("web",), ("https",))),
    publications=(
        Publication("internet", "tcp", IPv4Address("198.18.2.1"), 443, IPv4Address("10.9.0.5"), 443, at(31)),
    ),
    maskings=(Masking("mgmt", "core", IPv4Address("198.18.3.1"), at(32)),),
)


@pytest.mark.parametrize("kind", ["address", "port", "to", "to_port", "masking", "none"])
def test_one_bit_that_is_wrong_of_a_translation_is_caught(base: Order, remote: Remote, kind: str) -> None:
    tables, probes = asked(base, TRANSLATED)
    policy, bit = TRANSLATED, 1 << secrets.randbelow(8)
    (publication,), (masking,) = policy.publications, policy.maskings
    match kind:
        case "address":
            publication = replace(publication, address=IPv4Address(int(publication.address) ^ bit))
        case "to":
            publication = replace(publication, to=IPv4Address(int(publication.to) ^ bit))
        case "port":
            publication = replace(publication, port=publication.port ^ bit)
        case "to_port":
            publication = replace(publication, to_port=publication.to_port ^ bit)
        case "masking":
            masking = replace(masking, address=IPv4Address(int(masking.address) ^ bit))
    policy = replace(policy, publications=(publication,), maskings=(masking,))
    found = remote.ask(replace(tables, policy=policy), TRANSLATED, [probe for probe in probes if probe.at == NOW])
    assert bool(found) is (kind != "none"), found


def test_one_bit_that_is_wrong_is_caught(base: Order, remote: Remote) -> None:
    tables, probes = asked(base, POLICY)
    now = [probe for probe in probes if probe.at == NOW]
    seed = secrets.randbits(32)
    random = Random(seed)  # noqa: S311 - no secret
    seen = 0
    for _ in range(ALTERATIONS):
        wrong = altered(tables, random)
        found = remote.ask(wrong, POLICY, now)
        seen += isinstance(found, list) and bool(found)
        if not found:
            assert differ(base, tables, wrong) == "", f"seed {seed}"
    assert seen >= ENOUGH


@settings(QUICK, max_examples=15)
@given(policies(), st.randoms(use_true_random=True))
def test_one_bit_that_is_wrong_in_any_policy_is_caught(
    base: Order, remote: Remote, policy: Policy, random: Random
) -> None:
    tables, probes = asked(base, policy)
    if tables.rules.sides or tables.agreed.sides:
        now = [probe for probe in probes if probe.at == NOW]
        wrong = altered(tables, random)
        if not remote.ask(wrong, policy, now):
            assert differ(base, tables, wrong) == ""
