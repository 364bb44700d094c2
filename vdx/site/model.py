"""The site file as models: everything an appliance is told, and nothing that it finds out by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, model_validator

from vdx.dialplan import TO_DNS, TO_ROOM
from vdx.site.access import Access, access_faults
from vdx.site.acme import Acme, acme_faults
from vdx.site.block import LocatedError, Model, Zone
from vdx.site.bus import Bus, bus_faults
from vdx.site.certificates import peer_faults
from vdx.site.delegation import Delegations, delegation_faults
from vdx.site.dialplan import Domain, Room, Rule, TimeZone
from vdx.site.limits import Limits
from vdx.site.management import Management, management_faults
from vdx.site.pair import Pair, pair_faults
from vdx.site.peers import Peer
from vdx.site.policy import Agreements, Policy
from vdx.site.revocation import Revocation, revocation_faults
from vdx.site.seeing import Hep, RecordKeeping, Syslog, collector_faults
from vdx.site.values import InterfaceName, IpAddress, Word
from vdx.site.zones import Interface, ZoneSettings, interface_faults, overlaps, zone_faults

RESERVED = (TO_ROOM, TO_DNS)
MAX_DOMAINS = 1_000
"""Own domains: one for each institution of a large health region."""


class Upstream(Model):
    """Servers the appliance itself asks, each reached through its zone."""

    zone: Zone
    dns: tuple[IpAddress, ...] = ()
    ntp: tuple[IpAddress, ...] = ()


class Site(Model):
    """One appliance and all that surrounds it."""

    name: Word
    interfaces: dict[InterfaceName, Interface] = Field(default_factory=dict)
    zones: dict[Zone, ZoneSettings]
    peers: dict[Word, Peer] = Field(default_factory=dict)
    domains: Annotated[tuple[Domain, ...], Field(max_length=MAX_DOMAINS)] = ()
    rooms: dict[Word, Room] = Field(default_factory=dict)
    dialplan: tuple[Rule, ...] = ()
    time_zone: TimeZone = "UTC"
    access: Access = Access()
    limits: Limits = Limits()
    upstream: Upstream | None = None
    acme: Acme | None = None
    revocation: Revocation | None = None
    records: RecordKeeping = RecordKeeping()
    hep: Hep | None = None
    syslog: Syslog | None = None
    bus: Bus | None = None
    pair: Pair | None = None
    policy: Policy = Policy()
    agreements: Agreements = Agreements()
    delegations: Delegations = Field(default_factory=dict)
    management: Management = Management()

    @model_validator(mode="after")
    def _fits_together(self) -> Site:
        for fault in _contradictions(self):
            raise fault
        return self


def _contradictions(site: Site) -> Iterator[LocatedError]:
    yield from interface_faults(site.interfaces, site.zones)
    for name, zone in site.zones.items():
        yield from zone_faults(name, zone)
    yield from overlaps(site.zones)
    yield from pair_faults(site.pair, site.zones)
    for label, peer in site.peers.items():
        if peer.zone not in site.zones:
            yield LocatedError(f"zone {peer.zone!r} is not configured: add it under `zones`", "peers", label, "zone")
    yield from peer_faults(site.zones, site.peers)
    yield from access_faults(site.peers)
    yield from dialplan_faults(site)
    if site.upstream and site.upstream.zone not in site.zones:
        yield LocatedError("this zone is not configured: add it under `zones`", "upstream", "zone")
    yield from acme_faults(site.acme, site.zones)
    yield from revocation_faults(site.revocation, site.zones)
    yield from collector_faults("hep", site.hep, site.zones)
    yield from collector_faults("syslog", site.syslog, site.zones)
    yield from bus_faults(site.bus, site.zones, site.peers)
    yield from delegation_faults(site.delegations)
    yield from management_faults(site.management, site.delegations)


def dialplan_faults(site: Site) -> Iterator[LocatedError]:
    """Give what in the dial plan and among the rooms leads nowhere."""
    yield from _name_faults(site)
    for index, rule in enumerate(site.dialplan):
        where = ("dialplan", index)
        if rule.peer is not None and rule.peer not in site.peers:
            yield LocatedError(_unknown(rule.peer), *where, "peer")
        for name in rule.peers:
            yield from _callable(site, name, rule.via is None, *where, "to" if rule.via is None else "via")
        if rule.via is not None and (fault := _unreachable(site, rule.via)):
            yield LocatedError(fault, *where, "via")
        if not site.domains and (rule.domain is not None or rule.leads_to == TO_DNS):
            text = "without `domains` every dialled domain counts as ours: name ours first"
            yield LocatedError(text, *where, "to" if rule.domain is None else "domain")
    for alias, room in site.rooms.items():
        yield from _callable(site, room.peer, True, "rooms", alias, "peer")


def _name_faults(site: Site) -> Iterator[LocatedError]:
    for label, peer in site.peers.items():
        if label in RESERVED:
            text = f"{label!r} has a meaning of its own in the dial plan: choose another name"
            yield LocatedError(text, "peers", label)
        if peer.target and peer.target.host and not _looks_up(site):
            yield LocatedError(_NO_UPSTREAM, "peers", label, "target", "host")


_NO_UPSTREAM = "names are looked up: say in `upstream` who answers for them (`zone`, `dns`)"


def _looks_up(site: Site) -> bool:
    return site.upstream is not None and bool(site.upstream.dns)


def _unreachable(site: Site, name: str) -> str:
    """Say why a name that is looked up could not be called as this peer."""
    peer = site.peers.get(name)
    if peer is None:
        return ""
    if not _looks_up(site):
        return _NO_UPSTREAM
    if peer.zone != "internet" and not peer.media:
        return f"peer {name!r} has no `media`: outside the internet it takes prefixes that names may lead to"
    return ""


def _callable(site: Site, name: str, needs_target: bool, *where: str | int) -> Iterator[LocatedError]:
    peer = site.peers.get(name)
    if peer is None:
        yield LocatedError(_unknown(name), *where)
    elif needs_target and peer.target is None and not peer.registers:
        yield LocatedError(f"peer {name!r} has no `target`: say where its calls go", *where)


def _unknown(name: str) -> str:
    return f"no peer is called {name!r}: add it under `peers`"
