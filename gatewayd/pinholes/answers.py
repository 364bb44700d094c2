"""Leases as they are told to their owners and to people. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from gatewayd.pinholes.layout import Key, MediaPlace
from gatewayd.pinholes.leases import SIDES, Held, SideName
from nft import relay
from vdx.pinhole import Local, Opened, OpenLease, Usage


def opened(held: Held, places: Mapping[Key, MediaPlace]) -> Opened:
    """Give the addresses and ports for SDP, as peers see them."""
    return Opened(held.lease, _local(held, "a", places), _local(held, "b", places))


def listed(held: Held, usage: Usage, expires: float) -> OpenLease:
    """Give a lease as it is listed; `expires` in seconds from now."""
    a, b = held.bridges[0].a, held.bridges[0].b
    return OpenLease(
        held.lease,
        held.owner,
        held.kind,
        "mediad" if held.in_user_space else "kernel",
        held.zones,
        held.peers,
        (_text((a.address.address, a.port)), _text((b.address.address, b.port))),
        (_text(a.remote) if a.remote else None, _text(b.remote) if b.remote else None),
        usage,
        round(expires, 1),
    )


def _local(held: Held, side: SideName, places: Mapping[Key, MediaPlace]) -> Local:
    ports = held.ports(side)
    shown = places[held.zones[SIDES.index(side)], held.address(side)].shown
    return Local(shown, ports[0], ports[1] if len(ports) > 1 else None)


def _text(place: relay.Remote) -> str:
    address, port = place
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
