"""Two appliances as a pair: they agree over VRRP (RFC 9568) which of them has the addresses that both share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from vdx.site.block import LocatedError, Model, Zone
from vdx.site.values import IpAddress

if TYPE_CHECKING:
    from vdx.site.zones import ZoneSettings


class Pair(Model):
    """The other appliance, by its own address in a zone that both are in; adverts go to it alone.

    `number` is the same on both, and no other pair's in that network. Who has the larger `priority` begins; who serves
    goes on, also when the other comes back. `seconds` between two adverts: after three and a half of them the other
    takes over.
    """

    zone: Literal["core", "mgmt"] = "core"
    other: IpAddress
    number: Annotated[int, Field(ge=1, le=255)] = 51
    priority: Annotated[int, Field(ge=1, le=254)] = 100
    seconds: Annotated[float, Field(ge=0.1, le=10)] = 0.2


def pair_faults(pair: Pair | None, zones: Mapping[Zone, ZoneSettings]) -> Iterator[LocatedError]:
    """Give what stands against the pair."""
    shared = [(name, address) for name, zone in zones.items() for address in zone.shared]
    if pair is None:
        for name, address in shared[:1]:
            text = f"{address} is shared, and `pair` does not say with whom"
            yield LocatedError(text, "zones", name, "shared")
        return
    zone = zones.get(pair.zone)
    if zone is None:
        yield LocatedError("this zone is not configured: add it under `zones`", "pair", "zone")
    elif not any(pair.other in one.network for one in zone.own):
        text = f"{pair.other} is in no network of zone {pair.zone!r}: adverts go to it without a router between"
        yield LocatedError(text, "pair", "other")
    elif any(pair.other == one.ip for one in zone.addresses):
        yield LocatedError(f"{pair.other} is our own: name the other appliance's", "pair", "other")
    if not any(address.version == pair.other.version for _, address in shared):
        text = f"no zone has an IPv{pair.other.version} address in `shared`: there is nothing to agree on"
        yield LocatedError(text, "pair", "other")


def shared_faults(name: str, zone: ZoneSettings) -> Iterator[LocatedError]:
    """Give shared addresses of a zone that are not its own, or that leave it without one of its own beside them."""
    networks = [one.network for one in zone.own]
    for index, address in enumerate(zone.shared):
        where = ("zones", name, "shared", index)
        found = next((one for one in zone.addresses if one.ip == address), None)
        if found is None:
            yield LocatedError(f"{address} is no address of zone {name!r}: add it to `addresses`", *where)
        elif found.network not in networks:
            text = f"zone {name!r} needs an address of this appliance alone in {found.network} beside {address}"
            yield LocatedError(text, *where)
