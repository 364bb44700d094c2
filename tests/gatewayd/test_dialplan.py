"""The dial plan of a site as b2bua gets it."""

from __future__ import annotations

from gatewayd.dialplan import dialling, peer_dial, rules
from gatewayd.pinholes.policy import own_addresses
from gatewayd.signalling import signalling
from tests.gatewayd.site import TEXT
from vdx.admission import Ceiling
from vdx.dialplan import (
    Alternative,
    Dialling,
    DialRule,
    DnsServer,
    HeaderRule,
    HostTarget,
    PeerDial,
    PinStyle,
    RoomPlace,
    RuleTime,
)
from vdx.site import parse
from vdx.site.source import LoadedSite

PLAN = """\
dialplan:
  - {alias: "*", to: room}
  - {alias: "9{n:digits}", zone: sdn, peer: branch, rewrite: "{n}@health.example"}
  - alias: "x*"
    when: {days: sat-sun, hours: "08:00-16:00", since: 2026-01-01, until: 2026-12-31}
    to: [hospital, {peer: named, weight: 3}]
    user: desk
  - {domain: "*", to: dns, via: citizen}
  - {refuse: 403, reason: Closed, when: {time_zone: Europe/Oslo}}
domains: [health.example, town.example]
rooms: {ward: {peer: hospital, user: "900"}, hall: {peer: named}}
time_zone: Europe/Stockholm
limits: {calls: 3, calls_per_second: 5, bandwidth: 100000}
upstream: {zone: mgmt, dns: [192.0.2.53, "2001:db8::53"]}
"""
PEERS = """\
peers:
  named:
    zone: internet
    target: {host: sip.clinic.example, port: 5070, transport: tcp}
    domain: clinic.example
    media: [198.51.100.0/24]
    limits: {calls: 10}
    user_agent: Codec 1
    pin: {separator: "**"}
    headers:
      - {add: X-Site, value: north}
      - {remove: Priority}
      - {rewrite: Subject, match: "{a}!", value: "{a}"}
"""


def loaded() -> LoadedSite:
    text = TEXT.partition("dialplan:")[0].replace("peers:\n", PEERS)
    text = text.replace("  sdn:\n", "  sdn:\n    reception: ward\n    limits: {calls: 7, bandwidth: 64000}\n")
    return parse((text + PLAN).encode())


SITE = loaded()


def test_rules() -> None:
    found = rules(SITE)
    assert [rule.origin.partition(":")[0] for rule in found] == ["site.yaml"] * 5
    plain = [
        DialRule("", **{name: getattr(rule, name) for name in rule.__struct_fields__ if name != "origin"})
        for rule in found
    ]
    assert plain == [
        DialRule("", "*", to="room"),
        DialRule("", "9{n:digits}", "sdn", "branch", rewrite="{n}@health.example"),
        DialRule(
            "",
            "x*",
            user="desk",
            when=RuleTime("Europe/Stockholm", (5, 6), ((480, 960),), "2026-01-01", "2026-12-31"),
            among=(Alternative("hospital"), Alternative("named", 3)),
        ),
        DialRule("", "*", to="dns", domain="*", via="citizen"),
        DialRule("", "*", refuse=403, reason="Closed", when=RuleTime("Europe/Oslo")),
    ]


def test_what_stands_beside_the_rules() -> None:
    assert dialling(SITE.site) == Dialling(
        "edge-1",
        ("health.example", "town.example"),
        (("sdn", "ward"),),
        (RoomPlace("ward", "hospital", "900"), RoomPlace("hall", "named")),
        Ceiling(None, 5, 100_000),
        (("sdn", Ceiling(7, None, 64_000)), ("internet", Ceiling()), ("mgmt", Ceiling())),
        (DnsServer("192.0.2.53", "192.0.2.1"),),  # no address of the zone reaches the other one
        tuple(sorted(str(address) for address in own_addresses(SITE.site))),
    )


def test_a_peer() -> None:
    assert peer_dial(SITE.site.peers["named"]) == PeerDial(
        HostTarget("sip.clinic.example", 5070, "tcp"),
        "clinic.example",
        "Codec 1",
        (
            HeaderRule("add", "X-Site", "north"),
            HeaderRule("remove", "Priority"),
            HeaderRule("rewrite", "Subject", "{a}", "{a}!"),
        ),
        PinStyle("separator", "**"),
        Ceiling(10),
        ("198.51.100.0/24",),
    )
    assert peer_dial(SITE.site.peers["hospital"]) == PeerDial()


def test_all_of_it_is_handed_over() -> None:
    part = signalling(SITE)
    assert (part.dialplan, part.dial) == (rules(SITE), dialling(SITE.site))
    named = next(peer for peer in part.peers if peer.name == "named")
    assert (named.target, named.dial.host) == (None, HostTarget("sip.clinic.example", 5070, "tcp"))
