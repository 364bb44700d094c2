"""The bus of mixing servers and hub, as an appliance reaches it: its servers, and who we are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from vdx.site.access import Secrets
from vdx.site.block import LocatedError, Model, Zone
from vdx.site.certificates import FilePath
from vdx.site.values import OFF, IpAddress, Port, Word

if TYPE_CHECKING:
    from vdx.site.peers import Peer
    from vdx.site.zones import ZoneSettings

MAX_SERVERS = 9
"""Servers of a bus: three in each of three data centres."""


class BusServer(Model):
    """One server of the bus."""

    address: IpAddress
    port: Port = 4222


class Bus(Secrets):
    """Where rooms and mixing servers are told; the secret's file holds user and password, on two lines.

    `rooms` is the peer as which mixing servers are called: its zone and `media` hold for all of them.
    """

    zone: Literal["core", "mgmt"]
    servers: Annotated[tuple[BusServer, ...], Field(min_length=1, max_length=MAX_SERVERS)]
    rooms: Word
    name: Word | None = None
    trust: FilePath | None = None
    server_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")] | None = None
    encryption: Annotated[Literal["required", "off"], OFF] = "required"

    @model_validator(mode="after")
    def _vouched_for(self) -> Bus:
        if (self.encryption == "required") != (self.trust is not None):
            raise ValueError(
                "`trust` (a PEM file) vouches for the servers: name it, or say `encryption: off` (in a lab)"
            )
        return self


def bus_faults(
    bus: Bus | None, zones: Mapping[Zone, ZoneSettings], peers: Mapping[str, Peer]
) -> Iterator[LocatedError]:
    """Give what stands against the bus."""
    if bus is None:
        return
    zone = zones.get(bus.zone)
    if zone is None:
        yield LocatedError("this zone is not configured: add it under `zones`", "bus", "zone")
    else:
        versions = {own.version for own in zone.addresses}
        for index, server in enumerate(bus.servers):
            if server.address.version not in versions:
                text = f"zone {bus.zone!r} has no IPv{server.address.version} address to reach it from"
                yield LocatedError(text, "bus", "servers", index)
    peer = peers.get(bus.rooms)
    if peer is None:
        yield LocatedError(f"no peer is called {bus.rooms!r}: add it under `peers`", "bus", "rooms")
    elif not peer.media and not peer.sources:
        text = f"peer {bus.rooms!r} has no `media`: say in which prefixes mixing servers are"
        yield LocatedError(text, "bus", "rooms")
