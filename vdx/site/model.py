"""The site file as models: everything an appliance is told, and nothing that it finds out by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, model_validator

from vdx.site.access import Access, access_faults
from vdx.site.block import LocatedError, Model, Zone
from vdx.site.certificates import peer_faults
from vdx.site.dialplan import Rule
from vdx.site.peers import Peer
from vdx.site.values import InterfaceName, IpAddress, Word
from vdx.site.zones import Interface, ZoneSettings, interface_faults, overlaps, zone_faults


class Limits(Model):
    """What the appliance carries at most."""

    calls: Annotated[int, Field(ge=1, le=20_000)] = 2_000
    streams_per_call: Annotated[int, Field(ge=1, le=64)] = 12


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
    dialplan: tuple[Rule, ...] = ()
    access: Access = Access()
    limits: Limits = Limits()
    upstream: Upstream | None = None

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
    for label, peer in site.peers.items():
        if peer.zone not in site.zones:
            yield LocatedError(f"zone {peer.zone!r} is not configured: add it under `zones`", "peers", label, "zone")
    yield from peer_faults(site.zones, site.peers)
    yield from access_faults(site.peers)
    for index, rule in enumerate(site.dialplan):
        for key in ("to", "peer"):
            value = getattr(rule, key)
            if value is not None and value not in site.peers:
                yield LocatedError(f"no peer is called {value!r}: add it under `peers`", "dialplan", index, key)
        if rule.to is not None and site.peers[rule.to].target is None and not site.peers[rule.to].registers:
            yield LocatedError(f"peer {rule.to!r} has no `target`: say where its calls go", "dialplan", index, "to")
    if site.upstream and site.upstream.zone not in site.zones:
        yield LocatedError("this zone is not configured: add it under `zones`", "upstream", "zone")
