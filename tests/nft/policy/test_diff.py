"""What a new policy opens and closes, in words; and that nothing is missed or invented."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nft.policy.compile import compile_policy
from nft.policy.diff import diff
from nft.policy.model import Policy
from nft.policy.packet import Packet
from nft.policy.verdict import verdict
from tests.nft.policy.drawn import packets, policies
from tests.nft.policy.world import NOW, POLICY, agreement, at, client, network


def told(old: Policy, new: Policy) -> list[str]:
    return [str(change) for change in diff(old, new)]


def test_the_same_meaning_is_no_difference() -> None:
    assert told(POLICY, POLICY) == []
    moved = tuple(replace(rule, origin=at(rule.origin.line + 50)) for rule in POLICY.rules)
    assert told(POLICY, replace(POLICY, rules=moved)) == []


def test_a_prefix_less_is_a_path_closed() -> None:
    wards = network("wards", "sdn", "10.1.0.0/17", "2001:db8:a::/48", line=2)
    new = replace(POLICY, networks=(wards, *POLICY.networks[1:]))
    assert told(POLICY, new) == [
        (
            "closed: sdn -> core: 10.1.128.0/17 to 10.9.0.0/24, tcp/443, ping "
            "(allow at site.yaml:10, now left to agreements)"
        )
    ]
    assert told(new, POLICY) == [
        (
            "opened: sdn -> core: 10.1.128.0/17 to 10.9.0.0/24, tcp/443, ping "
            "(left to agreements, now allow at site.yaml:10)"
        )
    ]


def test_a_limit_is_a_change() -> None:
    rules = (POLICY.rules[0], replace(POLICY.rules[1], rate=99), POLICY.rules[2])
    assert {line.split(":")[0] for line in told(POLICY, replace(POLICY, rules=rules))} == {"changed"}


def test_agreements_clients_and_services_are_told_by_name() -> None:
    known = POLICY.agreements
    more = agreement("a-9", "clinic", "vdx-lab", NOW, NOW + 86400, 20)
    wider = client("ward-7", "10.1.7.0/24", "10.1.8.0/24", "2001:db8:a:7::/64", line=14)
    smaller = replace(known.services[0], traffic=known.services[0].traffic[:1])
    new = replace(
        known,
        clients=(wider, known.clients[1]),
        services=(smaller, known.services[1]),
        agreements=(known.agreements[0], replace(known.agreements[1], ends=NOW + 9 * 86400), more),
    )
    assert told(POLICY, replace(POLICY, agreements=new)) == [
        "opened: sdn -> *: client 'ward-7': 10.1.8.0/24 (site.yaml:14)",
        "closed: * -> core: service 'vdx-sip': udp/40000-49999 (site.yaml:12)",
        ("changed: sdn -> core: agreement 'a-2': 'clinic' uses 'vdx-lab' "
        "from 2027-01-16 08:00 UTC until 2027-01-24 08:00 UTC (site.yaml:17)"),
        ("closed: sdn -> core: agreement 'a-3': 'clinic' uses 'vdx-sip' "
        "from 2027-01-12 08:00 UTC until 2027-01-14 08:00 UTC (site.yaml:18)"),
        ("opened: sdn -> core: agreement 'a-9': 'clinic' uses 'vdx-lab' "
        "from 2027-01-15 08:00 UTC until 2027-01-16 08:00 UTC (site.yaml:20)"),
    ]  # fmt: skip


@given(policies(), policies(), st.lists(packets(), min_size=10, max_size=30))
def test_rules_without_a_difference_decide_every_packet_alike(old: Policy, new: Policy, asked: list[Packet]) -> None:
    old, new = (replace(each, agreements=POLICY.agreements.__class__()) for each in (old, new))
    found = diff(old, new)
    before, after = compile_policy(old), compile_policy(new)
    for packet in asked:
        was, now = verdict(before, packet, NOW), verdict(after, packet, NOW)
        if was.allowed != now.allowed:
            verb = "opened" if now.allowed else "closed"
            assert any((each.verb, each.source) == (verb, packet.zone) for each in found)
    assert diff(old, old) == []
