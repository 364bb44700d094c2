"""The dial plan of a site as `b2bua` gets it. Pure: models in, messages out."""

from __future__ import annotations

from gatewayd.pinholes.policy import own_addresses
from vdx.access import SecretPlace
from vdx.admission import Ceiling
from vdx.dialplan import (
    Alternative,
    Dialling,
    DialRule,
    DnsServer,
    HeaderRule,
    HostTarget,
    PeerDial,
    PinStyle,
    RoomBus,
    RoomPlace,
    RuleTime,
)
from vdx.site.dialplan import Rule, When
from vdx.site.limits import Limits, ScopeLimits
from vdx.site.model import Site
from vdx.site.peers import Peer
from vdx.site.profile import HeaderRule as HeaderRuleOfSite
from vdx.site.profile import Pin
from vdx.site.source import LoadedSite
from vdx.site.values import IpAddress


def rules(loaded: LoadedSite) -> tuple[DialRule, ...]:
    """Give the rules of a site, each with its place in the file."""
    site = loaded.site
    return tuple(_rule(loaded.origin("dialplan", index), rule, site) for index, rule in enumerate(site.dialplan))


def dialling(site: Site) -> Dialling:
    """Give what the dial plan needs beside its rules."""
    return Dialling(
        site.name,
        site.domains,
        tuple((name, zone.reception) for name, zone in site.zones.items() if zone.reception),
        tuple(RoomPlace(alias, room.peer, room.user or "") for alias, room in site.rooms.items()),
        _rates(site.limits),
        tuple((name, ceiling(zone.limits)) for name, zone in site.zones.items()),
        name_servers(site),
        tuple(sorted(map(str, own_addresses(site)))),
        room_bus(site),
    )


def room_bus(site: Site) -> RoomBus | None:
    """Give the bus that tells of rooms."""
    bus = site.bus
    if bus is None:
        return None
    scheme = "nats" if bus.encryption == "off" else "tls"
    servers = tuple(f"{scheme}://{_host(one.address)}:{one.port}" for one in bus.servers)
    secrets = SecretPlace(bus.file or "", bus.credential or "")
    return RoomBus(servers, bus.name or site.name, secrets, bus.rooms, bus.trust or "", bus.server_name or "")


def _host(address: IpAddress) -> str:
    """Write an address as a URL does."""
    return f"[{address}]" if address.version == 6 else str(address)


def peer_dial(peer: Peer) -> PeerDial:
    """Give what the dial plan knows of a peer."""
    target = peer.target
    return PeerDial(
        HostTarget(target.host, target.port or 0, target.transport or "") if target and target.host else None,
        peer.domain or "",
        peer.user_agent or "",
        tuple(_header(rule) for rule in peer.headers),
        _pin(peer.pin),
        ceiling(peer.limits),
        tuple(str(network) for network in peer.media or ()),
    )


def ceiling(limits: ScopeLimits) -> Ceiling:
    """Give limits as `vdx.admission` takes them."""
    return Ceiling(limits.calls, limits.calls_per_second, limits.bandwidth)


def name_servers(site: Site) -> tuple[DnsServer, ...]:
    """Give the name servers, each with the address of ours that its zone reaches it from."""
    upstream = site.upstream
    if upstream is None:
        return ()
    own = [interface.ip for interface in site.zones[upstream.zone].own]
    pairs = [(server, next((ip for ip in own if ip.version == server.version), None)) for server in upstream.dns]
    return tuple(DnsServer(str(server), str(source)) for server, source in pairs if source is not None)


def _rates(limits: Limits) -> Ceiling:
    return Ceiling(None, limits.calls_per_second, limits.bandwidth)


def _rule(origin: str, rule: Rule, site: Site) -> DialRule:
    several = len(rule.to) > 1
    return DialRule(
        origin,
        rule.alias,
        rule.zone,
        rule.peer,
        rule.leads_to,
        rule.user,
        rule.refuse,
        rule.domain,
        _time(rule.when, site.time_zone) if rule.when else None,
        tuple(Alternative(each.peer, each.weight) for each in rule.to) if several else (),
        rule.via,
        rule.reason,
        rule.rewrite,
    )


def _time(when: When, time_zone: str) -> RuleTime:
    since, until = (each.isoformat() if each else "" for each in (when.since, when.until))
    return RuleTime(when.time_zone or time_zone, when.days, when.hours, since, until)


def _header(rule: HeaderRuleOfSite) -> HeaderRule:
    if rule.add:
        return HeaderRule("add", rule.add, rule.value)
    if rule.remove:
        return HeaderRule("remove", rule.remove)
    return HeaderRule("rewrite", rule.name, rule.value, rule.match)


def _pin(pin: Pin | None) -> PinStyle | None:
    if pin is None:
        return None
    if pin.header:
        return PinStyle("header", pin.header)
    return PinStyle("parameter", pin.parameter) if pin.parameter else PinStyle("separator", pin.separator or "")
