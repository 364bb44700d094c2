from __future__ import annotations

from ipaddress import ip_address

import pytest

from gatewayd import transit
from gatewayd.config.cut import Cut
from gatewayd.config.merge import merge
from gatewayd.signalling import signalling
from gatewayd.version import compute
from nft.policy import packet
from nft.policy.verdict import verdict
from tests.gatewayd.config.sites import BASE_TEXT, base, north, replaced
from vdx.site.source import LoadedSite

NOW = 1_800_000_000
OPEN = replaced(BASE_TEXT, ("old.journal: {organisation: old,", "old.journal: {organisation: old, approval: false,"))


def cut(*cuts: Cut, text: str = OPEN) -> LoadedSite:
    loaded = merge(base(text), [north()], cuts).loaded
    compute(loaded, {})
    signalling(loaded)
    return loaded


def passes(loaded: LoadedSite, text: str) -> bool:
    return verdict(transit.tables(loaded), packet.parse(text), NOW).action == "allow"


def test_a_peer_that_is_cut_off_is_no_peer() -> None:
    loaded = cut(Cut("peer", "north", 7))
    assert "north" not in loaded.site.peers
    assert "north.ward" not in loaded.site.rooms
    rule = loaded.site.dialplan[0]
    assert (rule.domain, rule.refuse, rule.to) == ("north.example", 480, ())
    assert loaded.origin("dialplan", 0) == "north.yaml:5"


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ('{alias: "x*", to: [hospital, branch]}', ("branch",)),
        ('{alias: "x*", to: [{peer: hospital, weight: 1}, {peer: branch, weight: 2}]}', ("branch",)),
        ('{alias: "x*", peer: hospital, refuse: 403}', None),
    ],
)
def test_rules_go_on_without_those_who_are_cut_off(rule: str, left: tuple[str, ...] | None) -> None:
    text = replaced(
        OPEN,
        ('{alias: "hospital*", to: hospital}', rule),
        ("learn: true}", "learn: true, target: {address: 10.7.0.1}}"),
    )
    loaded = cut(Cut("peer", "hospital", 7), text=text)
    found = [each.peers for each in loaded.site.dialplan if each.alias == "x*"]
    assert found == ([] if left is None else [left])


def test_an_organisation_that_is_cut_off_reaches_nothing_and_nobody_reaches_it() -> None:
    asked = "sdn 10.20.2.1 -> 203.0.113.1 tcp/443"
    assert passes(cut(), asked)
    loaded = cut(Cut("organisation", "north", 9))
    assert not passes(loaded, asked)
    assert not passes(loaded, "internet 203.0.113.1 -> sdn 10.20.9.1 tcp/443")
    assert "north" not in loaded.site.peers
    assert loaded.origin("policy", "rules", 0) == "cut:9"
    last = len(loaded.site.policy.rules) - 1
    assert loaded.origin("policy", "rules", last).startswith("site.yaml:")


def test_an_organisation_of_the_base_can_be_cut_off() -> None:
    loaded = cut(Cut("organisation", "old", 3))
    assert not passes(loaded, "sdn 10.20.2.1 -> 203.0.113.1 tcp/443")
    assert "north" in loaded.site.peers


def test_a_token_that_is_cut_off_is_believed_by_nobody() -> None:
    said = (
        "{zone: internet, tokens: {issuer: a, audience: b, keys: /k.json, authority: https://a.example, revoked: [x]}}"
    )
    text = replaced(OPEN, ("  citizen: {zone: internet}", f"  citizen: {said}"))
    loaded = cut(Cut("token", "id-7", 4), text=text)
    peer = next(each for each in signalling(loaded).peers if each.name == "citizen")
    assert peer.access.tokens is not None
    assert peer.access.tokens.revoked == ("x", "id-7")
    assert cut(Cut("token", "bo", 4)).site == cut().site


def test_who_comes_back_finds_all_as_it_was() -> None:
    assert cut().site == merge(base(OPEN), [north()]).loaded.site
    assert ip_address("10.20.1.1") == getattr(cut().site.peers["north"].target, "address", None)
