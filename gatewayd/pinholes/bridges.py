"""Leases as bridges of the kernel: made from a request, changed by new SDP, read back after a restart. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from gatewayd.pinholes import label
from gatewayd.pinholes.label import Component, Label
from gatewayd.pinholes.layout import Key, MediaPlace
from gatewayd.pinholes.leases import Held, Kind, SideName
from gatewayd.pinholes.policy import Far, FarEnd
from nft import relay
from nft.adoption import Adopted
from nft.relay import Bridge
from vdx.pinhole import Stream

COMPONENTS: Final[dict[Kind, tuple[Component, ...]]] = {"rtp": ("r", "c"), "bfcp": ("b",), "tcp": ("t",)}
"""The bridges of a lease of each kind, in order."""

_KINDS: Final[dict[Component, Kind]] = {part: kind for kind, parts in COMPONENTS.items() for part in parts}

Pinholes = tuple[MediaPlace, tuple[int, ...]]
"""Where one end of a stream got its ports."""


def build(owner: str, stream: Stream, a: Pinholes, b: Pinholes, far: tuple[FarEnd, FarEnd]) -> Held:
    """Make the lease of a stream from its pinholes and its far sides.

    Ends of two families are local ones, and so are those of a connection.
    """
    tcp = stream.kind == "tcp"
    local = tcp or stream.a.family != stream.b.family
    zones, peers = _pair(stream.a.zone, stream.b.zone), _pair(stream.a.peer, stream.b.peer)
    bridges: list[Bridge] = []
    for component, a_port, b_port in zip(COMPONENTS[stream.kind], a[1], b[1], strict=True):
        one = _end(a[0].carrying(stream.medium), a_port, _side(far[0], component), local=local, tcp=tcp)
        other = _end(b[0].carrying(stream.medium), b_port, _side(far[1], component), local=local, tcp=tcp)
        told = Label(stream.lease, component, owner, peers, one.number)
        bridges.append(Bridge(label.write(told), one, other))
    return Held(stream.lease, owner, stream.kind, zones, peers, tuple(bridges))


def with_far(held: Held, side: SideName, far: FarEnd) -> Held:
    """Give the lease with a new far side of one end."""
    bridges: list[Bridge] = []
    for bridge, component in zip(held.bridges, COMPONENTS[held.kind], strict=False):  # RTCP may go with RTP
        told = _side(far, component)
        old = bridge.a if side == "a" else bridge.b
        end = relay.End(old.address, old.port, told.remote, told.sources, old.local, old.tcp)
        a, b = (end, bridge.b) if side == "a" else (bridge.a, end)
        bridges.append(Bridge(bridge.lease, a, b))
    return Held(held.lease, held.owner, held.kind, held.zones, held.peers, tuple(bridges))


def adopted(entries: list[tuple[Label, Adopted]], places: Mapping[Key, MediaPlace]) -> Held:
    """Make a lease from its bridges as the kernel holds them."""
    entries = sorted(entries, key=lambda entry: "rcbt".index(entry[0].component))
    bridges = [_turned(_as_labelled(found.bridge, told), told.first) for told, found in entries]
    told = entries[0][0]
    names = {place.at.zone: place.zone for place in places.values()}
    zones = (names.get(bridges[0].a.address.zone, ""), names.get(bridges[0].b.address.zone, ""))
    return Held(told.lease, told.owner, _KINDS[told.component], zones, told.peers, tuple(bridges))


def _as_labelled(bridge: Bridge, told: Label) -> Bridge:
    """Give a bridge whose ends are known for those of a connection also where nobody is admitted yet."""
    if told.component != "t":
        return bridge
    return Bridge(bridge.lease, replace(bridge.a, tcp=True), replace(bridge.b, tcp=True))


def _turned(bridge: Bridge, first: int) -> Bridge:
    """Give a bridge with the pinhole `first` as its side a: the kernel knows no sides."""
    return bridge if bridge.a.number == first else Bridge(bridge.lease, bridge.b, bridge.a)


@lru_cache(maxsize=1024)  # those of thousands of leases are the same few
def _pair(a: str, b: str) -> tuple[str, str]:
    return a, b


def _end(at: relay.Address, port: int, far: Far, *, local: bool, tcp: bool) -> relay.End:
    return relay.End(at, port, far.remote, far.sources, local, tcp)


def _side(far: FarEnd, component: Component) -> Far:
    return far.rtcp if component == "c" else far.rtp
