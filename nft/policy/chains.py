"""The chains of table ``inet transit``: how a packet walks through the look-ups, and what each rule does. Pure.

Other parts stand as ``<name>`` until ``nft.policy.parts`` gives them their whole names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from nft.model import Zone
from nft.number import passing_mark
from nft.policy import traffic
from nft.policy.model import Policy, Rule
from nft.policy.opening import AGAIN
from nft.policy.parts import Draft, chain
from nft.policy.prefix import Origin
from nft.policy.tables import Stage, Tables
from nft.policy.words import flow_mark, told
from nft.ruleset import text

ENTRANCE = "type filter hook prerouting priority dstnat + 10; policy accept;"
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


def limits(policy: Policy) -> Iterator[Draft]:
    """Yield the sets in which sources are counted: one for each limit and IP version."""
    timed = f"size {SOURCES_SIZE}; flags dynamic,timeout; timeout {SOURCE_SECONDS}s;"
    for version, address in _TYPE.items():
        yield Draft("set", f"sources{version}", f"{{ type {address}; {timed} }}")
    for index, (rule, said) in enumerate(zip(policy.rules, _said(policy), strict=True)):
        for version, address in _TYPE.items():
            if rule.rate:
                head = f"{{ type {address}; {timed} }}"
                yield Draft("set", f"rate_{index}_{version}", head, "", said, f"rate{version}")
            if rule.connections:
                head = f"{{ type {address}; size {SOURCES_SIZE}; flags dynamic; }}"
                yield Draft("set", f"flows_{index}_{version}", head, "", said, f"flows{version}")


def hits(policy: Policy) -> Iterator[Draft]:
    """Yield the counter of each rule, which it keeps for as long as it says the same, wherever it stands."""
    for index, said in enumerate(_said(policy)):
        yield Draft("counter", f"hits_{index}", meaning=said, stem="hits")


def _said(policy: Policy) -> list[str]:
    """Return what each rule says, without its place; of equal rules, which never decide, each is another."""
    seen: Counter[str] = Counter()
    listed: list[str] = []
    for rule in policy.rules:
        words = repr(replace(rule, origin=Origin("", 0)))
        listed.append(f"{words} {seen[words]}")
        seen[words] += 1
    return listed


def of(tables: Tables, zones: dict[str, Zone]) -> Iterator[Draft]:
    """Yield every chain but those of translation."""
    yield chain("prerouting", _prerouting())
    yield chain("related", _related())
    yield chain("denied", _denied())
    for zone in zones.values():
        for way, rules in (("into", _into(zone)), ("back", _back(zone))):
            yield chain(f"{way}_{zone.name}", rules)
            yield chain(f"agreed_{way}_{zone.name}", _in_force(f"{way}_{zone.name}"))
    for side in sorted({*tables.rules.sides, *tables.agreed.sides}):
        for direction in ("from", "to"):
            yield from _walk(tables, *side, direction)
    for index, rule in enumerate(tables.policy.rules):
        yield chain(f"rule_{index}", _rule(index, rule, zones))


def _prerouting() -> list[str]:
    return [
        'iifname "lo" accept',
        "meta mark != 0 accept",  # the relay has decided
        "meta pkttype != host accept",
        "ip6 daddr fe80::/10 accept",
        "ip daddr @<own4> accept",
        "ip6 daddr @<own6> accept",
        "ct state related meta l4proto { icmp, ipv6-icmp } goto <related>",
        "ct direction reply ct mark . meta nfproto vmap @<answers>",
        "ct direction original iifname . meta nfproto vmap @<entries>",
        "goto <denied>",
    ]


def _denied() -> list[str]:
    # dropped before it is routed, so that no "unreachable" tells the sender what there is and what not
    return ["meta mark set 0 meta priority set 0", "fib daddr type local accept", "counter name denied drop"]


def _related() -> list[str]:
    return [
        f"limit rate over {ERRORS} drop",
        "ct direction original meta mark set ct mark map @<onward> accept",
        "ct direction reply meta mark set ct mark map @<backward> accept",
    ]


def _into(zone: Zone) -> list[str]:
    """Let a packet of this zone pass by an agreement; its mark says whereto."""
    return [
        *map(_flood, _HOST),
        f"ct mark set meta mark map @<flow_{zone.name}> meta priority set 0 accept",
        "drop",
    ]


def _flood(version: int) -> str:
    limit = f"{_HOST[version]} limit rate over {NEW_FLOWS}"
    return f"ct state new update @<sources{version}> {{ {limit} }} counter name transit_flood drop"


def _back(zone: Zone) -> list[str]:
    """Let an answer go back into this zone; its mark is still that of the zone which it must come from."""
    return [
        f"iifname . meta mark @<ways> meta mark set 0x{passing_mark(zone.index):08x} meta priority set 0 accept",
        "counter name misrouted drop",
    ]


def _in_force(way: str) -> list[str]:
    """Let a packet go on where an agreement is in force, by either key (``nft.policy.opening``)."""
    held = f"meta mark . meta priority != @<early> meta mark set meta mark . meta priority map @<open> goto <{way}>"
    return [held, f"meta priority set meta priority | 0x{AGAIN:x} {held}"]


def _walk(tables: Tables, zone: str, version: int, direction: str) -> Iterator[Draft]:
    """Yield the chains that judge what comes from a zone (``from``) or answers it (``to``)."""
    suffix = f"{zone}{version}"
    name = f"{direction}_{suffix}"
    steps: list[str] = []
    if (zone, version) in tables.rules.sides:
        steps.append(f"jump <ask_rule_{name}>")
        end = "meta mark . meta priority vmap @<rule_verdicts>"
        yield from _look_up("rule", tables.rules, (zone, version, direction), end)
    if (zone, version) in tables.agreed.sides:
        steps.append(f"jump <ask_agreed_{name}>")
        way = f"into_{zone}" if direction == "from" else f"back_{zone}"
        yield from _look_up("agreed", tables.agreed, (zone, version, direction), f"goto <agreed_{way}>")
    yield chain(name, [*steps, "goto <denied>"])


def _look_up(stage_name: str, stage: Stage, side: tuple[str, int, str], end: str) -> Iterator[Draft]:
    zone, version, direction = side
    ip, forth = _IP[version], direction == "from"
    here, there, port = ("saddr", "daddr", "dport") if forth else ("daddr", "saddr", "sport")
    cell = f"cell_{stage_name}_{direction}_{zone}{version}"
    ways = [f"meta mark set {kind} {port} map @<{stage_name}_{kind}> goto <{cell}>" for kind in traffic.BASE]
    ping, other = stage.traffic.get(traffic.PING), stage.traffic.get(traffic.OTHER)
    echo = f"{_ICMP[version]} type {'echo-request' if forth else 'echo-reply'}"
    if ping:
        ways.append(f"{echo} meta mark set 0x{ping:x} goto <{cell}>")
    else:
        ways.append(f"{echo} return")
    if other:
        ways.append(f"meta l4proto != {{ tcp, udp }} meta mark set 0x{other:x} goto <{cell}>")
    name, suffix = stage_name, f"{zone}{version}"
    steps = (  # one rule, because a miss ends it: nothing stale is ever looked up
        f"meta priority set {ip} {there} map @<{name}_to_{suffix}>",
        f"meta mark set meta mark . meta priority map @<{name}_offers>",
        f"meta priority set {ip} {here} map @<{name}_from_{suffix}>",
        end,
    )
    yield chain(f"ask_{stage_name}_{direction}_{suffix}", ways)
    yield chain(cell, [" ".join(steps)])


def _rule(index: int, rule: Rule, zones: dict[str, Zone]) -> list[str]:
    source, target = zones[rule.source], zones[rule.target]
    origin = text.comment(told(str(rule.origin)))
    log = (
        f"limit rate {LOG_RATE} log prefix {text.quoted(told(f'{rule.action} {rule.origin} '))}"
        f" group {LOG_GROUP} snaplen {LOG_BYTES}"
    )
    if rule.action == "deny":
        words = [*([log] if rule.log else []), f"counter name <hits_{index}> drop"]
        return [f"{each}{origin}" for each in words]
    steps = [
        f"meta mark set 0x{passing_mark(target.index):08x} meta priority set 0",
        f"ct direction reply counter name <hits_{index}> goto <back_{source.name}>",
    ]
    for version, host in _HOST.items():
        if rule.rate:
            limit = f"limit rate over {rule.rate}/second burst {2 * rule.rate} packets"
            drop = "counter name rate_limited drop"
            steps.append(f"ct state new update @<rate_{index}_{version}> {{ {host} {limit} }} {drop}")
        else:
            steps.append(_flood(version))
        if rule.connections:
            drop = "counter name connections_limited drop"
            steps.append(
                f"ct state new add @<flows_{index}_{version}> {{ {host} ct count over {rule.connections} }} {drop}"
            )
    if rule.log:
        steps.append(f"ct state new {log}")
    mark = flow_mark(source.index, target.index)
    steps.append(f"ct mark set 0x{mark:04x} counter name <hits_{index}> accept")
    return [f"{each}{origin}" for each in steps]
