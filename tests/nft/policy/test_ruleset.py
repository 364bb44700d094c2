"""The table of a policy: its parts, names and comments; ``tests.gatewayd.test_golden`` has it whole."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address

import pytest

from nft.errors import ModelError
from nft.model import Edge
from nft.policy.agreement import Agreements
from nft.policy.compile import compile_policy
from nft.policy.model import Masking, Policy, Publication, Rule
from nft.policy.parts import DIGEST_CHARACTERS, Held, Kind
from nft.policy.ruleset import COUNTERS, Ruleset, compile_reset, compile_transit
from tests.nft.oldest import refused
from tests.nft.policy.world import (
    EDGE,
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

OURS = ip_address("198.18.2.1")

POLICIES = {
    "empty": Policy(ZONES),
    "one_rule": Policy(
        ZONES, rules=(Rule("sdn", "core", "allow", at(3)),), networks=(network("web", "core", "10.9.0.0/24"),)
    ),
    "many": replace(
        POLICY,
        publications=(
            Publication("internet", "tcp", ip_address("198.18.2.1"), 443, ip_address("10.9.0.5"), 8443, at(30)),
            Publication("internet", "tcp", ip_address("198.18.2.1"), 5061, ip_address("10.9.0.6"), 5061, at(32)),
        ),
        maskings=(Masking("mgmt", "core", ip_address("198.18.3.1"), at(31), ("web",), ("https", "ping")),),
    ),
    "ipv6_only": Policy(
        ZONES,
        (network("web", "core", "2001:db8:9::/64"),),
        (service("https", "tcp/443"),),
        (Rule("internet", "core", "allow", at(4), (), ("web",), ("https",), log=True),),
        agreements=Agreements(
            ORGANISATIONS,
            (offer("sip", "tcp/5061", "2001:db8:9:1::10"),),
            (client("ward", "2001:db8:a::/48"),),
            (agreement("a-1", "ward", "sip"),),
        ),
    ),
}


DIGEST = re.compile(rf"_[a-z2-7]{{{DIGEST_CHARACTERS}}}\b")


def ruleset(name: str) -> Ruleset:
    return compile_transit(compile_policy(POLICIES[name]), EDGE)


def whole(policy: Policy) -> str:
    made = compile_transit(compile_policy(policy), EDGE)
    return made.added((), NOW) + made.switched()


def text(name: str) -> str:
    """Return a table without the digests in its names: they would hide what a change has changed."""
    return DIGEST.sub("", whole(POLICIES[name]))


@pytest.mark.parametrize("name", POLICIES)
def test_the_oldest_kernel_takes_it(name: str) -> None:
    assert refused(text(name)) == []


@pytest.mark.parametrize("name", POLICIES)
def test_only_our_table_is_named(name: str) -> None:
    assert set(re.findall(r"inet (\w+)", text(name))) == {"transit"}


def test_a_policy_without_a_path_leaves_no_table() -> None:
    assert text("empty") == compile_reset()


def test_every_rule_carries_its_origin() -> None:
    made, policy = text("many"), POLICIES["many"]
    lines = {name: body.splitlines() for name, body in re.findall(r"chain (\w+) \{\n(.*?)\n  \}", made, re.DOTALL)}
    for index, rule in enumerate(policy.rules):
        assert all(line.endswith(f' comment "{rule.origin}"') for line in lines[f"rule_{index}"])
    masks = {str(each.origin) for each in policy.maskings}
    assert {re.search(r' comment "([^"]+)"$', line)[1] for line in lines["masked"]} == masks  # type: ignore[index]
    (published,) = lines["published"]
    assert re.findall(r' comment "([^"]+)" : ', published) == [str(each.origin) for each in policy.publications]
    assert 'comment "a-1"' in made


def test_what_a_comment_cannot_hold_does_not_get_into_it() -> None:
    odd = at(1)._replace(file='a"b;\n}c<own4>' + "x" * 300)
    rules = (replace(POLICY.rules[1], origin=odd),)
    comments = re.findall(r'comment "([^"]*)"', whole(replace(POLICY, rules=rules)))
    assert "a_b___c_own4_" + "x" * 114 in comments
    assert all(len(comment.encode()) < 128 for comment in comments)


def test_a_zone_that_the_edge_has_not_got_is_told() -> None:
    with pytest.raises(ModelError, match="there is no zone sdn"):
        compile_transit(compile_policy(POLICY), Edge())


def test_the_cost_of_a_packet_does_not_grow_with_the_policy() -> None:
    rules = tuple(
        replace(POLICY.rules[1], sources=(f"n{i}",), origin=at(i), rate=0, connections=0) for i in range(1, 200)
    )
    networks = tuple(network(f"n{i}", "sdn", f"10.1.{i}.0/24") for i in range(1, 200))
    wide = replace(POLICY, networks=(*POLICY.networks, *networks), rules=rules)

    def longest(policy: Policy) -> int:
        return max(
            len(rules.splitlines()) for rules in re.findall(r"chain \w+ \{\n(.*?)\n  \}", whole(policy), re.DOTALL)
        )

    assert longest(wide) == longest(replace(wide, rules=rules[:1]))


def held(made: Ruleset) -> Held:
    """Return what the kernel holds once a ruleset is in it."""

    def of(*kinds: Kind) -> list[str]:
        return [part.name for part in made.parts if part.kind in kinds]

    sets = {part.name: part.kind == "map" for part in made.parts if part.kind in ("set", "map")}
    own = made.names - {part.name for part in made.parts} - set(COUNTERS)
    return Held(sets, frozenset((*of("chain"), *own)), frozenset((*of("counter"), *(COUNTERS if own else ()))))


@pytest.mark.parametrize("name", [name for name in POLICIES if name != "empty"])
def test_what_is_there_is_not_made_again_and_nothing_of_it_is_removed(name: str) -> None:
    made = ruleset(name)
    there = held(made)
    assert there.names == made.names
    assert not [
        line for line in made.added(there.names, NOW).splitlines() if not line.startswith(("add table", "add counter"))
    ]
    assert not any(made.swept(there))


def test_a_change_makes_what_it_changes_and_what_leads_there() -> None:
    rules = (replace(POLICY.rules[2], services=("https",), log=True, origin=at(40)), *POLICY.rules)
    old, new = ruleset("many"), compile_transit(compile_policy(replace(POLICIES["many"], rules=rules)), EDGE)
    kept = {DIGEST.sub("", name) for name in old.names & new.names}
    assert {"sources4", "own4", "agreed_from_sdn4", "agreed_offers", "open", "denied", "masked"} <= kept
    fresh = {DIGEST.sub("", name) for name in new.names - old.names}
    assert {"rule_0", "rule_verdicts", "prerouting"} <= fresh
    assert set(old.hits) < set(new.hits), "a rule that says the same keeps its counter"


def test_a_rule_that_has_moved_keeps_its_counter_its_sources_and_all_look_ups() -> None:
    moved = tuple(replace(rule, origin=at(rule.origin.line + 7)) for rule in POLICY.rules)
    old, new = ruleset("many"), compile_transit(compile_policy(replace(POLICIES["many"], rules=moved)), EDGE)
    assert old.hits == new.hits
    sets = {part.name for part in new.parts if part.kind in ("set", "map")} - old.names
    assert {DIGEST.sub("", name) for name in sets} == {"rule_verdicts", "entries", "answers"}


def test_equal_rules_are_counted_apart() -> None:
    twice = replace(POLICY, rules=(POLICY.rules[2], POLICY.rules[2]))
    assert len(set(compile_transit(compile_policy(twice), EDGE).hits)) == 2


def test_other_classes_of_clients_are_other_maps_of_agreements() -> None:
    known = POLICY.agreements
    wider = replace(known, clients=(*known.clients, client("other", "10.3.0.0/16")))
    changed = compile_transit(compile_policy(replace(POLICY, agreements=wider)), EDGE)
    fewer = compile_transit(compile_policy(replace(POLICY, agreements=replace(known, agreements=()))), EDGE)
    made = compile_transit(compile_policy(POLICY), EDGE)
    assert made.shapes.open.name != changed.shapes.open.name
    assert made.names == fewer.names, "agreements alone are elements"


def test_what_other_versions_have_left_is_removed_sets_before_chains() -> None:
    made = ruleset("ipv6_only")
    there = held(made)
    old = Held(
        {**there.sets, "old": True, "older": False}, there.chains | {"rule_9", "masked"}, there.counters | {"hits_9"}
    )
    first, second = made.swept(old)
    assert first.splitlines() == [
        "flush chain inet transit masked",
        "flush chain inet transit rule_9",
        "delete map inet transit old",
        "delete set inet transit older",
    ]
    assert second.splitlines() == [
        "delete chain inet transit masked",
        "delete chain inet transit rule_9",
        "delete counter inet transit hits_9",
    ]


def test_no_two_parts_have_the_same_name() -> None:
    for name in POLICIES:
        made = ruleset(name)
        assert len({part.name for part in made.parts}) == len(made.parts)
