"""Records and collector in the site file."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewayd.firewall import edge
from gatewayd.network.desired import desired
from gatewayd.signalling import seeing
from tests.gatewayd.site import TEXT
from vdx import site
from vdx.record import HepRules, RecordRules, Seeing
from vdx.site import SiteError
from vdx.site.source import LoadedSite


def load(tmp_path: Path, more: str) -> LoadedSite:
    file = tmp_path / "site.yaml"
    file.write_text(TEXT + more)
    return site.load(file)


def test_defaults(tmp_path: Path) -> None:
    assert seeing(load(tmp_path, "").site) == Seeing(RecordRules(90, 1000), None)


def test_a_collector_gets_a_source_and_a_way_through_the_firewall(tmp_path: Path) -> None:
    loaded = load(tmp_path, "hep: {zone: mgmt, address: 192.0.2.210}\nrecords: {days: 30}\n")
    assert seeing(loaded.site) == Seeing(RecordRules(30, 1000), HepRules("192.0.2.1", "192.0.2.210", 9060, 2026))
    ways = [(one.zone, one.protocol, str(one.address), one.port) for one in edge(loaded, {}).upstreams]
    assert ("mgmt", "udp", "192.0.2.210", 9060) in ways


def test_a_collector_of_logs_gets_a_way_out_through_its_zone(tmp_path: Path) -> None:
    loaded = load(tmp_path, "syslog: {zone: mgmt, address: 192.0.2.210}\n")
    ways = [(one.zone, one.protocol, str(one.address), one.port) for one in edge(loaded, {}).upstreams]
    assert ("mgmt", "tcp", "192.0.2.210", 6514) in ways
    assert "192.0.2.210/32" in {str(rule.destination) for rule in desired(loaded.site).rules}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("syslog: {zone: internet, address: 192.0.2.210}", "syslog.zone"),
        ("syslog: {zone: core, address: 192.0.2.210}", "this zone is not configured"),
        ("syslog: {zone: mgmt, address: 2001:db8::1}", "has no IPv6 address"),
        ("hep: {zone: internet, address: 192.0.2.210}", "hep.zone"),
        ("hep: {zone: core, address: 192.0.2.210}", "this zone is not configured"),
        ("hep: {zone: mgmt, address: 2001:db8::1}", "has no IPv6 address"),
        ("records: {days: 0}", "records.days"),
    ],
)
def test_what_cannot_be(tmp_path: Path, more: str, sentence: str) -> None:
    with pytest.raises(SiteError, match=sentence):
        load(tmp_path, f"{more}\n")
