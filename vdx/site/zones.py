"""The zones of a site: interfaces, addresses, routes, where media passes and where SIP is heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from vdx.site.block import LocatedError, Model, Zone
from vdx.site.values import InterfaceName, IpAddress, IpInterface, IpNetwork, Mtu, Port, PortRange, Ports, Word

Transport = Literal["udp", "tcp"]

MAX_MEDIA_ADDRESSES = 255
"""Media addresses of a zone: one byte of a pinhole number."""


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


def interface_faults(interfaces: Mapping[str, Interface], zones: Mapping[Zone, ZoneSettings]) -> Iterator[LocatedError]:
    """Give what contradicts between interfaces and the zones that use them."""
    for label, interface in interfaces.items():
        if label in (interface.parent, *interface.members):
            yield LocatedError("an interface cannot stand on itself", "interfaces", label)
    users: dict[str, str] = {}
    for name, zone in zones.items():
        if zone.interface in users:
            other = users[zone.interface]
            yield LocatedError(f"{zone.interface!r} already belongs to zone {other!r}", "zones", name, "interface")
        users[zone.interface] = name


def zone_faults(name: str, zone: ZoneSettings) -> Iterator[LocatedError]:
    """Give what contradicts within one zone."""
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


def overlaps(zones: Mapping[Zone, ZoneSettings]) -> Iterator[LocatedError]:
    """Give the addresses that two zones claim, and listeners that stand twice."""
    seen: dict[object, str] = {}
    for name, zone in zones.items():
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
