"""The media addresses of a site with the indices under which the kernel knows them. Pure.

An index is a byte of every pinhole's number, so an address keeps its own through all versions of the site file while
the order of the file may change; a restarted `gatewayd` reads those in use back from the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from gatewayd.network.desired import zone_number
from gatewayd.pinholes.bogons import Address
from nft import relay
from nft.number import CLASSES, MAX_MEDIA_ADDRESS, classed
from vdx.pinhole import Medium
from vdx.site import Site

Key: TypeAlias = tuple[str, Address]
"""A zone and a media address in it."""


@dataclass(frozen=True, slots=True)
class MediaPlace:
    """One media address: as the kernel knows it, the ports it has, and as peers see it."""

    zone: str
    at: relay.Address
    ports: tuple[int, int]
    shown: str

    def carrying(self, medium: Medium) -> relay.Address:
        """Give the address as the kernel knows it for a medium: the class is a part of each pinhole's number."""
        return _classed(self.at, CLASSES.index(medium))

    def holds(self, at: relay.Address) -> bool:
        """Tell whether a pinhole is at this address, whatever it carries."""
        return (at.zone, at.index & MAX_MEDIA_ADDRESS, at.address, at.interface) == (
            self.at.zone,
            self.at.index,
            self.at.address,
            self.at.interface,
        )


@lru_cache(maxsize=1024)  # a few of each zone, asked for with every stream
def _classed(at: relay.Address, kind: int) -> relay.Address:
    return relay.Address(at.zone, classed(at.index, kind), at.address, at.interface)


def layout(site: Site, kept: Mapping[Key, int]) -> dict[Key, MediaPlace]:
    """Give every media address of a site; `kept` are indices in use, that stay."""
    places: dict[Key, MediaPlace] = {}
    for name, zone in site.zones.items():
        taken = {index for (held, _), index in kept.items() if held == name}
        free = (index for index in range(MAX_MEDIA_ADDRESS + 1) if index not in taken)
        for media in zone.media.addresses:
            key = (name, media.address)
            index = kept[key] if key in kept else next(free)
            at = relay.Address(zone_number(name), index, media.address, zone.interface)
            shown = str(media.advertise or media.address)
            places[key] = MediaPlace(name, at, (zone.media.ports.first, zone.media.ports.last), shown)
    return places
