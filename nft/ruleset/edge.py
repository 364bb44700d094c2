"""The firewall: table ``inet edge``. Default deny in every direction, every reason counted by name.

Media never meets the input rules: the relay's marks decide it before (``nft.ruleset.media``), also for banned sources,
whose leases end by being revoked. What passes between zones by policy is decided before as well (``nft.policy``), but
not for banned or forged sources. Everything else passes, in this order: bans (but of spared sources), source checks,
the rate of SIP packets of one source, established, services.

Source checks ask the routing table of the packet's own zone, because private ranges of two zones may overlap: the
zone's mark is set, ``fib`` asks whether the way back leaves by the same interface, and the mark is taken off again.
Neighbour discovery comes before it, as its sources may be unspecified; its hop limit of 255 proves the link (RFC 4861,
7.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from nft.model import Edge, Listener, Network, Pair, Service, Upstream
from nft.number import LOCAL, PASSING, ZONE_MASK, passing_mark, zone_mark
from nft.ruleset import text
from nft.schema import BANS

SOURCES_SIZE = 1 << 17  # sources of SIP at once; a full set refuses new flows, established ones go on
SOURCE_SECONDS = 10  # a source's allowances are whole again after 2 s, so nothing is gained by remembering it longer
NEW_FLOWS = "100/second burst 200 packets"  # of one source to SIP: a trunk's reconnect after an outage, not a flood
# SIP packets of one source, known or not: a trunk of 200 calls/s brings at most 14 a call, 2,800/s; what is left is for
# retransmissions after an outage. UDP from one port is one flow to conntrack, so NEW_FLOWS alone would not see a flood.
SIP_PACKETS = "5000/second burst 10000 packets"
ECHO = "20/second burst 50 packets"  # pings answered, all sources together
ERRORS = "200/second burst 200 packets"  # ICMP errors that belong to no known flow

COUNTERS = (
    "banned", "invalid", "spoofed", "martian", "foreign", "flood", "sip_flood", "icmp_flood",
    "input_denied", "output_denied", "forward_denied", "media_error",
)  # fmt: skip

# Sources that no packet from a wire may carry (RFC 6890); private ranges are not here: they are what the SDN uses.
MARTIANS = {
    4: ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4"),
    6: ("::/127", "::ffff:0:0/96", "ff00::/8"),
}
_ICMP_ERRORS = "{ destination-unreachable, time-exceeded, parameter-problem }"
_ICMP_OUT = "{ echo-request, destination-unreachable, time-exceeded, parameter-problem }"
_ICMP6_OUT = "{ echo-request, destination-unreachable, packet-too-big, time-exceeded, parameter-problem }"
_ND_OUT = "{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report, mld2-listener-report }"
_ICMP6_ERRORS = "{ destination-unreachable, packet-too-big, time-exceeded, parameter-problem }"
_RELAYED = f"meta mark & 0x{ZONE_MASK:08x} != 0"
_PASSING = f"meta mark & 0x{0xFFFFFFFF ^ ZONE_MASK:08x} == 0x{PASSING:08x}"
_TO_SIP = {
    4: "iifname . meta l4proto . ip daddr . th dport @sip4",
    6: "iifname . meta l4proto . ip6 daddr . th dport @sip6",
}
_SOURCES = f"size {SOURCES_SIZE}; flags dynamic,timeout; timeout {SOURCE_SECONDS}s;"
# What one host can send from: its address, or the /64 it may number itself in (RFC 4291 2.5.1, RFC 8981). With the
# interface, as an address forged in one zone must not use up what a peer of another zone may send.
_HOST = {4: "iifname . ip saddr", 6: "iifname . ip6 saddr & ffff:ffff:ffff:ffff::"}
# Whoever is spared is not dropped even if he was banned before the site knew him; only the banned are looked up there
_BANNED = ("ip saddr @ban4 ip saddr != @never4 goto banned", "ip6 saddr @ban6 ip6 saddr != @never6 goto banned")
_VERSIONS = ((4, "ip", "ipv4_addr"), (6, "ip6", "ipv6_addr"))


def table(model: Edge) -> str:
    """Return the text of the table for an edge."""
    out = "add table inet edge\n"
    out += "".join(f"add counter inet edge {name}\n" for name in COUNTERS)
    out += "".join(text.declare(shape) for shape in BANS.values())
    out += _sets(model)
    return out + text.block("edge", _chains(model))


def _sets(model: Edge) -> str:
    zones = [f"{text.quoted(name)} : 0x{zone_mark(zone.index):08x}" for zone in model.zones for name in zone.interfaces]
    out = "add map inet edge zones { type ifname : mark; }\n" + text.refill("edge", "zones", zones, kind="map")
    # The same names again: Linux 6.1 asks a map for its value only, never whether a key is in it.
    names = [text.quoted(name) for zone in model.zones for name in zone.interfaces]
    out += "add set inet edge interfaces { type ifname; }\n" + text.refill("edge", "interfaces", names)
    ways = [
        f"{text.quoted(name)} . 0x{passing_mark(zone.index):08x}" for zone in model.zones for name in zone.interfaces
    ]
    out += "add set inet edge ways { type ifname . mark; }\n" + text.refill("edge", "ways", ways)
    for version, _, address in _VERSIONS:
        own = {str(a): None for zone in model.zones for a in zone.addresses if a.version == version}
        media = {str(m.address): None for _, m in model.media() if m.address.version == version}
        never = [str(network) for network in _collapsed(model.spared, version)]
        sip = [row for one in model.listeners if one.address.version == version for row in _listener(model, one)]
        out += (
            f"add set inet edge own{version} {{ type {address}; }}\n{text.refill('edge', f'own{version}', list(own))}"
            f"add set inet edge media{version} {{ type {address}; }}\n"
            f"{text.refill('edge', f'media{version}', list(media))}"
            f"add set inet edge never{version} {{ type {address}; flags interval; }}\n"
            f"{text.refill('edge', f'never{version}', never)}"
            f"add set inet edge sip{version} {{ type ifname . inet_proto . {address} . inet_service; }}\n"
            f"{text.refill('edge', f'sip{version}', sip)}"
            f"add set inet edge flows{version} {{ type ifname . {address}; {_SOURCES} }}\n"
            f"add set inet edge rates{version} {{ type ifname . {address}; {_SOURCES} }}\n"
        )
    return out


def _collapsed(networks: Iterable[Network], version: int) -> list[Network]:
    """Put prefixes of one family together: an interval set takes none that overlap."""
    if version == 4:
        return [*collapse_addresses(one for one in networks if isinstance(one, IPv4Network))]
    return [*collapse_addresses(one for one in networks if isinstance(one, IPv6Network))]


def _listener(model: Edge, one: Listener) -> list[str]:
    return [
        f"{text.quoted(name)} . {one.protocol} . {one.address} . {one.port}{text.comment(one.origin)}"
        for name in model.zone(one.zone).interfaces
    ]


def _chains(model: Edge) -> list[tuple[str, str, list[str]]]:
    return [
        ("input", "type filter hook input priority filter; policy drop;", _input(model)),
        ("forward", "type filter hook forward priority filter; policy drop;", _forward()),
        ("output", "type filter hook output priority filter; policy drop;", _output(model)),
        ("passing", "", _passing()),
        ("banned", "", ["counter name banned drop"]),
        ("neighbour_in", "", _neighbour_in()),
        ("source", "", _source()),
        ("icmp_in", "", _icmp_in()),
        ("sip_rate", "", _sip_rate()),
        ("sip_in", "", _sip_in()),
        ("media_out", "", _media_out()),
        ("sip_out", "", _sip_out(model)),
    ]


def _input(model: Edge) -> list[str]:
    return [
        f"meta mark 0x{LOCAL:08x} accept",
        'iifname "lo" accept',
        *_BANNED,
        "meta l4proto ipv6-icmp jump neighbour_in",
        "jump source",
        "ct state invalid counter name invalid drop",
        "icmp type echo-request goto icmp_in",  # before established: a flood of one ping's answers is one flow
        "icmpv6 type echo-request goto icmp_in",
        f"{_TO_SIP[4]} jump sip_rate",
        f"{_TO_SIP[6]} jump sip_rate",
        "ct state established,related accept",
        "meta l4proto { icmp, ipv6-icmp } goto icmp_in",
        f"{_TO_SIP[4]} goto sip_in",
        f"{_TO_SIP[6]} goto sip_in",
        *(rule for service in model.services for rule in _service(model, service)),
        *(_adverts(model, model.pair, "iifname", "saddr") if model.pair else ()),
        "counter name input_denied drop",
    ]


def _service(model: Edge, one: Service) -> list[str]:
    names = text.anonymous(map(text.quoted, model.zone(one.zone).interfaces))
    rules = []
    for version, ip, _ in _VERSIONS:
        sources = sorted({str(network) for network in one.sources if network.version == version})
        if sources:
            rules.append(
                f"iifname {names} {ip} saddr {text.anonymous(sources)} {one.protocol} dport {one.port}"
                f" ct state new counter accept{text.comment(one.origin)}"
            )
    return rules


def _neighbour_in() -> list[str]:
    return [
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 iifname @interfaces accept",
        "icmpv6 type nd-router-advert ip6 hoplimit 255 ip6 saddr fe80::/10 iifname @interfaces accept",
        "icmpv6 type mld-listener-query ip6 hoplimit 1 ip6 saddr fe80::/10 iifname @interfaces accept",
    ]


def _source() -> list[str]:
    return [
        f"ip saddr {text.anonymous(MARTIANS[4])} counter name martian drop",
        f"ip6 saddr {text.anonymous(MARTIANS[6])} counter name martian drop",
        "ip saddr @own4 counter name spoofed drop",
        "ip6 saddr @own6 counter name spoofed drop",
        "iifname != @interfaces counter name foreign drop",
        "meta mark set iifname map @zones",
        "fib saddr . mark . iif oif missing counter name spoofed drop",
        "meta mark set 0",
    ]


def _icmp_in() -> list[str]:
    return [
        f"icmp type echo-request limit rate {ECHO} accept",
        f"icmpv6 type echo-request limit rate {ECHO} accept",
        f"icmp type {_ICMP_ERRORS} limit rate {ERRORS} accept",
        f"icmpv6 type {_ICMP6_ERRORS} limit rate {ERRORS} accept",
        "icmp type echo-request counter name icmp_flood drop",
        "icmpv6 type echo-request counter name icmp_flood drop",
        "counter name input_denied drop",
    ]


def _sip_rate() -> list[str]:
    # Where a source cannot be added, its rule ends without a verdict: a full set cuts no established flow. `update`
    # keeps a source's count for as long as it sends; `add` would let it begin anew every SOURCE_SECONDS.
    return [
        f"update @rates{version} {{ {host} limit rate over {SIP_PACKETS} }} counter name sip_flood drop"
        for version, host in _HOST.items()
    ]


def _sip_in() -> list[str]:
    # Where a source cannot be added, its rule ends without a verdict, and the last one drops: fail closed.
    return [
        *(
            f"add @flows{version} {{ {host} limit rate {NEW_FLOWS} }} ct state new counter accept"
            for version, host in _HOST.items()
        ),
        "counter name flood drop",
    ]


def _forward() -> list[str]:
    # media first, which is most of it: only a pinhole's mark has a port
    return ["meta mark & 0x0000ffff != 0 accept", f"{_PASSING} goto passing", "counter name forward_denied drop"]


def _passing() -> list[str]:
    """Let out what the policy lets pass (`nft.policy`), if its source is sound; from here on it has no mark."""
    return [
        *_BANNED,
        "oifname . meta mark != @ways counter name forward_denied drop",
        "jump source",
        "ct state invalid,untracked counter name invalid drop",
        # the sender is not told of a smaller MTU behind us: an ICMP error would be routed into the wrong zone
        "tcp flags syn tcp option maxseg size set rt mtu",
        "accept",
    ]


def _output(model: Edge) -> list[str]:
    return [
        'oifname "lo" accept',
        f"{_RELAYED} goto media_out",
        "ct state invalid counter name invalid drop",
        "ct state established,related accept",
        f"icmp type {_ICMP_OUT} oifname @interfaces accept",
        f"icmpv6 type {_ICMP6_OUT} oifname @interfaces accept",
        f"icmpv6 type {_ND_OUT} oifname @interfaces accept",
        *(rule for upstream in model.upstreams for rule in _upstream(model, upstream)),
        *(_adverts(model, model.pair, "oifname", "daddr") if model.pair else ()),
        "jump sip_out",
        "counter name output_denied drop",
    ]


def _upstream(model: Edge, one: Upstream) -> list[str]:
    names = text.anonymous(map(text.quoted, model.zone(one.zone).interfaces))
    target = f"{one.protocol} dport {one.port}"
    if one.address is not None:
        target = f"{'ip' if one.address.version == 4 else 'ip6'} daddr {one.address} {target}"
    return [f"oifname {names} {target} counter accept{text.comment(one.origin)}"]


def _adverts(model: Edge, one: Pair, way: str, end: str) -> list[str]:
    """Let adverts of the pair pass between the two, which also is what they are for: no relay adds to them."""
    names = text.anonymous(map(text.quoted, model.zone(one.zone).interfaces))
    ip = "ip" if one.address.version == 4 else "ip6"
    return [f"{way} {names} {ip} {end} {one.address} meta l4proto vrrp counter accept{text.comment(one.origin)}"]


def _media_out() -> list[str]:
    # An ICMP error carries the mark of the packet it quotes (fwmark_reflect) and would show an address of the far side.
    return [
        "meta l4proto { icmp, ipv6-icmp } counter name media_error drop",
        "meta l4proto udp ip saddr @media4 accept",
        "meta l4proto udp ip6 saddr @media6 accept",
        "meta l4proto tcp ip saddr @media4 accept",  # to whom, `inet media` has checked
        "meta l4proto tcp ip6 saddr @media6 accept",
        "counter name output_denied drop",
    ]


def _sip_out(model: Edge) -> list[str]:
    rules = [
        "oifname . meta l4proto . ip saddr . th sport @sip4 accept",
        "oifname . meta l4proto . ip6 saddr . th sport @sip6 accept",
    ]
    # A connection that we open leaves from the listener's address by a port of its own, to the peer's SIP port.
    for one in model.listeners:
        if one.protocol == "tcp":
            names = text.anonymous(map(text.quoted, model.zone(one.zone).interfaces))
            ip = "ip" if one.address.version == 4 else "ip6"
            rules.append(
                f"oifname {names} {ip} saddr {one.address} tcp dport 1024-65535 ct state new counter accept"
                f"{text.comment(one.origin)}"
            )
    return rules
