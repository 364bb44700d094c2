from __future__ import annotations

import pytest

from gatewayd.config.merge import merge
from tests.gatewayd.config.sites import base, north
from vdx.site import SiteError

TLS = "{transport: tls, address: 198.51.100.9, certificate: /a.pem, key: /a.key, trust: /ca.pem}"
PEER = "  north: {zone: sdn, sources: [10.20.1.0/24], target: {address: 10.20.1.1}}\n"


MORE = PEER + (
    "  north.b: {zone: internet, certificate: {names: [x.north.example]}, trust: /etc/vdx/north/ca.pem,\n"
    "            login: {username: us, credential: north.login}, target: {host: sip.north.example}}\n"
)


def test_what_an_organisation_may_say_is_taken() -> None:
    whole = base().text.decode()
    whole = whole.replace("    sip:\n      - {transport: tcp", f"    sip:\n      - {TLS}\n      - {{transport: tcp")
    loaded = merge(base(whole), [north((PEER, MORE))]).loaded
    assert loaded.site.peers["north.b"].zone == "internet"


REJECTED = "{client: a, service: old.x, why: closed}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("  north: {zone", "  other: {zone"), "peers.other: names here are 'north' or begin with 'north.'"),
        (("  north: {zone", "  north-west: {zone"), "peers.north-west: names here are"),
        (("[10.20.1.0/24]", "[10.30.1.0/24]"), "10.30.1.0/24 lies outside what this organisation has in zone 'sdn'"),
        (("[10.20.1.0/24]", "[10.0.0.0/8]"), "10.0.0.0/8 lies outside"),
        (("address: 10.20.1.1", "address: 10.30.1.1"), "10.30.1.1/32 lies outside"),
        (("{zone: sdn, sources", "{zone: mgmt, sources"), "lies outside what this organisation has in zone 'mgmt'"),
        (("sources: [10.20.1.0/24]", "trust: /etc/shadow"), "/etc/shadow: files of the appliance have to be below"),
        (("sources: [10.20.1.0/24]", "trust: /etc/vdx/north/../x"), "have to be below /etc/vdx/north"),
        (("sources: [10.20.1.0/24]", "credentials: {credential: root}"), "credentials of this organisation begin with"),
        (("sources: [10.20.1.0/24]", "limits: {calls: 11}"), "11 is more than the 10 of this organisation"),
        (("sources: [10.20.1.0/24]", "domain: hub.example"), "'hub.example' is in no domain of this organisation"),
        (("[north.example]", "[xnorth.example]"), "domains.0: 'xnorth.example' is in no domain"),
        (("domain: north.example, ", ""), "dialplan.0: say with `domain` or `peer` which calls"),
        (("domain: north.example", "domain: '*.example'"), "'*.example' is no domain of this organisation"),
        (("domain: north.example", "peer: hospital"), "a rule about callers is about peers of this organisation"),
        (("{peer: north}", "{peer: clinic}"), "rooms.north.ward.peer: 'clinic' is neither of this organisation"),
        (("prefixes: [10.20.2.0/24]", "prefixes: [10.21.0.0/24]"), "clients.north.pcs.prefixes.0: 10.21.0.0/24 lies"),
        (("client: north.pcs", "client: old.pcs"), "an agreement is asked for by the organisation of its client"),
        (("starts: 2026-01-01", "starts: 2026-01-01, approved: true"), "only the provider of the service can approve"),
        (("starts: 2026-01-01", "starts: 2026-01-01, rejected: x"), "only the provider of the service can reject it"),
        (("north.images: {zone", "north.images: {organisation: old, zone"), "this fragment is of 'north': leave the"),
        (("  agreements:\n", "  approves: {x: {client: a, service: old.x}}\n  agreements:\n"), "'old.x' is no"),
        (("  agreements:\n", f"  rejects: {{x: {REJECTED}}}\n  agreements:\n"), "'old.x' is no service"),
        (("peers:\n", "limits: {calls: 11}\npeers:\n"), "limits.calls: 11 is more"),
        (
            ("peers:\n", "policy: {tests: [{packet: sdn 10.30.0.1 -> 203.0.113.1 tcp/1, expect: deny}]}\npeers:\n"),
            "a test is about packets from or to networks of this organisation",
        ),
    ],
)  # fmt: skip
def test_beyond_what_is_delegated(change: tuple[str, str], message: str) -> None:
    with pytest.raises(SiteError) as caught:
        merge(base(), [north(change)])
    assert message in str(caught.value)
    assert all(line.startswith("north.yaml:") for line in str(caught.value).splitlines())


def test_lists_are_judged_by_what_stands_in_them() -> None:
    with pytest.raises(SiteError, match=r"north\.yaml:10: .*pcs\.txt:2: 10\.30\.0\.0/24 lies outside"):
        merge(base(), [north(lists={"pcs.txt": b"10.20.3.0/24\n10.30.0.0/24\n"})])
    with pytest.raises(SiteError, match=r"pcs\.txt:1: not a prefix"):
        merge(base(), [north(lists={"pcs.txt": b"all of them\n"})])


def test_only_so_many_names() -> None:
    text = base().text.decode().replace("    uses: [hospital]\n", "    uses: [hospital]\n    entries: 3\n")
    with pytest.raises(SiteError, match=r"^north\.yaml:1: 6 entries: 'north' may have 3"):
        merge(base(text), [north()])
