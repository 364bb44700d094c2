"""Where media may go: one end of a lease, as its owner asks for it, against the site file. Pure.

An end is refused where its zone, peer or family is unknown, and where SDP of a peer that is trusted names a destination
outside the peer's media prefixes. A peer whose sources are learned (behind NAT) may well write a private address into
its SDP: that is no error and no destination, the pinhole waits for the source of the signalling and sends nothing
before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import TypeAlias

from gatewayd.errors import RefusalError
from gatewayd.pinholes.bogons import Address, Network, is_bogon, never_a_host
from vdx.ids import MEDIA_PORT_MIN
from vdx.pinhole import Remote
from vdx.site import Site
from vdx.site.peers import Peer

Place: TypeAlias = tuple[Address, int]
"""An address and a UDP port."""

CACHED_ADDRESSES = 65_536
"""Addresses whose parsed form is kept, and what policy says of them: finding out costs more than an open pinhole."""


@dataclass(frozen=True, slots=True)
class Far:
    """The far side of one pinhole: where it is sent to, and who may become its source (none: exactly `remote` may)."""

    remote: Place | None
    sources: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class FarEnd:
    """The far side of an end: RTP (or BFCP) and RTCP, and whether its sources are learned."""

    rtp: Far
    rtcp: Far
    learns: bool


@dataclass(frozen=True, slots=True)
class _Known:
    peer: Peer
    networks: tuple[Network, ...] | None
    """Where media may be; None stands for the internet."""


class Policy:
    """The media policy of one site version."""

    def __init__(self, site: Site) -> None:
        self._own = own_addresses(site)
        self._peers = {name: _Known(peer, _networks(peer)) for name, peer in site.peers.items()}
        self._zones: dict[str, set[int]] = {
            name: {media.address.version for media in zone.media.addresses} for name, zone in site.zones.items()
        }
        self.limits = site.limits
        self._judged = lru_cache(maxsize=CACHED_ADDRESSES)(self._judge)
        self._sourced = lru_cache(maxsize=CACHED_ADDRESSES)(self._source)

    def end(self, zone: str, peer: str, family: int) -> None:
        """Check that an end may exist; raises `RefusalError`."""
        known = self._peers.get(peer)
        if known is None:
            raise RefusalError("policy", f"no peer is called {peer!r}")
        if known.peer.zone != zone:
            raise RefusalError("policy", f"peer {peer!r} belongs to zone {known.peer.zone!r}, not to {zone!r}")
        families = self._zones[zone]
        if not families:
            raise RefusalError("policy", f"zone {zone!r} carries no media: it has no media address")
        if family not in families:
            raise RefusalError("policy", f"zone {zone!r} has no IPv{family} media address")

    def far(self, peer: str, family: int, rtp: Remote | None, rtcp: Remote | None, signalled: str | None) -> FarEnd:
        """Check the far side that SDP and signalling name; raises `RefusalError`.

        RTCP that SDP does not name is one port above RTP (RFC 3550 section 11).
        """
        known = self._peers[peer]
        learns = known.peer.learns
        media = self._place(known, peer, rtp, family)
        if rtcp is not None:
            control = self._place(known, peer, rtcp, family)
        else:
            control = (media[0], media[1] + 1) if media and media[1] < 65535 else None
        if not learns:
            return FarEnd(Far(media), Far(control), learns=False)
        source = self._sourced(peer, signalled) if signalled is not None else None
        if source is not None and source.version != family:
            source = None
        return FarEnd(Far(media, _learnable(media, source)), Far(control, _learnable(control, source)), learns=True)

    def connection(
        self, peer: str, family: int, remote: Remote | None, signalled: str | None, *, connects: bool
    ) -> FarEnd:
        """Check the far side of a connection, which we open (`connects`) or which it opens; raises `RefusalError`.

        Who opens it may do so from any port, and SDP names none (9, RFC 4145 section 4.1): only the host counts.
        """
        known = self._peers[peer]
        if connects or remote is None:
            there = self._place(known, peer, remote, family)
            return FarEnd(Far(there if connects else None), Far(None), learns=known.peer.learns)
        named = self._place(known, peer, Remote(remote.address, MEDIA_PORT_MIN), family)
        if not known.peer.learns:
            return FarEnd(Far(None, _learnable(named, None)), Far(None), learns=False)
        source = self._sourced(peer, signalled) if signalled is not None else None
        if source is not None and source.version != family:
            source = None
        return FarEnd(Far(None, _learnable(named, source)), Far(None), learns=True)

    def allows(self, peer: str, remote: Place) -> bool:
        """Tell whether media of a peer may still be where it is, after the site file changed."""
        return peer in self._peers and not self._fault(peer, str(remote[0]), remote[1])

    def holds(self, zone: str, address: Address) -> bool:
        """Tell whether a zone still carries media of that address's family."""
        return address.version in self._zones.get(zone, ())

    def peers(self) -> tuple[str, ...]:
        """Give the names of all peers."""
        return tuple(self._peers)

    def _place(self, known: _Known, name: str, remote: Remote | None, family: int) -> Place | None:
        if remote is None:
            return None
        address = literal(remote.address)
        if address.version != family:
            raise RefusalError("policy", f"{address} is no IPv{family} address, as this end of {name!r} has to have")
        fault = self._fault(name, remote.address, remote.port)
        if not fault:
            return address, remote.port
        if known.peer.learns:
            return None
        raise RefusalError("policy", fault)

    def _fault(self, name: str, text: str, port: int) -> str:
        return (
            f"port {port} is below {MEDIA_PORT_MIN}: no media goes there"
            if port < MEDIA_PORT_MIN
            else self._judged(name, text)
        )

    def _judge(self, name: str, text: str) -> str:
        """Give the reason why media of a peer may not go to an address, empty where it may."""
        networks, address = self._peers[name].networks, literal(text)
        if address in self._own:
            return f"{address} is an address of this appliance"
        if never_a_host(address):
            return f"{address} is no address of a host"
        if networks is None:
            return f"{address} is not an address of the internet" if is_bogon(address) else ""
        if any(address in network for network in networks):
            return ""
        return f"{address} is outside the media prefixes of peer {name!r}"

    def _source(self, name: str, text: str) -> Address | None:
        """Give the source of the signalling where media may come from it too."""
        address, known = literal(text), self._peers[name]
        if address in self._own or never_a_host(address):
            return None
        if known.networks is None:
            inside = not is_bogon(address)
        else:
            inside = any(address in network for network in known.networks)
        return address if inside or any(address in network for network in known.peer.sources) else None


@lru_cache(maxsize=CACHED_ADDRESSES)
def literal(text: str) -> Address:
    """Read an address; raises `RefusalError`."""
    try:
        address = ip_address(text)
    except ValueError:
        raise RefusalError("invalid", f"{text!r} is not an address") from None
    if getattr(address, "scope_id", None):
        raise RefusalError("invalid", f"{text!r} names an interface")
    return address


def own_addresses(site: Site) -> frozenset[Address]:
    """Give every address of the appliance: those on its interfaces and those that a 1:1 NAT shows for it."""
    own: set[Address] = set()
    for zone in site.zones.values():
        own.update(interface.ip for interface in zone.addresses)
        own.update(media.advertise for media in zone.media.addresses if media.advertise)
        own.update(listener.advertise for listener in zone.sip if listener.advertise)
    return frozenset(own)


def _networks(peer: Peer) -> tuple[Network, ...] | None:
    if peer.media is not None:
        return peer.media
    return None if peer.zone == "internet" else peer.sources


def _learnable(remote: Place | None, source: Address | None) -> tuple[Address, ...]:
    if remote is None:
        return () if source is None else (source,)
    return (remote[0],) if source is None or source == remote[0] else (remote[0], source)
