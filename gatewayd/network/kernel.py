"""The network of this machine over rtnetlink: read it, and carry out changes, undoing them where one is refused.

pyroute2 runs an event loop of its own, so it lives in a thread of its own; nothing here holds up a request.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any, Final, TypeAlias, TypeVar

from gatewayd.errors import NetworkError
from gatewayd.network.desired import TABLE_BASE
from gatewayd.network.netlink import IPRoute, NetlinkError
from gatewayd.network.plan import Change
from gatewayd.network.state import ALIAS, BOND_MODES, PROTOCOL, Action, Address, IpNetwork, Link, Network, Route, Rule

T = TypeVar("T")
Attributes: TypeAlias = Any
"""A netlink message of pyroute2, which has no types."""

IFF_UP = 0x1  # linux/if.h
IFA_F_NODAD, IFA_F_NOPREFIXROUTE = 0x02, 0x200  # linux/if_addr.h
SCOPE_LINK = 253  # linux/rtnetlink.h
ACTIONS: Final[dict[Action, int]] = {"lookup": 1, "blackhole": 6, "unreachable": 7}  # FR_ACT_* of linux/fib_rules.h
FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
TABLES: Final = range(TABLE_BASE + 1, TABLE_BASE + 255)
ANY: Final = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}


class Kernel:
    """The network of the namespace in which this is made."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "rtnetlink")
        self._route: Any = self._thread.submit(IPRoute).result()

    def close(self) -> None:
        """Close the netlink socket."""
        self._thread.submit(self._route.close).result()
        self._thread.shutdown()

    async def read(self) -> Network:
        """Read links, addresses, rules, and the routes of the zones' tables."""
        return await self._away(self._read)

    async def apply(self, changes: Iterable[Change]) -> list[Change]:
        """Carry out changes in order; on a refusal undo those done and raise `NetworkError`. Returns those done."""
        return await self._away(partial(self._apply, tuple(changes)))

    async def undo(self, done: list[Change]) -> None:
        """Take back changes, the last first; what cannot be taken back any more is left."""
        await self._away(partial(self._undo, done))

    async def _away(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)

    def _read(self) -> Network:
        raw = list(self._route.get_links())
        names = {message["index"]: str(message.get_attr("IFLA_IFNAME")) for message in raw}
        addresses = [_address(message, names) for message in self._route.get_addr()]
        routes = [
            _route(message, names)
            for family in FAMILIES.values()
            for message in self._route.get_routes(family=family)
            if message.get_attr("RTA_TABLE") in TABLES
        ]
        rules = [_rule(message) for family in FAMILIES.values() for message in self._route.get_rules(family=family)]
        return Network(
            tuple(_link(message, raw, names) for message in raw),
            tuple(each for each in addresses if each),
            tuple(each for each in routes if each),
            tuple(each for each in rules if each),
        )

    def _apply(self, changes: Iterable[Change]) -> list[Change]:
        done: list[Change] = []
        for change in changes:
            try:
                self._do(change)
            except (NetlinkError, NetworkError, OSError) as error:
                self._undo(done)
                raise NetworkError(f"{_named(change)} failed: {_reason(error)}") from error
            done.append(change)
        return done

    def _undo(self, done: list[Change]) -> None:
        for change in reversed(done):
            with suppress(NetlinkError, NetworkError, OSError):
                self._do(change.inverse)

    def _do(self, change: Change) -> None:
        thing = change.thing
        if isinstance(thing, Link):
            self._link(change.verb, thing, change.before)
        elif isinstance(thing, Address):
            self._address(change.verb, thing)
        elif isinstance(thing, Route):
            self._routing(change.verb, thing)
        else:
            self._ruling(change.verb, thing)

    def _index(self, name: str) -> int:
        found = self._route.link_lookup(ifname=name)
        if not found:
            raise NetworkError(f"there is no interface {name!r} on this machine")
        return int(found[0])

    def _link(self, verb: str, link: Link, before: object) -> None:
        if verb == "remove":
            self._route.link("del", index=self._index(link.name))
            return
        if verb == "add":
            self._make(link)
        index = self._index(link.name)
        held = before.members if isinstance(before, Link) else ()
        for member in sorted(set(held) - set(link.members)):
            self._route.link("set", index=self._index(member), master=0)
        for member in sorted(set(link.members) - set(held)):
            slave = self._index(member)
            self._route.link("set", index=slave, state="down")  # bonding takes only interfaces that are down
            self._route.link("set", index=slave, master=index)
            self._route.link("set", index=slave, state="up")
        if link.mtu is not None:
            self._route.link("set", index=index, mtu=link.mtu)
        self._route.link("set", index=index, state="up" if link.up else "down")

    def _make(self, link: Link) -> None:
        if link.kind == "physical":
            raise NetworkError(f"there is no interface {link.name!r} on this machine: correct its name or add the card")
        if link.kind == "vlan" and link.parent:
            parent = self._index(link.parent)
            self._route.link("add", ifname=link.name, kind="vlan", link=parent, vlan_id=link.vlan)
        else:
            mode = BOND_MODES[link.mode or "active-backup"]
            self._route.link("add", ifname=link.name, kind="bond", bond_mode=mode, bond_miimon=100)
        self._route.link("set", index=self._index(link.name), IFLA_IFALIAS=ALIAS)

    def _address(self, verb: str, address: Address) -> None:
        where = {
            "index": self._index(address.link),
            "address": str(address.address.ip),
            "prefixlen": address.address.network.prefixlen,
        }
        if verb == "remove":
            self._route.addr("del", **where)
            return
        # no duplicate address detection: the address serves at once, also when it moves between a pair
        self._route.addr("add", **where, flags=IFA_F_NOPREFIXROUTE | IFA_F_NODAD, proto=PROTOCOL)

    def _routing(self, verb: str, route: Route) -> None:
        parts: dict[str, object] = {
            "family": FAMILIES[route.to.version],
            "dst": str(route.to),
            "table": route.table,
            "oif": self._index(route.link),
            "proto": PROTOCOL,
        }
        if route.via is not None:
            parts["gateway"] = str(route.via)
        elif route.to.version == 4:
            parts["scope"] = SCOPE_LINK
        if route.source is not None:
            parts["prefsrc"] = str(route.source)
        self._route.route({"add": "add", "set": "replace", "remove": "del"}[verb], **parts)

    def _ruling(self, verb: str, rule: Rule) -> None:
        parts: dict[str, object] = {
            "family": FAMILIES[rule.family],
            "priority": rule.priority,
            "action": ACTIONS[rule.action],
            "protocol": PROTOCOL,
        }
        if rule.action == "lookup":
            parts["table"] = rule.table
        if rule.mark:
            parts["fwmark"], parts["fwmask"] = rule.mark
        for key, network in (("src", rule.source), ("dst", rule.destination)):
            if network is not None:
                parts[key], parts[f"{key}_len"] = str(network.network_address), network.prefixlen
        self._route.rule({"add": "add", "remove": "del"}[verb], **parts)


