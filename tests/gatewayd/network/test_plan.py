from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.network.desired import desired
from gatewayd.network.plan import Change, plan
from gatewayd.network.state import Address, Link, Network, Route, Rule
from tests.gatewayd.site import changed, load

CARDS = tuple(Link(name, mtu=1500, up=False, ours=False) for name in ("lo", "sdn0", "net0", "mgmt0", "eth0", "eth1"))
BARE = Network(links=CARDS)


class Memory:
    """A network in memory that takes changes as the kernel would, as strictly."""

    def __init__(self, found: Network) -> None:
        self.links = {link.name: link for link in found.links}
        self.addresses = list(found.addresses)
        self.routes = {route.place: route for route in found.routes}
        self.rules = list(found.rules)

    def network(self) -> Network:
        return Network(
            tuple(self.links.values()), tuple(self.addresses), tuple(self.routes.values()), tuple(self.rules)
        )

    def do(self, change: Change) -> None:
        thing = change.thing
        if isinstance(thing, Link):
            self.link(change.verb, thing)
        elif isinstance(thing, Address):
            self.address(change.verb, thing)
        elif isinstance(thing, Route):
            self.route(change.verb, thing)
        elif change.verb == "add":
            assert thing not in self.rules
            self.rules.append(thing)
        else:
            self.rules.remove(thing)

    def link(self, verb: str, link: Link) -> None:
        if verb == "remove":
            gone = {link.name} | {one.name for one in self.links.values() if one.parent == link.name}
            self.links = {name: one for name, one in self.links.items() if name not in gone}
            self.addresses = [each for each in self.addresses if each.link not in gone]
            self.routes = {place: each for place, each in self.routes.items() if each.link not in gone}
            return
        if verb == "add":
            assert link.name not in self.links
            assert link.kind != "physical"
            assert {link.parent, *link.members} - {None} <= self.links.keys()
        self.links[link.name] = replace(link, mtu=link.mtu or 1500)

    def address(self, verb: str, address: Address) -> None:
        if verb == "remove":
            self.addresses.remove(address)
            return
        assert address not in self.addresses
        assert address.link in self.links
        same = [one for one in self.addresses if (one.link, one.address.ip) == (address.link, address.address.ip)]
        assert not same or address.address.version == 4
        self.addresses.append(address)

    def route(self, verb: str, route: Route) -> None:
        if verb == "remove":
            del self.routes[route.place]
            return
        assert (route.place in self.routes) is (verb == "set")
        assert route.link in self.links
        self.routes[route.place] = route


def carried_out(found: Network, changes: tuple[Change, ...]) -> Network:
    memory = Memory(found)
    for change in changes:
        memory.do(change)
    return memory.network()


def reached(found: Network, wanted: Network) -> Network:
    steps = plan(found, wanted)
    return carried_out(found, (*steps.build, *steps.clear))


def same(one: Network, other: Network) -> bool:
    return (
        set(one.links) == set(other.links)
        and set(one.addresses) == set(other.addresses)
        and set(one.routes) == set(other.routes)
        and set(one.rules) == set(other.rules)
    )


def test_a_second_time_nothing_is_left_to_do() -> None:
    wanted = desired(load().site)
    assert not plan(reached(BARE, wanted), wanted)


@pytest.mark.parametrize(
    "change",
    [
        ("10.0.0.1/24", "10.0.0.1/16"),
        ("2001:db8:a::1/64", "2001:db8:a::1/48"),
        ("198.51.100.9/24", "198.51.100.9/32"),
        ("via: 10.0.0.254", "via: 10.0.0.253"),
        ("dns: [192.0.2.53]", "dns: [192.0.2.54]"),
        ("interface: sdn0", "interface: eth0"),
        ("name: edge-1\n", "name: edge-1\ninterfaces: {sdn0: {mtu: 1400}}\n"),
        ("name: edge-1\n", "name: edge-1\ninterfaces: {bond0: {members: [eth0, eth1]}}\n"),
        ("interface: sdn0", "interface: sdn0.4"),
    ],
)
def test_every_change_of_the_file_leads_there_and_back(change: tuple[str, str]) -> None:
    vlan = ("name: edge-1\n", "name: edge-1\ninterfaces: {sdn0.4: {vlan: 4, parent: eth0}}\n")
    old = desired(load().site)
    new = desired(changed(change, *([vlan] if "sdn0.4" in change[1] else [])).site)
    first = reached(BARE, old)
    second = reached(first, new)
    assert not plan(second, new)
    back = reached(second, old)
    assert not plan(back, old)
    assert set(back.addresses) == set(first.addresses)
    assert set(back.rules) == set(first.rules)
    assert set(back.routes) == set(first.routes)


