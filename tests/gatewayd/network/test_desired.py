from __future__ import annotations

from ipaddress import ip_interface, ip_network

import pytest

from gatewayd.network.desired import desired, zone_number
from gatewayd.network.state import Address, Link, Route, Rule
from tests.gatewayd.site import TEXT, changed, load

INTERFACES = """\
interfaces:
  bond0: {members: [eth1, eth0], mode: 802.3ad, mtu: 9000}
  bond0.7: {vlan: 7, parent: bond0, mtu: 1500}
"""


def test_zones_have_fixed_numbers() -> None:
    assert [zone_number(name) for name in ("sdn", "internet", "core", "mgmt")] == [1, 2, 3, 4]
    with pytest.raises(ValueError, match="dmz"):
        zone_number("dmz")


def test_links_stand_in_the_order_in_which_they_can_be_made() -> None:
    links = desired(load(TEXT.replace("interface: sdn0", "interface: bond0.7") + INTERFACES).site).links
    names = [link.name for link in links]
    assert names.index("eth0") < names.index("bond0") < names.index("bond0.7")
    by_name = {link.name: link for link in links}
    assert by_name["bond0"] == Link("bond0", "bond", 9000, members=("eth0", "eth1"), mode="802.3ad")
    assert by_name["bond0.7"] == Link("bond0.7", "vlan", 1500, vlan=7, parent="bond0")
    assert by_name["eth0"] == Link("eth0")


def test_addresses_belong_to_the_interface_of_their_zone() -> None:
    assert Address("sdn0", ip_interface("10.0.0.1/24")) in desired(load().site).addresses


def test_connected_and_static_routes_stand_in_the_table_of_the_zone() -> None:
    site = load().site
    routes = [route for route in desired(site).routes if route.table == 5601]
    own, gateway = site.zones["sdn"].addresses[0].ip, site.zones["sdn"].routes[0].via
    assert routes[0] == Route(5601, ip_network("10.0.0.0/24"), "sdn0", source=own)
    assert routes[-1] == Route(5601, ip_network("0.0.0.0/0"), "sdn0", via=gateway, source=own)


def test_two_addresses_in_one_network_share_its_route() -> None:
    routes = [route for route in desired(load().site).routes if route.to == ip_network("198.51.100.0/24")]
    assert len(routes) == 1
    assert str(routes[0].source) == "198.51.100.1"


def test_marks_and_own_addresses_pick_the_table_and_never_fall_through() -> None:
    rules = desired(load().site).rules
    mark = (0x02000000, 0xFF000000)
    assert Rule(1000, 4, "lookup", 5602, mark=mark) in rules
    assert Rule(1001, 4, "blackhole", mark=mark) in rules
    assert Rule(1000, 6, "lookup", 5602, mark=mark) in rules
    own = ip_network("198.51.100.9")
    assert Rule(1100, 4, "lookup", 5602, source=own) in rules
    assert Rule(1101, 4, "unreachable", source=own) in rules
    ends = [rule.priority for rule in rules if rule.action != "lookup"]
    assert len(ends) == len([rule for rule in rules if rule.action == "lookup" and rule.priority < 1200])


def test_servers_of_the_appliance_are_reached_through_their_zone() -> None:
    rules = [rule for rule in desired(load().site).rules if rule.priority == 1200]
    assert [(str(rule.destination), rule.table) for rule in rules] == [
        ("192.0.2.53/32", 5604), ("192.0.2.123/32", 5604)
    ]  # fmt: skip


def test_a_zone_without_an_address_of_a_family_has_no_rules_of_it() -> None:
    site = changed(('addresses: [10.0.0.1/24, "2001:db8:a::1/64"]', "addresses: [10.0.0.1/24]"),
                   ('addresses: [10.0.0.1, "2001:db8:a::1"]', "addresses: [10.0.0.1]")).site  # fmt: skip
    assert not [rule for rule in desired(site).rules if rule.family == 6 and rule.table == 5601]