def _link(message: Attributes, everything: list[Attributes], names: dict[int, str]) -> Link:
    info = message.get_attr("IFLA_LINKINFO")
    kind = info.get_attr("IFLA_INFO_KIND") if info else None
    data = info.get_attr("IFLA_INFO_DATA") if info else None
    ours = message.get_attr("IFLA_IFALIAS") == ALIAS
    name, mtu = names[message["index"]], int(message.get_attr("IFLA_MTU"))
    up = bool(message["flags"] & IFF_UP)
    if kind == "vlan" and data:
        parent = names.get(message.get_attr("IFLA_LINK"))
        return Link(name, "vlan", mtu, up, vlan=int(data.get_attr("IFLA_VLAN_ID")), parent=parent, ours=ours)
    if kind == "bond" and data:
        members = sorted(names[one["index"]] for one in everything if one.get_attr("IFLA_MASTER") == message["index"])
        number = data.get_attr("IFLA_BOND_MODE")
        mode = next((word for word, value in BOND_MODES.items() if value == number), f"mode {number}")
        return Link(name, "bond", mtu, up, members=tuple(members), mode=mode, ours=ours)
    return Link(name, "physical", mtu, up, ours=False)


def _address(message: Attributes, names: dict[int, str]) -> Address | None:
    text = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    if not text or message["index"] not in names:
        return None
    interface = ip_interface(f"{text}/{message['prefixlen']}")
    return Address(names[message["index"]], interface, ours=message.get_attr("IFA_PROTO") == PROTOCOL)


def _route(message: Attributes, names: dict[int, str]) -> Route | None:
    version = 4 if message["family"] == socket.AF_INET else 6
    oif = message.get_attr("RTA_OIF")
    if oif not in names:
        return None
    to: IpNetwork = ANY[version]
    if message.get_attr("RTA_DST"):
        to = ip_network(f"{message.get_attr('RTA_DST')}/{message['dst_len']}")
    via, source = message.get_attr("RTA_GATEWAY"), message.get_attr("RTA_PREFSRC")
    return Route(
        message.get_attr("RTA_TABLE"),
        to,
        names[oif],
        ip_address(via) if via else None,
        ip_address(source) if source else None,
        ours=message["proto"] == PROTOCOL,
    )


def _rule(message: Attributes) -> Rule | None:
    action = next((word for word, number in ACTIONS.items() if number == message["action"]), None)
    if action is None:
        return None
    mark, mask = message.get_attr("FRA_FWMARK"), message.get_attr("FRA_FWMASK")
    source, destination = message.get_attr("FRA_SRC"), message.get_attr("FRA_DST")
    return Rule(
        message.get_attr("FRA_PRIORITY") or 0,
        4 if message["family"] == socket.AF_INET else 6,
        action,
        int(message.get_attr("FRA_TABLE") or 0) if action == "lookup" else 0,
        (mark, mask) if mark is not None else None,
        ip_network(f"{source}/{message['src_len']}") if source else None,
        ip_network(f"{destination}/{message['dst_len']}") if destination else None,
        ours=message.get_attr("FRA_PROTOCOL") == PROTOCOL,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, NetlinkError):
        code, text = error.args[0], str(error.args[1])
        known = {95: "this kernel cannot make such a link", 1: "no rights: run as root or with CAP_NET_ADMIN"}
        return known.get(code, text)
    return str(error)


def _named(change: Change) -> str:
    verbs = {"add": "adding", "set": "changing", "remove": "removing"}
    thing = change.thing
    if isinstance(thing, Link):
        what = f"{thing.kind if thing.kind != 'physical' else 'interface'} {thing.name}"
    elif isinstance(thing, Address):
        what = f"address {thing.address} on {thing.link}"
    elif isinstance(thing, Route):
        what = f"route {thing.to} on {thing.link}"
    else:
        what = f"routing rule {thing.priority}"
    return f"{verbs[change.verb]} {what}"
