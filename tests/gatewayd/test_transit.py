"""The site file's policy: what it becomes, and what its faults say."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gatewayd import transit
from gatewayd.config import compare
from gatewayd.errors import VersionError
from gatewayd.version import compute
from nft.policy import traffic
from nft.policy.agreement import DAY
from nft.policy.opening import LONGEST
from nft.policy.packet import parse as packet
from nft.policy.verdict import verdict
from vdx.site import SiteError, source
from vdx.site.source import load, parse

TEXT = """\
name: edge-1
time_zone: Europe/Copenhagen
zones:
  sdn: {interface: sdn0, addresses: [10.0.0.1/24]}
  core: {interface: core0, addresses: [10.9.0.1/24]}
  mgmt: {interface: mgmt0, addresses: [10.4.0.1/24]}
policy:
  networks:
    wards: {zone: sdn, prefixes: [10.1.0.0/16], files: [wards.txt]}
    web: {zone: core, prefixes: [10.9.1.0/24]}
  services:
    https: {tcp: [443]}
    h323: {tcp: [1720, 33000-39999], udp: [1719], ping: true}
    all: {any: true}
  rules:
    - {zone: sdn, into: core, action: deny, services: [h323], log: true}
    - {zone: sdn, into: core, action: allow, sources: [wards], targets: [web], services: [https], rate: 50}
  publish:
    - {zone: mgmt, address: 10.4.0.1, port: 8443, to: 10.9.1.5, to_port: 443}
  mask:
    - {zone: mgmt, into: core, address: 10.9.0.1, targets: [web]}
  tests:
    - {packet: sdn 10.1.2.3 -> core 10.9.1.5 tcp/443, expect: allow}
    - {packet: sdn 10.2.2.3 -> core 10.9.2.9 tcp/5061, expect: allow, at: 2030-12-31T22:00:00}
agreements:
  organisations: [north, hub]
  services:
    sip: {organisation: hub, zone: core, endpoints: [10.9.2.9/32], tcp: [5061]}
  clients:
    clinic: {organisation: north, zone: sdn, prefixes: [10.2.0.0/16]}
  agreements:
    a-1: {client: clinic, service: sip, starts: 2026-01-01, ends: 2030-12-31, approved: true}
    a-2: {client: clinic, service: sip, starts: 2028-02-29}
