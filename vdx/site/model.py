"""The site file as models: everything an appliance is told, and nothing that it finds out by itself."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from vdx import headers
from vdx.site.values import (
    InterfaceName,
    IpAddress,
    IpInterface,
    IpNetwork,
    Mtu,
    Port,
    PortRange,
    Ports,
    Word,
)

Zone = Literal["sdn", "internet", "core", "mgmt"]
Transport = Literal["udp", "tcp"]
ZONES: tuple[Zone, ...] = ("sdn", "internet", "core", "mgmt")
"""In the order of their numbers, from 1: a pinhole number begins with its zone's."""

MAX_MEDIA_ADDRESSES = 255
"""Media addresses of a zone: one byte of a pinhole number."""


class LocatedError(ValueError):
    """A value contradicts another one; `path` leads to the value to change."""

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path


class Model(BaseModel):
    """What every block of the site file has: no unknown keys, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Interface(Model):
    """A network interface: a card that is there, a VLAN on another one, or a bond of several."""

    mtu: Mtu | None = None
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    parent: InterfaceName | None = None
    members: tuple[InterfaceName, ...] = ()
    mode: Literal["active-backup", "802.3ad"] = "active-backup"

    @model_validator(mode="after")
    def _one_kind(self) -> Interface:
        if (self.vlan is None) != (self.parent is None):
            raise ValueError("a VLAN needs both `vlan` (its number) and `parent` (the interface it runs on)")
        if self.members and self.vlan is not None:
            raise ValueError(
                "an interface is a bond (`members`) or a VLAN (`vlan`), not both: name the bond as `parent`"
            )
        return self


class Route(Model):
    """A static route of a zone; `to: default` (None here) is everything else, in the family of `via`."""

    to: Annotated[IpNetwork | None, BeforeValidator(lambda to: None if to == "default" else to)]
    via: IpAddress

    @property
    def network(self) -> IpNetwork:
        """The destination as a prefix."""
        if self.to is None:
            return ip_network("0.0.0.0/0" if self.via.version == 4 else "::/0")
        return self.to


class MediaAddress(Model):
    """An address that carries media; `advertise` is what peers see where a 1:1 NAT stands in front."""

    address: IpAddress
    advertise: IpAddress | None = None


class Media(Model):
    """Where media of a zone enters and leaves."""

    addresses: Annotated[tuple[MediaAddress, ...], Field(max_length=MAX_MEDIA_ADDRESSES)] = ()
    ports: Ports = PortRange((40000, 49999))

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:  # noqa: ANN401 - what YAML holds
        if isinstance(value, dict) and isinstance(value.get("addresses"), list):
            entries = [entry if isinstance(entry, dict) else {"address": entry} for entry in value["addresses"]]
            return {**value, "addresses": entries}
        return value


class Listener(Model):
    """A SIP listener; `advertise` (a host, and a port where it differs) is what peers see in Via and Contact."""

    transport: Transport
    address: IpAddress
    port: Port = 5060
    advertise: IpAddress | None = None
    advertise_port: Port | None = None


class Service(Model):
    """A service of the appliance itself, opened to the given sources."""

    protocol: Literal["tcp", "udp"]
    port: Port
    sources: tuple[IpNetwork, ...] = ()


class ZoneSettings(Model):
    """One side of the appliance."""

    interface: InterfaceName
    addresses: tuple[IpInterface, ...] = ()
    routes: tuple[Route, ...] = ()
    media: Media = Media()
    sip: tuple[Listener, ...] = ()
    services: dict[Word, Service] = Field(default_factory=dict)


class Target(Model):
    """Where calls to a peer are sent."""

    address: IpAddress
    port: Port = 5060
    transport: Transport = "udp"


def _may_pass(name: str) -> str:
    if why := headers.refusal(name):
        raise ValueError(why)
    return name


PassedHeader = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$"), AfterValidator(_may_pass)]
"""The long name of a SIP header field that a profile may let pass."""


class Peer(Model):
    """A SIP trunk, institution, room system or mixer.

    `sources`: where its signalling comes from. `media`: where its media may be (default: `sources`; on the internet:
    every global address that is not ours). `learn`: its media may come from another port or from the source of its
    signalling, as behind NAT (default: on the internet only).
    """

    zone: Zone
    sources: tuple[IpNetwork, ...] = ()
    media: tuple[IpNetwork, ...] | None = None
    learn: bool | None = None
    target: Target | None = None
    family: Literal[4, 6] | None = None
    pass_headers: tuple[PassedHeader, ...] = ()
    pass_sdp_attributes: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")], ...] = ()

    @property
    def learns(self) -> bool:
        """Whether the source of its media may be learned."""
        return self.zone == "internet" if self.learn is None else self.learn

    @property
    def media_family(self) -> Literal[4, 6]:
        """The address family offered to this peer."""
        if self.family:
            return self.family
        return 6 if self.target and self.target.address.version == 6 else 4


class Rule(Model):
    """One rule of the dial plan; the first that matches decides.

    `alias` is the dialled user part, any case, ``*`` for any characters. Matching, a call goes `to` a peer (as another
    user where `user` is given) or is refused with a SIP status.
    """

    alias: Annotated[str, Field(min_length=1, max_length=128)] = "*"
    zone: Zone | None = None
    peer: Word | None = None
    to: Word | None = None
    user: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,128}$")] | None = None
    refuse: Annotated[int, Field(ge=400, le=699)] | None = None

    @model_validator(mode="after")
    def _one_action(self) -> Rule:
        if (self.to is None) == (self.refuse is None):
            raise ValueError("a rule needs one of `to` (a peer) and `refuse` (a SIP status from 400 to 699)")
        return self


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
    limits: Limits = Limits()
    upstream: Upstream | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Site:
        for fault in _contradictions(self):
            raise fault
        return self


def _contradictions(site: Site) -> Iterator[LocatedError]:
    yield from _interface_faults(site)
    for name, zone in site.zones.items():
        yield from _zone_faults(name, zone)
    yield from _overlaps(site)
    for label, peer in site.peers.items():
        if peer.zone not in site.zones:
            yield LocatedError(f"zone {peer.zone!r} is not configured: add it under `zones`", "peers", label, "zone")
    for index, rule in enumerate(site.dialplan):
        for key in ("to", "peer"):
            value = getattr(rule, key)
            if value is not None and value not in site.peers:
                yield LocatedError(f"no peer is called {value!r}: add it under `peers`", "dialplan", index, key)
        if rule.to is not None and site.peers[rule.to].target is None:
            yield LocatedError(f"peer {rule.to!r} has no `target`: say where its calls go", "dialplan", index, "to")
    if site.upstream and site.upstream.zone not in site.zones:
        yield LocatedError("this zone is not configured: add it under `zones`", "upstream", "zone")


def _interface_faults(site: Site) -> Iterator[LocatedError]:
    for label, interface in site.interfaces.items():
        if label in (interface.parent, *interface.members):
            yield LocatedError("an interface cannot stand on itself", "interfaces", label)
    users: dict[str, str] = {}
    for name, zone in site.zones.items():
        if zone.interface in users:
            other = users[zone.interface]
            yield LocatedError(f"{zone.interface!r} already belongs to zone {other!r}", "zones", name, "interface")
        users[zone.interface] = name


def _zone_faults(name: str, zone: ZoneSettings) -> Iterator[LocatedError]:
    own = {interface.ip for interface in zone.addresses}
    networks = [interface.network for interface in zone.addresses]
    hint = f"is no address of zone {name!r}: add it to `addresses`"
    for index, media in enumerate(zone.media.addresses):
        if media.address not in own:
            yield LocatedError(f"{media.address} {hint}", "zones", name, "media", "addresses", index, "address")
        if media.advertise and media.advertise.version != media.address.version:
            message = "advertise an address of the same family"
            yield LocatedError(message, "zones", name, "media", "addresses", index, "advertise")
    for index, listener in enumerate(zone.sip):
        where = ("zones", name, "sip", index)
        if listener.address not in own:
            yield LocatedError(f"{listener.address} {hint}", *where, "address")
        first, last = zone.media.ports
        if first <= listener.port <= last:
            yield LocatedError(f"port {listener.port} lies in the media range {first}-{last}", *where, "port")
    for index, route in enumerate(zone.routes):
        if not any(route.via in network for network in networks):
            message = f"{route.via} is not reachable: no address of zone {name!r} lies in its network"
            yield LocatedError(message, "zones", name, "routes", index, "via")
        if route.network.version != route.via.version:
            yield LocatedError("`to` and `via` are of different families", "zones", name, "routes", index, "to")


def _overlaps(site: Site) -> Iterator[LocatedError]:
    seen: dict[object, str] = {}
    for name, zone in site.zones.items():
        for index, interface in enumerate(zone.addresses):
            if interface.ip in seen:
                message = f"{interface.ip} is already an address of zone {seen[interface.ip]!r}"
                yield LocatedError(message, "zones", name, "addresses", index)
            seen[interface.ip] = name
        taken: set[tuple[str, object, int]] = set()
        for index, listener in enumerate(zone.sip):
            key = (listener.transport, listener.address, listener.port)
            if key in taken:
                yield LocatedError("this listener stands twice: remove one", "zones", name, "sip", index)
            taken.add(key)
