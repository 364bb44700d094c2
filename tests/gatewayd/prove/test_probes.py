"""Which packets a proof sends: from where there is a way, the stated tests first, and every claim."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatewayd.prove import probes
from gatewayd.prove.batches import batches
from gatewayd.prove.claims import changed
from gatewayd.prove.order import Order
from gatewayd.prove.probes import Plan, plan
from gatewayd.prove.reach import Ways
from nft.policy.compile import compile_policy
from nft.policy.packet import parse
from tests.nft.policy.world import NOW


def made(candidate: Order) -> Plan:
    return plan(candidate, compile_policy(candidate.policy))


def texts(found: Plan) -> list[str]:
    return [str(probe.packet) for probe in found.probes]


def test_the_stated_tests_come_first_and_name_no_zone(candidate: Order) -> None:
    assert texts(made(candidate))[:2] == ["sdn 10.1.0.3 -> 10.9.0.5 tcp/443", "sdn 10.1.1.3 -> 10.9.0.5 tcp/443"]


def test_a_changed_rule_is_met_at_its_ends_and_just_outside(candidate: Order) -> None:
    sent = texts(made(candidate))
    for source in ("10.1.0.0", "10.1.0.255", "10.1.1.0"):
        assert f"sdn {source} -> 10.9.0.0 tcp/443" in sent
    for target in ("10.9.0.0", "10.9.0.255", "10.9.1.0"):
        assert f"sdn 10.1.0.0 -> {target} tcp/443" in sent
    for kind in ("tcp/442", "tcp/443", "tcp/444"):
        assert f"sdn 10.1.0.0 -> 10.9.0.0 {kind}" in sent


def test_nothing_is_sent_where_no_way_leads_and_that_is_told(candidate: Order) -> None:
    found = made(candidate)
    assert not any("10.2.0" in text or "10.20.0" in text for text in texts(found))
    at = candidate.policy.rules[1].origin
    assert found.notes == (f"allow at {at}: nothing of it can be sent, as no route leads there and back",)


def test_a_stated_test_is_sent_though_no_way_leads_there(candidate: Order) -> None:
    (first, _) = candidate.policy.tests
    away = replace(first, packet=parse("sdn 10.1.0.3 -> core 10.20.0.5 tcp/443"))
    asked = replace(candidate, policy=replace(candidate.policy, tests=(away,)))
    assert made(asked).probes[0].lacks == "no route of zone 'core' leads to a host 10.20.0.5"


def test_an_agreement_to_come_is_asked_about_now_and_at_its_start(candidate: Order) -> None:
    found = [probe for probe in made(candidate).probes if str(probe.packet) == "sdn 10.1.7.0 -> 10.9.2.9 tcp/5061"]
    (agreement,) = candidate.policy.agreements.agreements
    assert {(probe.at, probe.said.allowed) for probe in found} == {(NOW, False), (agreement.starts, True)}


def test_a_published_address_is_asked_at_its_port_and_beside_it(candidate: Order) -> None:
    sent = texts(made(candidate))
    assert {f"mgmt 10.4.0.0 -> 10.4.0.1 tcp/{port}" for port in (8442, 8443, 8444)} <= set(sent)


def test_limits_leave_out_the_last_and_say_so(candidate: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    every = made(candidate)
    owed = max(list(every.probes).index(probe) for probe in every.probes if (probe.packet, probe.at) in every.owed) + 1
    monkeypatch.setattr(probes, "MAX_PACKETS", owed + 3)
    few = made(candidate)
    assert few.probes == every.probes[: owed + 3]
    assert few.unsent > 0
    assert every.unsent == 0


def test_no_limit_leaves_out_a_stated_test_or_all_of_a_change(
    candidate: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = made(candidate)
    monkeypatch.setattr(probes, "MAX_PACKETS", 1)
    monkeypatch.setattr(probes, "MAX_TIMES", 0)
    few = made(candidate)
    assert (few.owed, few.unmet) == (every.owed, ())
    assert {(probe.packet, probe.at) for probe in few.probes} == set(few.owed)
    tests = {f"test at {test.origin}" for test in candidate.policy.tests}
    claims = {claim.why for claim in changed(None, candidate.policy, NOW)}
    unmet = {note.partition(": ")[0] for note in few.notes}
    assert set(few.owed.values()) == tests | (claims - unmet)


def test_a_change_that_nobody_had_time_to_look_at_is_unmet(candidate: Order) -> None:
    tables = compile_policy(candidate.policy)
    found = plan(candidate, tables, lambda: True, lambda: True)
    assert set(found.unmet) == {claim.why for claim in changed(None, candidate.policy, NOW)}
    assert len(found.owed) == len(candidate.policy.tests)


def test_what_says_the_same_has_not_changed_and_an_order_of_rules_is_a_change(candidate: Order) -> None:
    policy = candidate.policy
    moved = replace(policy, rules=tuple(replace(rule, log=True) for rule in policy.rules))
    assert list(changed(moved, policy, NOW)) == []
    assert {claim.why for claim in changed(replace(policy, rules=policy.rules[::-1]), policy, NOW)}
    gone = replace(policy, agreements=replace(policy.agreements, agreements=()))
    (claim,) = changed(policy, gone, NOW)
    assert claim.why.startswith("agreement a-1 at site.yaml:")


def test_no_batch_meets_a_limit_of_a_rule(candidate: Order) -> None:
    found = batches(candidate.policy, list(made(candidate).probes))
    assert sum(map(len, found)) == len(made(candidate).probes)
    limited = candidate.policy.rules[0].origin
    for batch in found:
        sources = [probe.packet.source for probe in batch if limited in probe.said.origins]
        assert max(map(sources.count, sources), default=0) <= 2  # twice the rate
        others = [(each.packet.source, each.packet.target) for each in batch if each.packet.kind == "other"]
        assert len(set(others)) == len(others)


def test_addresses_that_no_host_can_have_are_not_sent_from(candidate: Order) -> None:
    ways = Ways(candidate.edge, candidate.network)
    sdn = {"10.0.0.1": False, "10.0.0.255": False, "10.0.0.2": True, "10.1.255.255": True, "10.2.0.0": False}
    sdn |= {"2001:db8:f::": False, "2001:db8:f::1": False, "2001:db8:f::2": True}
    found = {text: ways.known("sdn", parse(f"sdn {text} -> {text} ping").source) for text in sdn}
    assert found == sdn
