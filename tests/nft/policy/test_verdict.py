"""What the compiled tables decide is what the policy says, read from top to bottom."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nft.errors import ModelError
from nft.policy.compile import compile_policy
from nft.policy.model import Policy, Publication, Rule
from nft.policy.packet import Packet, parse
from nft.policy.verdict import failures, verdict
from nft.schema import IPAddress
from tests.nft.policy.drawn import packets, policies
from tests.nft.policy.naive import naive, naive_zone
from tests.nft.policy.world import (
    DAY,
    NOW,
    POLICY,
    ZONES,
    agreement,
    at,
    network,
    stated,
)


@given(policies(), st.lists(packets(), min_size=10, max_size=30), st.integers(NOW - 4, NOW + 6))
def test_the_tables_decide_as_the_policy_reads(policy: Policy, asked: list[Packet], now: int) -> None:
    tables = compile_policy(policy)
    for packet in asked:
        found = verdict(tables, packet, now)
        action, by = naive(policy, packet, now)
        assert (found.action, found.by) == (action, by.split()[0]), packet
        if by.startswith("rule"):
            assert found.origins == (policy.rules[int(by.split()[1])].origin,)
        assert found.zone == naive_zone(policy, packet)


TABLES = compile_policy(POLICY)


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        ("sdn 10.1.2.3 -> core 10.9.0.5 tcp/443", "allow: rule from sdn to core (site.yaml:10)"),
        ("sdn 10.1.2.3 -> 10.9.0.5 ping", "allow: rule from sdn to core (site.yaml:10)"),
        ("sdn 10.1.9.3 -> core 10.9.0.5 tcp/443", "deny: rule from sdn to core (site.yaml:9)"),
        ("sdn 2001:db8:a::9 -> core 2001:db8:9::1 tcp/443", "allow: rule from sdn to core (site.yaml:10)"),
        ("sdn 10.1.7.3 -> core 10.9.1.10 udp/40000", "allow: agreement a-1 (site.yaml:16)"),
        ("mgmt 10.4.0.1 -> core 10.9.1.10 other", "allow: rule from mgmt to core (site.yaml:11)"),
        (
            "sdn 10.2.0.1 -> core 10.9.1.3 tcp/8443",
            "deny: no rule allows it, and agreement a-2 is not in force at that time",
        ),
        ("sdn 10.3.0.1 -> core 10.9.1.3 tcp/8443", "deny: no rule and no agreement allows it"),
        ("sdn 10.1.2.3 -> internet 10.9.0.5 ping", "deny: from 'sdn', 10.9.0.5 is in zone 'core', not in 'internet'"),
        (
            "internet 1.1.1.1 -> core 1.2.3.4 ping",
            "deny: from 'internet', 1.2.3.4 is in no zone that is named, not in 'core'",
        ),
    ],
)  # fmt: skip
def test_a_verdict_names_what_decided(packet: str, said: str) -> None:
    assert str(verdict(TABLES, parse(packet), NOW)) == said


def test_an_agreement_counts_from_its_start_until_before_its_end() -> None:
    packet = parse("sdn 10.2.0.1 -> core 10.9.1.3 tcp/8443")
    times = (NOW + DAY - 1, NOW + DAY, NOW + 3 * DAY - 1, NOW + 3 * DAY)
    assert [verdict(TABLES, packet, each).allowed for each in times] == [False, True, True, False]
    assert verdict(TABLES, packet, NOW + DAY).until == NOW + 3 * DAY


def test_an_agreement_counts_only_once_it_is_approved() -> None:
    known = POLICY.agreements
    asked = replace(known.agreements[0], approved=False)
    waiting = replace(POLICY, agreements=replace(known, agreements=(asked,)))
    packet = parse("sdn 10.1.7.3 -> core 10.9.1.10 udp/40000")
    assert not verdict(compile_policy(waiting), packet, NOW).allowed
    public = replace(waiting.agreements, services=tuple(replace(s, approval=False) for s in known.services))
    assert verdict(compile_policy(replace(waiting, agreements=public)), packet, NOW).allowed


def test_an_address_published_is_judged_by_what_it_stands_for() -> None:
    published = Publication("sdn", "tcp", ip_address("198.18.1.1"), 8080, ip_address("10.9.0.5"), 443, at(30))
    tables = compile_policy(replace(POLICY, publications=(published,)))
    found = verdict(tables, parse("sdn 10.1.2.3 -> 198.18.1.1 tcp/8080"), NOW)
    assert (found.allowed, str(found.packet.target), found.packet.port) == (True, "10.9.0.5", 443)


def test_the_appliance_itself_is_not_the_policys_matter() -> None:
    ours = ip_address("10.9.0.1")
    anything = Rule("sdn", "core", "allow", at(1))
    tables = compile_policy(replace(POLICY, rules=(anything,), own=frozenset({ours})))
    found = verdict(tables, parse("sdn 10.1.2.3 -> core 10.9.0.1 tcp/443"), NOW)
    assert (found.action, found.by) == ("deny", "appliance")
    assert verdict(tables, parse("sdn 10.1.2.3 -> core 10.9.0.2 tcp/443"), NOW).allowed


def test_of_agreements_that_follow_each_other_the_one_in_force_is_named() -> None:
    first = agreement("a-1", "ward-7", "vdx-sip", NOW - DAY, NOW, 16)
    second = agreement("a-2", "ward-7", "vdx-sip", NOW - 10, NOW + DAY, 17)
    known = replace(POLICY.agreements, agreements=(first, second))
    tables = compile_policy(replace(POLICY, agreements=known))
    packet = parse("sdn 10.1.7.3 -> core 10.9.1.10 udp/40000")
    assert [verdict(tables, packet, NOW + at_).text for at_ in (-11, -5, 0)] == [
        "agreement a-1", "agreement a-1, a-2", "agreement a-2"
    ]  # fmt: skip


def test_a_stated_test_that_does_not_hold_is_told_with_what_happens_instead() -> None:
    wrong = stated("sdn 10.1.2.3 -> core 10.9.0.5 tcp/22", "allow", 40)
    tables = compile_policy(replace(POLICY, tests=(*POLICY.tests, wrong)))
    assert [(found.origin.line, str(said)) for found, said in failures(tables, NOW)] == [
        (40, "deny: no rule and no agreement allows it")
    ]


@pytest.mark.parametrize(
    "text",
    ["", "sdn", "sdn 10.0.0.1 into core 10.0.0.2 tcp/1", "sdn 10.0.0.1 -> core 10.0.0.2 sctp/1", "sdn x -> core y ping",
     "sdn 10.0.0.1 -> core 2001:db8::1 ping", "sdn 10.0.0.1 -> core 10.0.0.2 tcp/65536", "sdn 1 -> 2 ping" + " " * 300],
)  # fmt: skip
def test_what_is_no_packet_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ModelError):
        parse(text)


def test_a_packet_is_written_as_it_is_read() -> None:
    for text in ("sdn 10.1.2.3 -> core 10.9.0.5 tcp/443", "sdn 2001:db8::1 -> 2001:db8::2 ping"):
        assert str(parse(text)) == text


SOURCES = (
    "10.1.2.3", "100.64.0.1", "192.168.1.1", "9.255.255.255", "11.0.0.0", "223.255.255.255", "224.0.0.0",
    "fd00::1", "1fff::", "2000::", "2002::1", "2001:db8::1", "2600::1", "4000::",
)  # fmt: skip
ANYBODY = st.one_of(
    st.sampled_from([ip_address(text) for text in SOURCES]),
    st.integers(0, 2**32 - 1).map(IPv4Address),
    st.integers(0, 2**128 - 1).map(IPv6Address),
)


@given(ANYBODY)
def test_nobody_on_the_internet_has_a_bogon_for_an_address_but_where_a_network_says_so(source: IPAddress) -> None:
    rule = Rule("internet", "core", "allow", at(1), (), ("web",))
    networks = (network("web", "core", "172.16.0.0/24", "2001:db8:9::/64"), network("vpn", "internet", "10.0.0.0/8"))
    target = ip_address("172.16.0.1" if source.version == 4 else "2001:db8:9::1")
    packet = Packet("internet", source, target, "tcp", 443)
    for one in (rule, replace(rule, sources=("vpn",))):
        policy = Policy(ZONES, networks, (), (one,))
        assert verdict(compile_policy(policy), packet, NOW).action == naive(policy, packet, NOW)[0]
