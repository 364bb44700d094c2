"""The description of the lab is whole, and uses no address that could be anybody's."""

from ipaddress import ip_address, ip_network

import pytest

from lab.site import callable_hosts, outside_address
from lab.topology import STANDARD, Host

NOBODYS = [  # RFC 5737, RFC 2544, RFC 3849
    ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32")
]


@pytest.mark.parametrize("host", STANDARD.hosts, ids=lambda host: host.name)
def test_every_address_is_for_documentation_or_benchmarks_and_of_both_families(host: Host) -> None:
    for interface in host.interfaces:
        assert {address.version for address in interface.addresses} == {4, 6}
        for address in interface.addresses:
            assert any(address.ip in net for net in NOBODYS)


def test_no_address_is_given_twice() -> None:
    given = [address.ip for host in STANDARD for interface in host.interfaces for address in interface.addresses]
    assert len(given) == len(set(given))


def test_every_interface_has_exactly_one_cable() -> None:
    plugged = [end for link in STANDARD.links for end in (link.one, link.other)]
    sockets = [(host.name, interface.name) for host in STANDARD for interface in host.interfaces]
    assert sorted(plugged) == sorted(sockets)


def test_both_ends_of_a_cable_share_their_networks() -> None:
    for link in STANDARD.links:
        one, other = (
            {address.network for address in STANDARD.host(host).interface(name).addresses}
            for host, name in (link.one, link.other)
        )
        assert one == other


def test_every_gateway_is_on_a_network_of_the_host() -> None:
    for host in STANDARD:
        networks = [address.network for interface in host.interfaces for address in interface.addresses]
        for route in host.routes:
            assert any(ip_address(route.gateway) in network for network in networks)


def test_the_edge_has_a_side_for_each_zone_on_an_interface_it_has() -> None:
    assert [side.zone for side in STANDARD.edge] == ["sdn", "internet", "core", "mgmt"]
    for side in STANDARD.edge:
        assert STANDARD.host("edge").interface(side.interface).addresses == side.addresses


def test_only_people_can_be_called() -> None:
    assert [host.name for host in callable_hosts(STANDARD)] == ["hospital", "municipality", "core", "clinic", "home"]


def test_the_edge_sees_a_home_as_its_router_in_ipv4_and_as_itself_in_ipv6() -> None:
    home = STANDARD.host("home")
    assert outside_address(STANDARD, home, 4) == "198.51.100.130"
    assert outside_address(STANDARD, home, 6) == home.address(6)


def test_others_are_seen_as_themselves() -> None:
    clinic = STANDARD.host("clinic")
    assert outside_address(STANDARD, clinic, 4) == clinic.address(4)


def test_what_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        STANDARD.host("nowhere")
    with pytest.raises(KeyError):
        STANDARD.zone("nowhere")
    with pytest.raises(KeyError):
        STANDARD.host("home").interface("eth1")
