"""What a new policy opens and closes, in words; and that nothing is missed or invented."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from nft.policy.compile import compile_policy
from nft.policy.diff import diff
from nft.policy.model import Policy, Rule
from nft.policy.packet import Packet
from nft.policy.verdict import verdict
from tests.nft.policy.drawn import packets, policies
from tests.nft.policy.world import NOW, POLICY, agreement, at, client, network, prefixes


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
        "from 2027-01-16 08:00 UTC until 2027-01-24 08:00 UTC, "
        "before from 2027-01-16 08:00 UTC until 2027-01-18 08:00 UTC (site.yaml:17)"),
        ("closed: sdn -> core: agreement 'a-3': 'clinic' uses 'vdx-sip' "
        "from 2027-01-12 08:00 UTC until 2027-01-14 08:00 UTC (site.yaml:18)"),
        ("opened: sdn -> core: agreement 'a-9': 'clinic' uses 'vdx-lab' "
        "from 2027-01-15 08:00 UTC until 2027-01-16 08:00 UTC (site.yaml:20)"),
    ]  # fmt: skip


def test_what_changed_of_a_rule_is_said() -> None:
    rules = (replace(POLICY.rules[0], log=False), replace(POLICY.rules[1], rate=99, connections=0), POLICY.rules[2])
    found = told(POLICY, replace(POLICY, rules=rules))
    assert any(line.endswith("(deny at site.yaml:9, no longer logged)") for line in found)
    assert any(
        line.endswith("(allow at site.yaml:10, rate 50, now 99, connections 20, now as usual)") for line in found
    )


def test_a_rule_that_comes_over_an_agreement_closes_its_path_and_names_it() -> None:
    over = Rule("sdn", "core", "deny", at(30), ("quarantine",))
    quarantined = (POLICY.networks[0], network("quarantine", "sdn", "10.1.7.128/25", line=3), *POLICY.networks[2:])
    old = replace(POLICY, networks=quarantined, rules=POLICY.rules[1:])
    new = replace(old, rules=(over, *old.rules))
    path = "sdn -> core: agreement 'a-1': 10.1.7.128/25 to 10.9.1.10, tcp/5061, udp/40000-49999"
    assert f"closed: {path} (now deny at site.yaml:30)" in told(old, new)
    assert f"opened: {path} (was deny at site.yaml:30)" in told(new, old)


def test_an_agreement_under_a_rule_that_denies_it_is_not_said_to_open_it() -> None:
    known = POLICY.agreements
    fewer = replace(POLICY, agreements=replace(known, agreements=known.agreements[1:]))
    half = network("some", "sdn", "10.1.7.0/25", line=30)
    deny = Rule("sdn", "core", "deny", at(31), ("some",))
    (said,) = told(
        replace(fewer, networks=(*POLICY.networks, half), rules=(deny,)),
        replace(POLICY, networks=(*POLICY.networks, half), rules=(deny,)),
    )
    assert said.startswith("opened: sdn -> core: agreement 'a-1': 'ward-7' uses 'vdx-sip' from ")
    assert said.endswith("; not 10.1.7.0/25 to 10.9.1.10, tcp/5061, udp/40000-49999: deny at site.yaml:31")
    (said,) = told(
        replace(fewer, rules=(replace(deny, sources=()),)), replace(POLICY, rules=(replace(deny, sources=()),))
    )
    assert said.startswith("changed: sdn -> core: agreement 'a-1': ")
    assert said.endswith("; it opens nothing: deny at site.yaml:31")


def test_an_address_that_comes_to_be_in_another_zone_closes_the_paths_of_agreements_to_it() -> None:
    more = replace(POLICY, networks=(*POLICY.networks, network("stolen", "mgmt", "10.9.1.10/32", line=31)))
    more = replace(more, zones=("sdn", "core", "mgmt"))
    narrow = replace(POLICY.agreements, services=tuple(
        replace(each, endpoints=prefixes("10.9.1.0/24")) for each in POLICY.agreements.services
    ))  # fmt: skip
    old, new = (replace(each, agreements=narrow, zones=more.zones) for each in (POLICY, more))
    lost = "10.1.7.0/24 to 10.9.1.10, tcp/5061, udp/40000-49999 (now in another zone)"
    assert [line for line in told(old, new) if "'a-1'" in line] == [f"closed: sdn -> core: agreement 'a-1': {lost}"]


def test_a_party_in_another_zone_is_told() -> None:
    known = POLICY.agreements
    clients = (replace(known.clients[0], zone="mgmt"), known.clients[1])
    assert "changed: mgmt -> *: client 'ward-7' is in zone 'mgmt', was in 'sdn' (site.yaml:14)" in told(
        POLICY, replace(POLICY, agreements=replace(known, clients=clients))
    )


@settings(max_examples=40)
@given(policies(), policies(), st.lists(packets(), min_size=10, max_size=30))
def test_no_packet_is_decided_otherwise_without_being_told(old: Policy, new: Policy, asked: list[Packet]) -> None:
    found = diff(old, new)
    before, after = compile_policy(old), compile_policy(new)
    for packet in asked:
        was, now = verdict(before, packet, NOW), verdict(after, packet, NOW)
        if was.allowed != now.allowed:
            verbs = {"opened" if now.allowed else "closed"}
            verbs |= {"changed"} if "agreement" in {was.by, now.by} else set()  # of its times, or of a party's zone
            assert any(each.verb in verbs and each.source in {packet.zone, "*"} for each in found), (packet, found)
    assert diff(old, old) == []


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
