"""A policy's agreements in the words of firewalld."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import parse

from bench import firewalld
from nft.policy.agreement import Agreements
from nft.policy.model import Policy
from tests.nft.policy.world import ORGANISATIONS, ZONES, agreement, client, offer

POLICY = Policy(
    ZONES,
    agreements=Agreements(
        ORGANISATIONS,
        (offer("sip", "tcp/5061 udp/40000-49999", "10.9.1.10"),),
        (client("ward", "10.1.7.0/24", "10.1.9.0/24"),),
        (agreement("a-1", "ward", "sip"),),
    ),
)


def test_an_agreement_is_a_rule_for_each_range_of_ports() -> None:
    assert [str(rule) for rule in firewalld.rules(POLICY, POLICY.agreements.agreements)] == [
        "rule family=ipv4 source ipset=ward destination address=10.9.1.10 port port=5061 protocol=tcp accept",
        "rule family=ipv4 source ipset=ward destination address=10.9.1.10 port port=40000-49999 protocol=udp accept",
    ]


def test_the_configuration_holds_every_client_and_rule(tmp_path: Path) -> None:
    firewalld._configure(tmp_path, POLICY)
    entries = [each.text for each in parse(tmp_path / "ipsets/ward.xml").iter("entry")]  # noqa: S314 - of our own
    assert entries == ["10.1.7.0/24", "10.1.9.0/24"]
    rules = parse(tmp_path / "policies/agreements.xml").getroot().findall("rule")  # noqa: S314
    assert [rule.find("port").get("port") for rule in rules] == ["5061", "40000-49999"]  # type: ignore[union-attr]
    assert {path.stem for path in (tmp_path / "zones").iterdir()} == {*firewalld.STOCK, *firewalld.ZONES}
