"""Golden rulesets. ``python -m tests.nft.policy.test_ruleset`` writes them anew; read the difference first."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from nft.errors import ModelError
from nft.model import Edge
from nft.policy.agreement import Agreements
from nft.policy.compile import compile_policy
from nft.policy.model import Masking, Policy, Publication, Rule
from nft.policy.ruleset import compile_reset, compile_transit
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

GOLDEN = Path(__file__).parent / "golden"
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


def text(name: str) -> str:
    return compile_transit(compile_policy(POLICIES[name]), EDGE, NOW)


@pytest.mark.parametrize("name", POLICIES)
def test_the_table_is_as_agreed(name: str) -> None:
    assert text(name) == (GOLDEN / f"{name}.nft").read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(POLICIES)


@pytest.mark.parametrize("name", POLICIES)
def test_only_our_table_is_named_and_it_is_replaced_as_a_whole(name: str) -> None:
    made = text(name)
    assert set(re.findall(r"inet (\w+)", made)) == {"transit"}
    assert made.startswith(compile_reset())
    assert made.count("delete") == 1


def test_a_policy_without_a_path_leaves_no_table() -> None:
    assert text("empty") == compile_reset()


def test_every_rule_carries_its_origin() -> None:
    made = text("many")
    for rule in POLICIES["many"].rules:
        assert f'comment "{rule.origin}"' in made
    assert 'comment "a-1"' in made


def test_what_a_comment_cannot_hold_does_not_get_into_it() -> None:
    odd = at(1)._replace(file='a"b;\n}c' + "x" * 300)
    rules = (replace(POLICY.rules[1], origin=odd),)
    made = compile_transit(compile_policy(replace(POLICY, rules=rules)), EDGE, NOW)
    comments = re.findall(r'comment "([^"]*)"', made)
    assert "a_b___c" + "x" * 120 in comments
    assert all(len(comment.encode()) < 128 for comment in comments)


def test_a_zone_that_the_edge_has_not_got_is_told() -> None:
    with pytest.raises(ModelError, match="there is no zone sdn"):
        compile_transit(compile_policy(POLICY), Edge(), NOW)


def test_the_cost_of_a_packet_does_not_grow_with_the_policy() -> None:
    rules = tuple(
        replace(POLICY.rules[1], sources=(f"n{i}",), origin=at(i), rate=0, connections=0) for i in range(1, 200)
    )
    networks = tuple(network(f"n{i}", "sdn", f"10.1.{i}.0/24") for i in range(1, 200))
    wide = replace(POLICY, networks=(*POLICY.networks, *networks), rules=rules)

    def longest(policy: Policy) -> int:
        made = compile_transit(compile_policy(policy), EDGE, NOW)
        return max(len(rules.splitlines()) for rules in re.findall(r"chain \w+ \{\n(.*?)\n  \}", made, re.DOTALL))

    assert longest(wide) == longest(replace(wide, rules=rules[:1]))


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for stem in POLICIES:
        (GOLDEN / f"{stem}.nft").write_text(text(stem))
