"""A policy judged by trying everything in turn: what the compiled tables are compared with."""

from __future__ import annotations

from ipaddress import ip_network

from nft.policy.bogons import BOGONS_4, BOGONS_6
from nft.policy.interval import Intervals
from nft.policy.model import Network, Policy, Rule
from nft.policy.packet import Packet
from nft.policy.prefix import Prefix
from nft.schema import IPAddress


def naive(policy: Policy, packet: Packet, now: int) -> tuple[str, str]:
    """Judge a packet by trying everything in turn; return the action and what decided."""
    zone = naive_zone(policy, packet)
    networks = {each.name: each for each in policy.networks}
    services = {each.name: each for each in policy.services}
    for index, rule in enumerate(policy.rules):
        if (
            (rule.source, rule.target) == (packet.zone, zone)
            and sent_by(rule, packet, networks)
            and (not rule.targets or any(within(packet.target, networks[n].prefixes) for n in rule.targets))
            and (not rule.services or any(taken(packet, services[n].traffic) for n in rule.services))
        ):
            return rule.action, f"rule {index}"
    known = policy.agreements
    for each in known.agreements:
        who = next(c for c in known.clients if c.name == each.client)
        what = next(s for s in known.services if s.name == each.service)
        if (
            (each.approved or not what.approval)
            and each.starts <= now < each.ends
            and (who.zone, what.zone) == (packet.zone, zone)
            and within(packet.source, who.prefixes)
            and within(packet.target, what.endpoints)
            and taken(packet, what.traffic)
        ):
            return "allow", "agreement"
    return "deny", "default"


def sent_by(rule: Rule, packet: Packet, networks: dict[str, Network]) -> bool:
    if rule.sources:
        return any(within(packet.source, networks[name].prefixes) for name in rule.sources)
    return packet.zone != "internet" or not bogon(packet.source)


def bogon(source: IPAddress) -> bool:
    if source.version == 4:
        return any(source in ip_network(prefix) for prefix in BOGONS_4)
    return source not in ip_network("2000::/3") or any(source in ip_network(prefix) for prefix in BOGONS_6)


def naive_zone(policy: Policy, packet: Packet) -> str:
    best, found = -1, "internet" if packet.zone != "internet" else ""
    known = policy.agreements
    claims = [(each.zone, each.prefixes) for each in policy.networks]
    claims += [(each.zone, each.prefixes) for each in known.clients]
    claims += [(each.zone, each.endpoints) for each in known.services]
    for zone, prefixes in claims:
        for prefix in prefixes:
            length = ip_network(str(prefix)).prefixlen
            if zone != packet.zone and within(packet.target, (prefix,)) and length > best:
                best, found = length, zone
    return found


def within(address: object, prefixes: tuple[Prefix, ...]) -> bool:
    return any(address in ip_network(str(prefix)) for prefix in prefixes)


def taken(packet: Packet, traffic: Intervals) -> bool:
    return any(first <= packet.place <= last for first, last in traffic)
