"""From the network as found to the network as desired: the changes, in an order that cuts nothing. Pure.

First everything that is added (links before addresses before routes before rules), then, as a second list, everything
that goes, in the opposite order. A version that is refused half-way is undone by the inverses of what was done. A
link, address, route or rule that somebody else put there is used where it is what we want, and never removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from gatewayd.network.state import Address, Link, Network, Route, Rule

Thing: TypeAlias = Link | Address | Route | Rule
Verb: TypeAlias = Literal["add", "set", "remove"]


@dataclass(frozen=True, slots=True)
class Change:
    """One request to the kernel. `before` is what a `set` replaces."""

    verb: Verb
    thing: Thing
    before: Thing | None = None

    @property
    def inverse(self) -> Change:
        """The change that takes this one back."""
        if self.verb == "add":
            return Change("remove", self.thing)
        if self.verb == "remove":
            return Change("add", self.thing)
        if self.before is None:
            raise AssertionError("a set knows what it replaces")
        return Change("set", self.before, self.thing)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do before the new version serves, and what to take away after."""

    build: tuple[Change, ...]
    clear: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.build or self.clear)


def plan(found: Network, desired: Network) -> Plan:
    """Compare; a link that has to be made anew is cleared within `build`, with all that stands on it."""
    build, clear, gone = _links(found, desired)
    addresses = tuple(each for each in found.addresses if each.link not in gone)
    routes = tuple(each for each in found.routes if each.link not in gone)
    build += _addresses(addresses, desired.addresses)
    replaced = {change.thing for change in build if change.verb == "remove"}
    addresses = tuple(each for each in addresses if each not in replaced)
    build += _routes(routes, desired.routes)
    build += [Change("add", each) for each in desired.rules if each not in found.rules]
    clear_rules = [Change("remove", each) for each in found.rules if each.ours and each not in desired.rules]
    places = {route.place for route in desired.routes}
    clear_routes = [Change("remove", each) for each in routes if each.ours and each.place not in places]
    clear_addresses = [Change("remove", each) for each in addresses if each.ours and each not in desired.addresses]
    return Plan(tuple(build), (*clear_rules, *clear_routes, *clear_addresses, *clear))


def _links(found: Network, desired: Network) -> tuple[list[Change], list[Change], set[str]]:
    """Give what to build and clear, and the links whose addresses and routes vanish while that is done."""
    there = {link.name: link for link in found.links}
    build: list[Change] = []
    gone: set[str] = set()
    for link in desired.links:
        # a link that stands on one that is made anew vanishes with it
        held = None if link.parent in gone else there.get(link.name)
        changes = list(_link(held, link))
        if held is None or (changes and changes[0].verb == "remove"):
            gone.add(link.name)
        build.extend(changes)
    wanted = {link.name for link in desired.links}
    clear = [Change("remove", link) for link in reversed(found.links) if link.ours and link.name not in wanted]
    return build, clear, gone


def _link(found: Link | None, link: Link) -> Iterator[Change]:
    if found is None:
        yield Change("add", link)
        return
    if link.kind != "physical" and found.built != link.built and found.ours:
        yield Change("remove", found)
        yield Change("add", link)
        return
    # an MTU that the site file leaves open stays as it is found
    target = replace(link, mtu=link.mtu or found.mtu, ours=found.ours)
    if found.kind != link.kind and link.kind == "physical":
        target = replace(found, mtu=target.mtu, up=True)
    if target != found:
        yield Change("set", target, found)


def _routes(found: tuple[Route, ...], desired: tuple[Route, ...]) -> list[Change]:
    there = {route.place: route for route in found}
    changes: list[Change] = []
    for route in desired:
        held = there.get(route.place)
        if held is None:
            changes.append(Change("add", route))
        elif held != route:
            changes.append(Change("set", route, held))
    return changes


def _addresses(found: tuple[Address, ...], desired: tuple[Address, ...]) -> list[Change]:
    changes: list[Change] = []
    for each in desired:
        if each in found:
            continue
        if each.address.version == 6:  # the kernel refuses an IPv6 address twice on a link, whatever the prefix length
            same = (one for one in found if one.link == each.link and one.address.ip == each.address.ip)
            changes.extend(Change("remove", one) for one in same)
        changes.append(Change("add", each))
    return changes