def test_what_was_done_is_undone_by_the_inverses() -> None:
    old, new = desired(load().site), desired(changed(("via: 10.0.0.254", "via: 10.0.0.253")).site)
    first = reached(BARE, old)
    done = plan(first, new).build
    back = carried_out(carried_out(first, done), tuple(change.inverse for change in reversed(done)))
    assert same(back, first)


@given(st.integers(0, 60))
def test_a_start_that_is_refused_anywhere_is_undone(count: int) -> None:
    done = plan(BARE, desired(load().site)).build[:count]
    back = carried_out(carried_out(BARE, done), tuple(change.inverse for change in reversed(done)))
    assert same(back, BARE)


def test_what_others_put_there_stays() -> None:
    foreign = Network(
        (*CARDS, Link("wg0", mtu=1420, ours=False)),
        (Address("sdn0", ip_interface("10.0.0.77/24"), ours=False),),
        (Route(5601, ip_network("10.8.0.0/16"), "sdn0", ip_address("10.0.0.99"), ours=False),),
        (Rule(500, 4, "lookup", 77, ours=False),),
    )
    there = reached(foreign, desired(load().site))
    gone = reached(there, Network())
    assert gone.addresses == foreign.addresses
    assert gone.routes == foreign.routes
    assert gone.rules == foreign.rules
    assert {link.name for link in gone.links} == {link.name for link in foreign.links}


def test_an_address_that_is_there_already_is_used() -> None:
    held = Address("mgmt0", ip_interface("192.0.2.1/24"), ours=False)
    steps = plan(replace(BARE, addresses=(held,)), desired(load().site))
    assert held not in [change.thing for change in steps.build]
    assert held not in [
        change.thing
        for change in plan(reached(replace(BARE, addresses=(held,)), desired(load().site)), Network()).clear
    ]


def test_new_things_come_before_old_ones_go() -> None:
    old, new = desired(load().site), desired(changed(("192.0.2.1/24", "192.0.2.2/24")).site)
    steps = plan(reached(BARE, old), new)
    assert {change.verb for change in steps.build} == {"add", "set"}
    assert {change.verb for change in steps.clear} == {"remove"}
    kinds = [type(change.thing) for change in steps.clear]
    assert kinds == sorted(kinds, key=[Rule, Route, Address, Link].index)


def test_an_mtu_that_is_left_open_stays_as_it_is() -> None:
    found = Network((Link("sdn0", mtu=1400, up=True, ours=False),))
    assert plan(found, Network((Link("sdn0", ours=False),))).build == ()
    set_ = plan(found, Network((Link("sdn0", mtu=1500, ours=False),))).build
    assert [(change.verb, getattr(change.thing, "mtu", None)) for change in set_] == [("set", 1500)]


def test_a_bond_of_another_mode_is_made_anew_with_all_that_stands_on_it() -> None:
    members = (Link("eth0", mtu=1500, ours=False),)
    bond = Link("bond0", "bond", 1500, members=("eth0",), mode="active-backup")
    vlan = Link("bond0.7", "vlan", 1500, vlan=7, parent="bond0")
    address = Address("bond0.7", ip_interface("10.0.0.1/24"))
    found = Network((*members, bond, vlan), (address,))
    wanted = Network((*members, replace(bond, mode="802.3ad"), vlan), (address,))
    there = reached(found, wanted)
    assert same(there, wanted)
