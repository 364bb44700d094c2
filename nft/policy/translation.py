"""Addresses published and masked: the chains of destination and source NAT. Pure.

Only the first packet of a flow comes here; connection tracking does the rest, so masking may try its rules in turn.
"""

from __future__ import annotations

from nft.model import Zone
from nft.policy import traffic
from nft.policy.interval import union
from nft.policy.model import Masking, Policy, Publication
from nft.policy.parts import Draft, chain
from nft.policy.prefix import VERSIONS, Prefix, show
from nft.policy.words import flow_mark, told
from nft.ruleset import text

# The address may be one of the relay's: a port of its range would be taken for a pinhole, one of 16384-32767 for a
# socket of our own (nft.sysctls).
PORTS = "1024-16383"
_IP = {4: "ip", 6: "ip6"}


HOOKS = {
    "published": "type nat hook prerouting priority dstnat; policy accept;",
    "masked": "type nat hook postrouting priority srcnat; policy accept;",
}
"""The base chains that the chains of the same names hang on."""


def chains(policy: Policy, zones: dict[str, Zone]) -> list[Draft]:
    """Return the chains of both kinds of translation; none where nothing is translated."""
    found: list[Draft] = []
    if policy.publications:
        rules = [_published(policy.publications, zones, version) for version in VERSIONS]
        found.append(chain("published", [rule for rule in rules if rule]))
    if policy.maskings:
        found.append(chain("masked", [rule for masking in policy.maskings for rule in _masked(policy, masking, zones)]))
    return found


def _published(listed: tuple[Publication, ...], zones: dict[str, Zone], version: int) -> str:
    rows = [
        f"{text.quoted(name)} . {each.address} . {each.protocol} . {each.port}{text.comment(told(str(each.origin)))}"
        f" : {each.to} . {each.to_port}"
        for each in listed
        if each.address.version == version
        for name in zones[each.zone].interfaces
    ]
    if not rows:
        return ""
    ip = _IP[version]
    key = f"iifname . {ip} daddr . meta l4proto . th dport"
    return f"meta l4proto {{ tcp, udp }} dnat {ip} to {key} map {text.anonymous(rows)}"


def _masked(policy: Policy, one: Masking, zones: dict[str, Zone]) -> list[str]:
    source, target = zones[one.source], zones[one.target]
    ip = _IP[one.address.version]
    networks = {network.name: network for network in policy.networks}
    wanted = [prefix for name in one.targets for prefix in networks[name].prefixes]
    ranges = sorted({_range(prefix) for prefix in wanted if prefix.version == one.address.version})
    if one.targets and not ranges:
        return []
    where = f"{ip} daddr {text.anonymous(ranges)} " if ranges else ""
    flow = f"ct mark 0x{flow_mark(source.index, target.index):04x}"
    out = f"counter snat {ip} to"
    at = str(one.address) if one.address.version == 4 else f"[{one.address}]"
    comment = text.comment(told(str(one.origin)))
    return [
        f"{flow} {where}{kind} {out} {f'{at}:{PORTS}' if ported else one.address}{comment}"
        for kind, ported in _kinds(policy, one)
    ]


def _range(prefix: Prefix) -> str:
    return show(prefix.version, prefix.first, prefix.last)


def _kinds(policy: Policy, one: Masking) -> list[tuple[str, bool]]:
    """Return what to match, and whether it has ports."""
    version = one.address.version
    if not one.services:
        return [("meta l4proto { tcp, udp }", True), (f"meta nfproto ipv{version}", False)]
    services = {service.name: service for service in policy.services}
    found: dict[str, list[str]] = {}
    for first, last in union(*(services[name].traffic for name in one.services)):
        for kind, low, high in traffic.split(first, last):
            found.setdefault(kind, []).append(f"{low}-{high}" if low != high else str(low))
    words = [(f"{kind} dport {text.anonymous(ports)}", True) for kind, ports in found.items() if kind in traffic.BASE]
    if "ping" in found:
        words.append((f"{'icmp' if version == 4 else 'icmpv6'} type echo-request", False))
    if "other" in found:
        words.append(("meta l4proto != { tcp, udp, icmp, ipv6-icmp }", False))
    return words
