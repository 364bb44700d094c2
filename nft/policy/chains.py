"""The chains of table ``inet transit``: how a packet walks through the look-ups, and what each rule does. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from nft.model import Zone
from nft.number import passing_mark
from nft.policy import traffic, translation
from nft.policy.model import Policy, Rule
from nft.policy.opening import TABLE
from nft.policy.tables import Stage, Tables
from nft.policy.words import flow_mark, told
from nft.ruleset import text

Chain: TypeAlias = tuple[str, str, list[str]]
Zones: TypeAlias = dict[str, Zone]

SOURCES_SIZE = 1 << 16  # sources that a limit remembers; a full set lets others pass, as no flood may shut them out
SOURCE_SECONDS = 10  # a source's allowance is whole again long before
# New flows of one source where no rule says otherwise: a hospital behind one address opens some hundred at full hours.
NEW_FLOWS = "500/second burst 2000 packets"
ERRORS = "200/second burst 200 packets"  # ICMP errors about flows that are open
LOG_GROUP = 8  # of NFLOG: what rules with `log` tell; 7 is the relay's
LOG_RATE = "10/second burst 50 packets"  # of one rule, so that a scan does not fill the journal
LOG_BYTES = 64  # of the packet: an IPv6 and a UDP header are 48

_IP = {4: "ip", 6: "ip6"}
_ICMP = {4: "icmp", 6: "icmpv6"}
_PING = {
    4: ("icmp type echo-request", "icmp type echo-reply"),
    6: ("icmpv6 type echo-request", "icmpv6 type echo-reply"),
}
# What one host can send from: its address, or the /64 it may number itself in (RFC 4291 2.5.1, RFC 8981).
_HOST = {4: "ip saddr", 6: "ip6 saddr & ffff:ffff:ffff:ffff::"}
_TYPE = {4: "ipv4_addr", 6: "ipv6_addr"}


def limits(policy: Policy) -> Iterator[str]:
    """Declare the sets in which sources are counted: one for each limit and IP version."""
    timed = f"size {SOURCES_SIZE}; flags dynamic,timeout; timeout {SOURCE_SECONDS}s;"
    for version, address in _TYPE.items():
        yield f"add set inet {TABLE} sources{version} {{ type {address}; {timed} }}\n"
    for index, rule in enumerate(policy.rules):
        for version, address in _TYPE.items():
            if rule.rate:
                yield f"add set inet {TABLE} rate_{index}_{version} {{ type {address}; {timed} }}\n"
            if rule.connections:
                words = f"type {address}; size {SOURCES_SIZE}; flags dynamic;"
                yield f"add set inet {TABLE} flows_{index}_{version} {{ {words} }}\n"


def of(tables: Tables, zones: Zones) -> list[Chain]:
    """Return every chain as (name, hook, rules); those that are jumped to have no hook."""
    sides = sorted({*tables.rules.sides, *tables.agreed.sides})
    found: list[Chain] = [
        ("prerouting", "type filter hook prerouting priority dstnat + 10; policy accept;", _prerouting()),
        ("related", "", _related()),
        ("denied", "", _denied()),
    ]
    for zone in zones.values():
        found += [(f"into_{zone.name}", "", _into(zone)), (f"back_{zone.name}", "", _back(zone))]
    for side in sides:
        for direction in ("from", "to"):
            found += _walk(tables, *side, direction)
    for index, rule in enumerate(tables.policy.rules):
        found += _rule(index, rule, zones)
    return [*found, *translation.chains(tables.policy, zones)]


def _prerouting() -> list[str]:
    return [
        'iifname "lo" accept',
        "meta mark != 0 accept",  # the relay has decided
        "meta pkttype != host accept",
        "ip6 daddr fe80::/10 accept",
        "ip daddr @own4 accept",
        "ip6 daddr @own6 accept",
        "ct state related meta l4proto { icmp, ipv6-icmp } goto related",
        "ct direction reply ct mark . meta nfproto vmap @answers",
        "ct direction original iifname . meta nfproto vmap @entries",
        "goto denied",
    ]


def _denied() -> list[str]:
    # dropped before it is routed, so that no "unreachable" tells the sender what there is and what not
    return ["meta mark set 0 meta priority set 0", "fib daddr type local accept", "counter name denied drop"]


def _related() -> list[str]:
    return [
        f"limit rate over {ERRORS} drop",
        "ct direction original meta mark set ct mark map @onward accept",
        "ct direction reply meta mark set ct mark map @backward accept",
    ]


def _into(zone: Zone) -> list[str]:
    """Let a packet of this zone pass by an agreement; its mark says whereto."""
    return [
        *map(_flood, _HOST),
        f"ct mark set meta mark map @flow_{zone.name} meta priority set 0 accept",
        "drop",
    ]


def _flood(version: int) -> str:
    limit = f"{_HOST[version]} limit rate over {NEW_FLOWS}"
    return f"ct state new update @sources{version} {{ {limit} }} counter name transit_flood drop"


def _back(zone: Zone) -> list[str]:
    """Let an answer go back into this zone; its mark is still that of the zone which it must come from."""
    return [
        f"iifname . meta mark @ways meta mark set 0x{passing_mark(zone.index):08x} meta priority set 0 accept",
        "counter name misrouted drop",
    ]


def _walk(tables: Tables, zone: str, version: int, direction: str) -> list[Chain]:
    """Return the chains that judge what comes from a zone (``from``) or answers it (``to``)."""
    suffix = f"{zone}{version}"
    name = f"{direction}_{suffix}"
    steps: list[str] = []
    found: list[Chain] = []
    if (zone, version) in tables.rules.sides:
        steps.append(f"jump rules_{name}")
        end = "meta mark . meta priority vmap @rule_verdicts"
        found += _look_up("rule", tables.rules, (zone, version, direction), end)
    if (zone, version) in tables.agreed.sides:
        steps.append(f"jump agreed_{name}")
        way = f"into_{zone}" if direction == "from" else f"back_{zone}"
        end = f"meta mark . meta priority != @early meta mark set meta mark . meta priority map @open goto {way}"
        found += _look_up("agreed", tables.agreed, (zone, version, direction), end)
    return [(name, "", [*steps, "goto denied"]), *found]


def _look_up(stage_name: str, stage: Stage, side: tuple[str, int, str], end: str) -> list[Chain]:
    zone, version, direction = side
    prefix = {"rule": "rules", "agreed": "agreed"}[stage_name]
    ip, forth = _IP[version], direction == "from"
    here, there, port = ("saddr", "daddr", "dport") if forth else ("daddr", "saddr", "sport")
    cell = f"{prefix}_cell_{direction}_{zone}{version}"
    ways = [f"meta mark set {kind} {port} map @{stage_name}_{kind} goto {cell}" for kind in traffic.BASE]
    ping, other = stage.traffic.get(traffic.PING), stage.traffic.get(traffic.OTHER)
    echo = f"{_ICMP[version]} type {'echo-request' if forth else 'echo-reply'}"
    if ping:
        ways.append(f"{echo} meta mark set 0x{ping:x} goto {cell}")
    else:
        ways.append(f"{echo} return")
    if other:
        ways.append(f"meta l4proto != {{ tcp, udp }} meta mark set 0x{other:x} goto {cell}")
    name, suffix = stage_name, f"{zone}{version}"
    steps = (  # one rule, because a miss ends it: nothing stale is ever looked up
        f"meta priority set {ip} {there} map @{name}_to_{suffix}",
        f"meta mark set meta mark . meta priority map @{name}_offers",
        f"meta priority set {ip} {here} map @{name}_from_{suffix}",
        end,
    )
    return [(f"{prefix}_{direction}_{suffix}", "", ways), (cell, "", [" ".join(steps)])]


def _rule(index: int, rule: Rule, zones: Zones) -> Iterator[Chain]:
    source, target = zones[rule.source], zones[rule.target]
    origin = text.comment(told(str(rule.origin)))
    log = (
        f"limit rate {LOG_RATE} log prefix {text.quoted(told(f'{rule.action} {rule.origin} '))}"
        f" group {LOG_GROUP} snaplen {LOG_BYTES}"
    )
    if rule.action == "deny":
        yield f"rule_{index}", "", [*([log] if rule.log else []), f"counter drop{origin}"]
        return
    steps = [
        f"meta mark set 0x{passing_mark(target.index):08x} meta priority set 0",
        f"ct direction reply counter goto back_{source.name}{origin}",
    ]
    for version, host in _HOST.items():
        if rule.rate:
            limit = f"limit rate over {rule.rate}/second burst {2 * rule.rate} packets"
            drop = "counter name rate_limited drop"
            steps.append(f"ct state new update @rate_{index}_{version} {{ {host} {limit} }} {drop}")
        else:
            steps.append(_flood(version))
        if rule.connections:
            drop = "counter name connections_limited drop"
            steps.append(
                f"ct state new add @flows_{index}_{version} {{ {host} ct count over {rule.connections} }} {drop}"
            )
    if rule.log:
        steps.append(f"ct state new {log}")
    mark = flow_mark(source.index, target.index)
    yield f"rule_{index}", "", [*steps, f"ct mark set 0x{mark:04x} counter accept{origin}"]
