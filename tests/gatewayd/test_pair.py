"""A pair of appliances: who gives the shared addresses, what keepalived is told, what the firewall lets pass."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from gatewayd.ctl.command import main
from gatewayd.firewall import edge
from gatewayd.network.desired import desired
from gatewayd.pair import keepalived
from gatewayd.pinholes.layout import layout
from nft.ruleset import compile_edge
from tests.gatewayd.site import TEXT as ALONE
from tests.vdx.site.test_pair import TEXT, load
from vdx import site

LOADED = site.parse(TEXT.encode(), "site.yaml")


def test_shared_addresses_are_keepaliveds_to_give() -> None:
    given = {str(one.address) for one in desired(load()).addresses}
    assert given == {"198.18.0.11/24", "2001:db8::11/64", "192.0.2.11/24"}
    assert {"198.18.0.10/24", *given} <= {str(one.address) for one in desired(load(), serving=True).addresses}


def test_what_comes_from_a_shared_address_follows_its_zone() -> None:
    assert "198.18.0.10/32" in {str(rule.source) for rule in desired(load()).rules if rule.source}
    assert {str(route.source) for route in desired(load()).routes} == {"198.18.0.11", "2001:db8::11", "192.0.2.11"}


def test_keepalived_moves_all_of_them_together() -> None:
    told = [line.strip() for line in keepalived(load()).splitlines()]
    assert told.count("vrrp_instance pair {") == 1
    at = told.index("virtual_ipaddress {")
    assert told[at + 1 : at + 3] == [
        "198.18.0.10/24 dev sdn0 noprefixroute",
        "192.0.2.10/24 dev core0 noprefixroute",
    ]
    assert told[told.index("virtual_ipaddress_excluded {") + 1] == "2001:db8::10/64 dev sdn0 noprefixroute"
    # its own, core0, is watched anyway
    assert told[told.index("track_interface {") + 1 :][:2] == ["sdn0", "}"]
    assert told[told.index("unicast_peer {") + 1] == "192.0.2.12"
    assert "nopreempt" in told


def test_adverts_pass_between_the_two_and_nobody_else() -> None:
    model = edge(LOADED, layout(LOADED.site, {}))
    vrrp = [line for line in compile_edge(model).splitlines() if "vrrp" in line]
    assert len(vrrp) == 2
    assert 'iifname { "core0" } ip saddr 192.0.2.12 meta l4proto vrrp counter accept' in vrrp[0]
    assert 'oifname { "core0" } ip daddr 192.0.2.12 meta l4proto vrrp counter accept' in vrrp[1]
    assert any(ip_address("192.0.2.12") in network for network in model.spared)


def test_who_is_of_no_pair_tells_keepalived_nothing() -> None:
    loaded = site.parse(ALONE.encode(), "site.yaml")
    assert keepalived(loaded.site) == ""
    assert "vrrp" not in compile_edge(edge(loaded, layout(loaded.site, {})))


def test_the_command_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(TEXT)
    assert main(["pair", str(file)]) == 0
    assert capsys.readouterr().out == keepalived(load())
