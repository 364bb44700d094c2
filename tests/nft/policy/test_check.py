"""Every error of a policy: one sentence with its place."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from nft.errors import ModelError
from nft.policy import check, prefix
from nft.policy.agreement import Agreements
from nft.policy.check import errors
from nft.policy.compile import compile_policy
from nft.policy.model import Masking, Policy, Publication, Rule
from tests.nft.policy.world import (
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
    stated,
)


def told(policy: Policy) -> list[str]:
    return [str(fault) for fault in errors(policy)]


def test_a_sound_policy_has_no_errors() -> None:
    assert told(POLICY) == []
    assert told(Policy()) == []


RULE = Rule("sdn", "core", "allow", at(7))
WEB = network("web", "core", "10.9.0.0/24", line=3)
LAN = network("lan", "sdn", "10.1.0.0/24", line=4)
HTTPS = service("https", "tcp/443", line=5)

RULES: list[tuple[Policy, str]] = [
    (Policy(ZONES, (WEB, WEB)), "site.yaml:3: network 'web' stands here and at site.yaml:3: rename one"),
    (
        Policy(ZONES, (network("x", "dmz", "10.0.0.0/8"),)),
        "site.yaml:1: there is no zone 'dmz': known are core, internet, mgmt, sdn",
    ),
    (Policy(ZONES, (network("x", "sdn"),)), "site.yaml:1: network 'x' has no prefix: give it one or remove it"),
    (
        Policy(ZONES, services=(replace(HTTPS, traffic=()),)),
        "site.yaml:5: service 'https' has no traffic: give it ports",
    ),
    (
        Policy(ZONES, rules=(replace(RULE, target="sdn"),)),
        "site.yaml:7: packets within zone 'sdn' do not come here: name two zones",
    ),
    (
        Policy(ZONES, (WEB,), rules=(replace(RULE, sources=("web",)),)),
        "site.yaml:7: network 'web' is in zone 'core', not in 'sdn'",
    ),
    (
        Policy(ZONES, (WEB,), rules=(replace(RULE, targets=("wed",)),)),
        "site.yaml:7: there is no network 'wed': known are web",
    ),
    (Policy(ZONES, rules=(replace(RULE, services=("x",)),)), "site.yaml:7: there is no service 'x': none is known"),
    (
        Policy(ZONES, rules=(replace(RULE, action="deny", rate=1),)),
        "site.yaml:7: a rule that denies has nothing to limit: remove `rate` and `connections`",
    ),
    (Policy(ZONES, rules=(replace(RULE, rate=-1),)), "site.yaml:7: a limit is a positive number"),
    (
        Policy(ZONES, tests=(stated("dmz 10.0.0.1 -> core 10.0.0.2 ping", "allow", 9),)),
        "site.yaml:9: there is no zone 'dmz': known are core, internet, mgmt, sdn",
    ),
    (
        Policy(ZONES, maskings=(Masking("sdn", "core", ip_address("10.9.0.1"), at(8), ("lan",)),), networks=(LAN,)),
        "site.yaml:8: network 'lan' is in zone 'sdn', not in 'core'",
    ),
    (
        Policy(
            ZONES,
            publications=(Publication("sdn", "tcp", ip_address("10.0.0.1"), 1, ip_address("2001:db8::1"), 1, at(6)),),
        ),
        "site.yaml:6: 10.0.0.1 and 2001:db8::1 are of different IP versions",
    ),
    (
        Policy(
            ZONES,
            (network("a", "sdn", "10.0.0.0/8", line=1), network("b", "core", "10.0.0.0/8", line=2)),
            rules=(Rule("mgmt", "core", "allow", at(3)),),
        ),
        "site.yaml:2: 10.0.0.0/8 is in zone 'core' here and in 'sdn' at site.yaml:1: from 'mgmt' it is either",
    ),
]

WARD = client("ward", "10.1.0.0/16", line=11)
SIP = offer("sip", "tcp/5061", "10.9.0.1", line=12)
ONE = agreement("a-1", "ward", "sip", line=13)

PARTIES: list[tuple[Agreements, str]] = [
    (
        Agreements(ORGANISATIONS, (SIP,), (WARD,), (replace(ONE, ends=ONE.starts),)),
        "site.yaml:13: agreement 'a-1' ends before it starts: correct one of the two",
    ),
    (
        Agreements(ORGANISATIONS, (replace(SIP, endpoints=()),)),
        "site.yaml:12: service 'sip' has no endpoint: give it an address",
    ),
    (Agreements(ORGANISATIONS, (SIP,), (), (ONE,)), "site.yaml:13: there is no client 'ward': none is known"),
    (Agreements((), (), (WARD,)), "site.yaml:11: there is no organisation 'north': none is known"),
    (
        Agreements(ORGANISATIONS, (SIP,), (WARD,), (ONE, ONE)),
        "site.yaml:13: agreement 'a-1' stands here and at site.yaml:13: rename one",
    ),
    (
        Agreements(ORGANISATIONS, (replace(SIP, zone="sdn"),), (WARD,), (ONE,)),
        "site.yaml:13: agreement 'a-1': client and service are both in zone 'sdn': their packets do not come here",
    ),
    (
        Agreements(ORGANISATIONS, (), (WARD, client("clinic", "10.1.7.0/24", organisation="south", line=14))),
        (
            "site.yaml:14: 10.1.7.0/24 of 'south' overlaps 10.1.0.0/16 of 'north' at site.yaml:11 in zone 'sdn': "
            "a network belongs to one organisation"
        ),
    ),
    (
        Agreements(ORGANISATIONS, (offer("a", "tcp/1", "10.1.7.0/24", zone_="sdn", line=14),), (WARD,)),
        (
            "site.yaml:14: 10.1.7.0/24 of 'hub' overlaps 10.1.0.0/16 of 'north' at site.yaml:11 in zone 'sdn': "
            "a network belongs to one organisation"
        ),
    ),
    (
        Agreements(
            ORGANISATIONS, (offer("a", "tcp/1", "2001:db8::/32", zone_="sdn"),), (client("b", "2001:db8:a::/48"),)
        ),
        (
            "site.yaml:1: 2001:db8:a::/48 of 'north' overlaps 2001:db8::/32 of 'hub' at site.yaml:1 in zone 'sdn': "
            "a network belongs to one organisation"
        ),
    ),
]


@pytest.mark.parametrize(("policy", "said"), RULES, ids=range(len(RULES)))
def test_an_error_says_what_and_where(policy: Policy, said: str) -> None:
    assert told(policy) == [said]
    with pytest.raises(ModelError, match=r"site\.yaml"):
        compile_policy(policy)


@pytest.mark.parametrize(("agreements", "said"), PARTIES, ids=range(len(PARTIES)))
def test_an_error_among_agreements_says_what_and_where(agreements: Agreements, said: str) -> None:
    assert told(Policy(ZONES, agreements=agreements)) == [said]


def test_networks_of_one_organisation_may_overlap_and_of_two_zones_as_well() -> None:
    inner = client("ward-7", "10.1.7.0/24")
    own = offer("north.archive", "tcp/104", "10.1.7.9", zone_="sdn", organisation="north")
    abroad = client("core-lan", "10.1.0.0/16", zone_="core", organisation="south")
    assert told(Policy(ZONES, agreements=Agreements(ORGANISATIONS, (own,), (WARD, inner)))) == []
    assert told(Policy(("sdn", "core"), agreements=Agreements(ORGANISATIONS, (), (WARD, abroad)))) == []


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_RULES", "MAX_AGREEMENTS", "MAX_TOTAL_PREFIXES"):
        monkeypatch.setattr(check, name, 1)
    other = replace(ONE, id="a-2", starts=NOW, ends=NOW + 1, origin=at(14))
    policy = Policy(ZONES, rules=(RULE, RULE), agreements=Agreements(ORGANISATIONS, (SIP,), (WARD,), (ONE, other)))
    assert told(policy) == [
        "site.yaml:7: 2 rules: this appliance takes 1",
        "site.yaml:12: 2 prefixes in all, and 1 is the most",
        "site.yaml:14: 2 agreements: this appliance takes 1",
    ]


def test_rules_that_overlap_in_too_many_ways_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nft.policy.compile.MAX_CELLS", 1)
    with pytest.raises(ModelError, match=r"site\.yaml:\d+: the rules from zone sdn overlap in more than 1 ways"):
        compile_policy(POLICY)


def test_only_so_many_errors_are_told_at_once() -> None:
    broken = Policy(ZONES, tuple(network(f"n{i}", "sdn", line=i) for i in range(50)))
    with pytest.raises(ModelError) as error:
        compile_policy(broken)
    assert len(str(error.value).splitlines()) == check.SHOWN + 1


def test_a_list_of_prefixes_is_read_with_its_lines() -> None:
    text = b"# region north\n10.1.0.0/16   # wards\n\n2001:db8::/32\r\n192.0.2.1\n"
    assert [(str(p), str(p.origin)) for p in prefix.read(text, "north.txt")] == [
        ("10.1.0.0/16", "north.txt:2"),
        ("2001:db8::/32", "north.txt:4"),
        ("192.0.2.1", "north.txt:5"),
    ]


def test_every_line_at_fault_is_named_and_not_too_many() -> None:
    with pytest.raises(ModelError) as error:
        prefix.read(b"10.0.0.0/8\n10.0.0.1/8\nnonsense\n\xff\xfe\n" + b"x" * 10_000, "list.txt")
    lines = str(error.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"list.txt:{number}" for number in (2, 3, 4, 5)]
    assert max(map(len, lines)) < 200
    with pytest.raises(ModelError) as error:
        prefix.read(b"x\n" * 1000, "list.txt")
    assert len(str(error.value).splitlines()) == prefix.MAX_FAULTS


def test_a_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix, "MAX_PREFIXES", 2)
    with pytest.raises(ModelError, match=r"list\.txt:3: more than 2 prefixes"):
        prefix.read(b"10.0.0.1\n10.0.0.2\n10.0.0.3\n", "list.txt")