"""
LIST = b"# of the region\n10.8.0.0/16\n10.7.0.0/16 # new\n"


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., source.LoadedSite]:
    def made(*changes: tuple[str, str], listed: bytes = LIST) -> source.LoadedSite:
        text = TEXT
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "site.yaml").write_text(text)
        (tmp_path / "wards.txt").write_bytes(listed)
        return load(tmp_path / "site.yaml")

    return made


def line(text: str) -> int:
    return next(number for number, each in enumerate(TEXT.splitlines(), 1) if text in each)


Site = Callable[..., source.LoadedSite]


def test_everything_keeps_its_place(site: Site) -> None:
    policy = transit.policy(site())
    assert [str(prefix) for prefix in policy.networks[0].prefixes] == ["10.1.0.0/16", "10.8.0.0/16", "10.7.0.0/16"]
    assert [str(prefix.origin) for prefix in policy.networks[0].prefixes] == [
        f"site.yaml:{line('wards: {')}", "wards.txt:2", "wards.txt:3"
    ]  # fmt: skip
    assert [rule.origin.line for rule in policy.rules] == [line("services: [h323]"), line("rate: 50")]
    assert traffic.show(policy.services[1].traffic) == "tcp/1720, tcp/33000-39999, udp/1719, ping"
    assert policy.services[2].traffic == traffic.ALL
    assert (policy.publications[0].to_port, policy.maskings[0].targets) == (443, ("web",))


def test_days_are_those_of_the_sites_time_zone_and_the_last_one_counts(site: Site) -> None:
    first, second = transit.policy(site()).agreements.agreements
    assert datetime.fromtimestamp(first.starts, UTC).isoformat() == "2025-12-31T23:00:00+00:00"
    assert datetime.fromtimestamp(first.ends, UTC).isoformat() == "2030-12-31T23:00:00+00:00"
    assert datetime.fromtimestamp(second.ends, UTC).isoformat() == "2033-02-28T23:00:00+00:00"
    assert (first.approved, second.approved) == (True, False)


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ("2028-02-29", "9999-12-31"),
        ("2028-02-29", "9999-12-31T23:59:59-14:00"),
        ("2028-02-29", "2700-01-01"),
        ("9996-02-29", ""),
        ("9998-01-01T00:00:00", ""),
        ("0001-01-01T00:00:00+14:00", "9999-12-31"),
        ("0001-01-01", "9999-12-30"),
    ],
)
@pytest.mark.parametrize("approved", ["true", "false"])
def test_forever_is_a_time_that_can_be_loaded_and_shown(site: Site, starts: str, ends: str, approved: str) -> None:
    said = f"starts: {starts}, approved: {approved}" + (f", ends: {ends}" if ends else "")
    loaded = site(("starts: 2028-02-29", said))
    version = compute(loaded, {})
    one = loaded.site.agreements.agreements["a-2"]
    for each in transit.window(loaded, one):
        for zone in ("Pacific/Kiritimati", "Pacific/Niue"):
            assert 1 <= datetime.fromtimestamp(each, ZoneInfo(zone)).year <= 9999
    now = datetime(2031, 6, 1, tzinfo=UTC).timestamp()  # the other one is over
    transit.stated(version.transit, now)
    assert bool(list(map(str, compare.difference(site(), loaded).paths))) == (approved == "true")
    days = [int(each) for each in re.findall(r"timeout (\d+)d", version.ruleset.added((), now))]
    assert all(each <= LONGEST / DAY for each in days)
    assert (LONGEST / DAY in days) == (approved == "true")


def test_a_version_has_its_policy_and_the_stated_tests_hold(site: Site) -> None:
    version = compute(site(), {})
    transit.stated(version.transit, datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    found = verdict(version.transit, packet("sdn 10.7.0.1 -> core 10.9.1.5 tcp/443"), 0)
    assert str(found) == f"allow: rule from sdn to core (site.yaml:{line('rate: 50')})"


def test_a_test_that_does_not_hold_is_told(site: Site) -> None:
    version = compute(site(("tcp/443, expect: allow", "tcp/443, expect: deny")), {})
    with pytest.raises(VersionError) as error:
        transit.stated(version.transit, 0)
    assert str(error.value) == (
        f"site.yaml:{line('tcp/443, expect')}: sdn 10.1.2.3 -> core 10.9.1.5 tcp/443 should be deny; "
        f"it is allow: rule from sdn to core (site.yaml:{line('rate: 50')})"
    )


def test_another_list_is_another_version(site: Site) -> None:
    assert site().version == site().version
    assert site().version != site(listed=b"10.8.0.0/16\n").version


FAULTS = [
    (
        ("targets: [web], services: [https]", "targets: [wep], services: [https]"),
        "there is no network 'wep': known are wards, web",
    ),
    (
        ("{zone: sdn, into: core, action: deny", "{zone: internet, into: core, action: deny"),
        "there is no zone 'internet': known are core, mgmt, sdn",
    ),
    (
        ("starts: 2026-01-01, ends: 2030-12-31", "starts: 2026-01-01, ends: 2025-12-31"),
        "agreement 'a-1' ends before it starts: correct one of the two",
    ),
    (("endpoints: [10.9.2.9/32], ", ""), "service 'sip' has no endpoint: give it an address"),
    (("packet: sdn 10.1.2.3", "packet: sdn 10.1.2"), "'10.1.2' does not appear to be an IPv4 or IPv6 address"),
]


@pytest.mark.parametrize(("change", "said"), FAULTS, ids=range(len(FAULTS)))
def test_a_fault_of_the_policy_is_told(site: Site, change: tuple[str, str], said: str) -> None:
    with pytest.raises(VersionError) as error:
        compute(site(change), {})
    assert said in str(error.value)
    assert "site.yaml:" in str(error.value)


def test_only_addresses_of_ours_are_published_and_masked_with(site: Site) -> None:
    with pytest.raises(VersionError) as error:
        compute(
            site(
                ("address: 10.4.0.1, port", "address: 10.4.0.2, port"),
                ("address: 10.9.0.1, targets", "address: 10.9.0.9, targets"),
            ),
            {},
        )
    assert str(error.value).splitlines() == [
        f"site.yaml:{line('to_port')}: 10.4.0.2 is no address of zone 'mgmt': add it to its `addresses`",
        f"site.yaml:{line('targets: [web]}')}: 10.9.0.9 is no address of zone 'core': add it to its `addresses`",
    ]


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("sip: [{transport: tcp, address: 10.4.0.1, port: 8443}]", "a SIP listener of zone 'mgmt'"),
        ("services: {page: {protocol: tcp, port: 8443}}", "a service of zone 'mgmt'"),
    ],
)
def test_what_the_appliance_needs_itself_is_not_published(site: Site, zone: str, said: str) -> None:
    mgmt = "mgmt: {interface: mgmt0, addresses: [10.4.0.1/24]"
    with pytest.raises(VersionError, match=rf"10\.4\.0\.1 tcp/8443 is {said}: publish another port"):
        compute(site((mgmt, f"{mgmt}, {zone}")), {})


def test_no_media_port_is_published(site: Site) -> None:
    mgmt = "mgmt: {interface: mgmt0, addresses: [10.4.0.1/24]"
    taken = ("address: 10.4.0.1, port: 8443", "protocol: udp, address: 10.4.0.1, port: 40001")
    with pytest.raises(VersionError, match="is where media comes in of zone 'mgmt'"):
        compute(site((mgmt, f"{mgmt}, media: {{addresses: [10.4.0.1]}}"), taken), {})


def test_a_list_that_is_no_file_is_not_waited_for(site: Site, tmp_path: Path) -> None:
    site()
    (tmp_path / "wards.txt").unlink()
    os.mkfifo(tmp_path / "wards.txt")
    with pytest.raises(SiteError, match=r"wards\.txt cannot be read"):
        load(tmp_path / "site.yaml")


def test_the_example_of_the_manual_is_as_it_says(tmp_path: Path) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
    example = manual.split("```yaml\n")[1].split("```")[0]
    zones = {"sdn": "198.18.0.10/24", "internet": "192.0.2.10/24", "core": "10.9.255.1/16", "mgmt": "10.4.0.1/24"}
    lines = [f"  {name}: {{interface: {name}0, addresses: [{address}]}}" for name, address in zones.items()]
    (tmp_path / "site.yaml").write_text("name: edge-1\nzones:\n" + "\n".join(lines) + "\n" + example)
    (tmp_path / "region-north.txt").write_bytes(LIST)
    version = compute(load(tmp_path / "site.yaml"), {})
    assert len(version.transit.policy.tests) == 3
    transit.stated(version.transit, datetime(2026, 6, 1, tzinfo=UTC).timestamp())


SHAPES = [
    (
        ("tcp: [443]", "tcp: [70000]"),
        "policy.services.https.tcp.0: 70000 is no port or range of ports: write 443 or 33000-39999",
    ),
    (("tcp: [443]", "tpc: [443]"), "policy.services.https.tpc: unknown key; did you mean 'tcp'?"),
    (
        ("starts: 2028-02-29", "starts: soon"),
        "'soon' is no date: write 2030-12-31, or a time as in 2030-12-31T18:00:00+01:00",
    ),
    (("files: [wards.txt]", "files: [../wards.txt]"), "policy.networks.wards.files.0: "),
    (
        ("files: [wards.txt]", "files: [gone.txt]"),
        "policy.networks.wards.files.0: gone.txt cannot be read: No such file or directory",
    ),
]


@pytest.mark.parametrize(("change", "said"), SHAPES, ids=range(len(SHAPES)))
def test_a_fault_of_shape_names_the_value(site: Site, change: tuple[str, str], said: str) -> None:
    with pytest.raises(SiteError) as error:
        site(change)
    assert said in str(error.value)


def test_lists_are_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_LIST_BYTES", 10)
    with pytest.raises(SiteError, match=r"with wards\.txt, the lists are larger"):
        site()


def test_a_line_at_fault_in_a_list_is_named(site: Site) -> None:
    with pytest.raises(VersionError, match=r"^wards\.txt:2: not a prefix such as 192\.0\.2\.0/24"):
        compute(site(listed=b"10.1.0.0/16\n10.1.0.1/16\n"), {})


def test_a_site_without_a_policy_lets_nothing_pass() -> None:
    assert transit.policy(parse(TEXT.split("policy:", maxsplit=1)[0].encode())).empty
