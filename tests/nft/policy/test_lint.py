"""What lint says, and that it is exact: a rule it calls needless can go without any verdict changing."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nft.policy.agreement import Agreements
from nft.policy.compile import compile_policy
from nft.policy.lint import lint
from nft.policy.match import Box, cut
from nft.policy.model import Policy, Rule
from nft.policy.packet import Packet
from nft.policy.verdict import verdict
from tests.nft.policy.drawn import packets, policies
from tests.nft.policy.naive import naive
from tests.nft.policy.world import (
    DAY,
    NOW,
    ORGANISATIONS,
    POLICY,
    ZONES,
    agreement,
    at,
    client,
    network,
    offer,
    service,
)


def told(policy: Policy, *codes: str) -> list[str]:
    return [f"{f.origin.line} {f.code}: {f.text}" for f in lint(compile_policy(policy), NOW) if f.code in codes]


NETWORKS = (
    network("all", "sdn", "10.0.0.0/8"),
    network("one", "sdn", "10.1.0.0/16"),
    network("two", "sdn", "10.2.0.0/16"),
    network("web", "core", "172.16.0.0/24"),
)
HTTPS = service("https", "tcp/443")
ANY = Rule("sdn", "core", "allow", at(1), ("all",), ("web",), ("https",))


def ruled(*rules: Rule) -> Policy:
    return Policy(ZONES, NETWORKS, (HTTPS,), rules)


def test_a_rule_that_others_decide_is_shadowed_or_contradicted() -> None:
    again = replace(ANY, sources=("one",), origin=at(2), log=True)
    against = replace(again, action="deny", log=False, origin=at(3))
    assert told(ruled(ANY, again, against), "shadowed", "contradicted") == [
        "2 shadowed: never decides: everything is decided before, by the rule at site.yaml:1",
        "3 contradicted: should deny, but otherwise decided before it by the rule at site.yaml:1",
    ]


def test_a_rule_that_only_several_others_cover_together_is_shadowed() -> None:
    parts = (replace(ANY, sources=("one",), origin=at(1)), replace(ANY, sources=("two",), origin=at(2)))
    both = replace(ANY, sources=("one", "two"), origin=at(3))
    assert told(ruled(*parts, both), "shadowed") == [
        "3 shadowed: never decides: everything is decided before, by the rules at site.yaml:1, site.yaml:2"
    ]
    assert told(ruled(*parts, ANY), "shadowed") == []


def test_an_exception_before_a_rule_is_no_mistake() -> None:
    exception = replace(ANY, sources=("one",), action="deny", origin=at(2))
    assert told(ruled(exception, ANY), "shadowed", "contradicted", "redundant") == []


def test_a_rule_without_which_nothing_changes_is_redundant() -> None:
    first = replace(ANY, sources=("one",), origin=at(2))
    assert told(ruled(first, ANY), "redundant") == [
        "2 redundant: is needless: the rule at site.yaml:1 would decide the same"
    ]
    assert told(ruled(replace(first, log=True), ANY), "redundant") == []


def test_a_rule_that_can_match_nothing_is_told() -> None:
    nowhere = Policy(("sdn", "core"), NETWORKS[:1], rules=(replace(ANY, targets=(), services=(), origin=at(4)),))
    assert told(nowhere, "empty") == [
        "4 empty: matches nothing: its networks have no address in zone 'core' in common with it"
    ]


def test_an_allow_needs_a_test() -> None:
    assert told(POLICY, "untested") == [
        "11 untested: allows what no test covers: state a packet that must pass by it under `tests`"
    ]
    assert told(replace(POLICY, tests=()), "untested")[0].startswith("10 ")


def test_what_no_rule_names_is_told() -> None:
    assert told(POLICY, "unused") == ["7 unused: no rule names service 'sip'"]


def agreed(*agreements: object, deny: bool = False) -> Policy:
    known = Agreements(
        ORGANISATIONS,
        (offer("sip", "tcp/5061", "10.9.0.1"),),
        (client("ward", "10.1.0.0/16"), client("ward-7", "10.1.7.0/24")),
        agreements,  # type: ignore[arg-type] # of agreements
    )
    rules = (Rule("sdn", "core", "deny", at(9), ("quarantine",)),) if deny else ()
    return Policy(ZONES, (network("quarantine", "sdn", "10.1.7.128/25"),), (), rules, agreements=known)


def test_agreements_that_end_soon_are_over_or_wait_are_told() -> None:
    soon = agreement("soon", "ward", "sip", NOW - DAY, NOW + 30 * DAY, 1)
    later = agreement("later", "ward", "sip", NOW + 31 * DAY, NOW + 91 * DAY, 2)
    over = agreement("over", "ward", "sip", NOW - 9 * DAY, NOW - DAY, 3)
    waiting = replace(agreement("asked", "ward", "sip", NOW - DAY, NOW + 900 * DAY, 4), approved=False)
    assert told(agreed(soon, later, over, waiting), "ending", "over", "waiting") == [
        "1 ending: agreement 'soon' ends in 30 days: 'ward' loses 'sip' then",
        "3 over: agreement 'over' is over since one day: renew or remove it",
        "4 waiting: agreement 'asked' waits for the provider of 'sip' to approve it",
    ]


def test_an_agreement_that_another_follows_without_a_gap_does_not_end() -> None:
    soon = agreement("soon", "ward", "sip", NOW - DAY, NOW + 30 * DAY, 1)
    next_ = agreement("next", "ward", "sip", NOW + 30 * DAY, NOW + 900 * DAY, 2)
    assert told(agreed(soon, next_), "ending") == []


def test_an_agreement_that_another_covers_in_addresses_and_time_is_redundant() -> None:
    wide = agreement("wide", "ward", "sip", NOW - DAY, NOW + 200 * DAY, 1)
    narrow = agreement("narrow", "ward-7", "sip", NOW, NOW + 100 * DAY, 2)
    assert told(agreed(wide, narrow), "redundant") == [
        "2 redundant: agreement 'narrow' is needless: wide opens the same as long"
    ]
    assert told(agreed(wide, replace(narrow, ends=NOW + 201 * DAY)), "redundant") == []


def test_an_agreement_from_which_a_rule_takes_something_is_told() -> None:
    wide, narrow = agreement("wide", "ward", "sip", line=1), agreement("narrow", "ward-7", "sip", line=2)
    assert [line.split(":")[0] for line in told(agreed(wide, narrow, deny=True), "denied")] == ["1 denied", "2 denied"]
    assert told(agreed(wide, narrow), "denied") == []
    beside = agreed(wide, narrow, deny=True)
    beside = replace(beside, networks=(network("quarantine", "sdn", "10.2.0.0/16"),))
    assert told(beside, "denied") == [], "what a rule takes from others is no matter"


def test_an_agreement_whose_path_a_rule_keeps_open_after_its_end_is_told() -> None:
    known = agreed(agreement("wide", "ward", "sip", line=1))
    wards = network("wards", "sdn", "10.1.0.0/17")
    policy = replace(known, networks=(wards,), rules=(Rule("sdn", "core", "allow", at(9), ("wards",)),))
    assert told(policy, "outlived", "denied") == [
        ("1 outlived: agreement 'wide' does not close all when it ends: "
        "the rule at site.yaml:9 allows the same at any time")
    ]  # fmt: skip
    apart = replace(policy, networks=(network("wards", "sdn", "10.2.0.0/16"),))
    assert told(apart, "outlived") == []


@given(policies(), st.lists(packets(), min_size=10, max_size=30))
def test_a_rule_called_needless_can_go_without_any_verdict_changing(policy: Policy, asked: list[Packet]) -> None:
    tables = compile_policy(policy)
    needless = {f.origin for f in lint(tables, NOW) if f.code in ("shadowed", "contradicted", "redundant", "empty")}
    for rule in policy.rules:
        if rule.origin in needless:
            less = replace(policy, rules=tuple(each for each in policy.rules if each is not rule))
            for packet in asked:
                assert naive(less, packet, NOW)[0] == verdict(tables, packet, NOW).action


@given(st.data())
def test_what_is_left_of_a_box_is_exact(data: st.DataObject) -> None:
    line = st.tuples(st.integers(0, 5), st.integers(0, 3)).map(lambda pair: ((pair[0], pair[0] + pair[1]),))
    a, b = (Box(data.draw(line), data.draw(line), data.draw(line)) for _ in range(2))

    def points(box: Box) -> list[tuple[int, int, int]]:
        spans = [[v for first, last in side for v in range(first, last + 1)] for side in box]
        return [(x, y, z) for x in spans[0] for y in spans[1] for z in spans[2]]

    left = [point for piece in cut(a, b)[1] for point in points(piece)]
    assert len(left) == len(set(left))
    assert set(left) == set(points(a)) - set(points(b))
