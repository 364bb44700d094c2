"""The zones of a site: interfaces, addresses, routes, where media passes and where SIP is heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from vdx.site.block import LocatedError, Model, Zone
from vdx.site.certificates import ClientCertificate, FilePath, KeyPair, Ocsp, Origin, listener_faults
from vdx.site.limits import ScopeLimits
from vdx.site.pair import shared_faults
from vdx.site.streams import Dscp, Encryption
from vdx.site.values import InterfaceName, IpAddress, IpInterface, IpNetwork, Mtu, Port, PortRange, Ports, Word

Transport = Literal["udp", "tcp", "tls", "wss"]
DEFAULT_PORTS: dict[object, int] = {"tls": 5061, "wss": 443}
"""RFC 3261 18.2.1, RFC 7118 8.1; 5060 for the others."""

MAX_MEDIA_ADDRESSES = 64
"""Media addresses of a zone: six bits of a pinhole number."""


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
    dscp: Annotated[Dscp | None, BeforeValidator(lambda value: None if value is False else value)] = Dscp()

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:  # noqa: ANN401 - what YAML holds
        if isinstance(value, dict) and isinstance(value.get("addresses"), list):
            entries = [entry if isinstance(entry, dict) else {"address": entry} for entry in value["addresses"]]
            return {**value, "addresses": entries}
        return value


class Listener(Model):
    """A SIP listener; `advertise` (a host, and a port where it differs) is what peers see in Via and Contact.

    For TLS and secure WebSocket: `certificates` (the first where a client names no other; `certificate` and `key` say
    the same for one), `trust` and `crl` for those of peers, which are asked for as `client_certificate` says (default:
    required on tls, off on wss); `ocsp` whether their authorities are asked about them. `origins` and `path` say which
    web pages may open a WebSocket, and where.
    """

    transport: Transport
    address: IpAddress
    port: Port = 5060
    advertise: IpAddress | None = None
    advertise_port: Port | None = None
    certificates: Annotated[tuple[KeyPair, ...], Field(max_length=64)] = ()
    trust: FilePath | None = None
    crl: Annotated[tuple[FilePath, ...], Field(max_length=64)] = ()
    ocsp: Ocsp = "off"
    client_certificate: ClientCertificate | None = None
    origins: Annotated[tuple[Origin, ...], Field(max_length=64)] = ()
    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/._~-]{0,127}$")] = "/"

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:  # noqa: ANN401 - what YAML holds
        if not isinstance(value, dict):
            return value
        filled = {"port": DEFAULT_PORTS.get(str(value.get("transport")), 5060), **value}
        if "certificates" not in value and ("certificate" in value or "key" in value):
            pair = {name: filled.pop(name) for name in ("certificate", "key") if name in filled}
            filled["certificates"] = [pair]
        return filled

    @property
    def protocol(self) -> Literal["udp", "tcp"]:
        """What the transport runs on."""
        return "udp" if self.transport == "udp" else "tcp"

    @property
    def asks_clients(self) -> ClientCertificate:
        """Whether whoever connects is asked for a certificate."""
        return self.client_certificate or ("required" if self.transport == "tls" else "off")


class Service(Model):
    """A service of the appliance itself, opened to the given sources."""

    protocol: Literal["tcp", "udp"]
    port: Port
    sources: tuple[IpNetwork, ...] = ()


class ZoneSettings(Model):
    """One side of the appliance; `reception` is what a caller reaches who dials its address alone.

    Of `addresses` those in `shared` are the pair's: the appliance that serves has them (`vdx.site.pair`).
    """

    interface: InterfaceName
    addresses: tuple[IpInterface, ...] = ()
    shared: tuple[IpAddress, ...] = ()
    routes: tuple[Route, ...] = ()
    media: Media = Media()
    encryption: Encryption | None = None
    sip: tuple[Listener, ...] = ()
    services: dict[Word, Service] = Field(default_factory=dict)
    reception: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,128}$")] | None = None
    limits: ScopeLimits = ScopeLimits()

    @property
    def own(self) -> tuple[IpInterface, ...]:
        """Its addresses that are this appliance's alone."""
        return tuple(one for one in self.addresses if one.ip not in self.shared)


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
    networks = [interface.network for interface in zone.own]
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
        yield from listener_faults(name, index, listener)
    yield from shared_faults(name, zone)
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
            key = (listener.protocol, listener.address, listener.port)
            if key in taken:
                yield LocatedError(
                    "another listener has this address and port: remove one", "zones", name, "sip", index
                )
            taken.add(key)
