"""Tell who sent a request: the ways in order of their strength, and a sentence about each for `route explain`.

The first way that finds a peer decides. A source prefix is the weakest: where users of its peer log in or bring
tokens, it is not enough. A certificate is known from whatever address; a peer that is to be known by nothing else has
no `sources`.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from b2bua.call.certificate import shows
from b2bua.call.tokens import Guest
from b2bua.sip import Flow, Identity
from vdx.control import SipPeer

_MAX_REMEMBERED = 10_000
"""Sources whose peer is remembered: a scan from many addresses must not fill the memory."""


class Caller(NamedTuple):
    """Who sent a request, and how that is known; `user` has logged in, `guest` brought a token."""

    peer: SipPeer
    by: str
    user: str = ""
    guest: Guest | None = None

    @property
    def name(self) -> str:
        """The name that was proved, by a token or by logging in; "" where no more than the peer is known."""
        return self.guest.name if self.guest is not None else self.user


class Shown(NamedTuple):
    """What a request shows of its sender beside its flow: a user who logged in, or a guest, and whose they are."""

    peer: str = ""
    user: str = ""
    guest: Guest | None = None


class Way(NamedTuple):
    """One way to be known: its name, what it says where it found a peer, and where it did not."""

    name: str
    found: str
    missed: str


WAYS = (
    Way("certificate", "its certificate carries what peer {peer} is known by", "no certificate of a peer was shown"),
    Way("credentials", "user {user} of peer {peer} proved himself", "nobody logged in, and no token was brought"),
    Way("registration", "{user} of peer {peer} registered over this connection", "nobody registered over it"),
    Way("source", "its address {source} is in a prefix of peer {peer}", "its address {source} is in no prefix"),
)
"""In the order in which they are tried."""


class Peers:
    """The peers of a site version."""

    def __init__(self, peers: tuple[SipPeer, ...]) -> None:
        self._by_name = {peer.name: peer for peer in peers}
        prefixes = [(ip_network(source), peer) for peer in peers for source in peer.sources]
        self._prefixes: list[tuple[IPv4Network | IPv6Network, SipPeer]] = sorted(
            prefixes, key=lambda entry: entry[0].prefixlen, reverse=True
        )
        self._certified = [peer for peer in peers if peer.tls is not None and (peer.tls.names or peer.tls.subject)]
        self._known: dict[tuple[str, str], SipPeer | None] = {}

    def named(self, name: str) -> SipPeer | None:
        """Give a peer by its name."""
        return self._by_name.get(name)

    def certified(self, zone: str, identity: Identity | None) -> SipPeer | None:
        """Give the peer of `zone` that a verified certificate stands for; the first one in the site file decides."""
        if identity is None:
            return None
        return next((peer for peer in self._certified if peer.zone == zone and shows(peer, identity)), None)

    def identify(self, zone: str, source: str) -> SipPeer | None:
        """Give the peer with the longest prefix around `source` in `zone`; None for a stranger."""
        key = (zone, source)
        if key not in self._known:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            address = ip_address(source)
            matches = (peer for prefix, peer in self._prefixes if peer.zone == zone and address in prefix)
            self._known[key] = next(matches, None)
        return self._known[key]


def identify(
    peers: Peers,
    flow: Flow,
    shown: Shown | None = None,
    registered: Caller | None = None,
    note: Callable[[str, str], None] | None = None,
) -> Caller | None:
    """Tell who sent what came by `flow`; `shown` is what it proves itself, `registered` who did over this connection.

    `note` hears of each way as (its name, a sentence); without it no sentence is made. None for a stranger.
    """
    for way, look in zip(WAYS, _LOOKS, strict=True):
        caller = look(peers, flow, shown or Shown(), registered)
        if note:
            peer, user = (caller.peer.name, caller.user) if caller else ("", "")
            text = way.found if caller else way.missed
            note(way.name, text.format(peer=peer, user=user, source=flow.remote[0]))
        if caller is not None:
            return caller
    return None


def has_to_prove(peer: SipPeer) -> bool:
    """Tell whether a source prefix is not enough for this peer."""
    return peer.access.users is not None or peer.access.tokens is not None


def _by_certificate(peers: Peers, flow: Flow, _shown: Shown, _registered: Caller | None) -> Caller | None:
    peer = peers.certified(flow.zone, flow.identity)
    return Caller(peer, "certificate") if peer else None


def _by_credentials(peers: Peers, flow: Flow, shown: Shown, _registered: Caller | None) -> Caller | None:
    peer = peers.named(shown.peer)
    if peer is None or peer.zone != flow.zone:
        return None
    return Caller(peer, "credentials", shown.user, shown.guest)


def _by_registration(peers: Peers, flow: Flow, _shown: Shown, registered: Caller | None) -> Caller | None:
    if registered is None or not flow.reliable:  # a datagram may carry any source
        return None
    peer = peers.named(registered.peer.name)  # as the site version of now has it
    if peer is None or peer.zone != flow.zone:
        return None
    return Caller(peer, "registration", registered.user, registered.guest)


def _by_source(peers: Peers, flow: Flow, _shown: Shown, _registered: Caller | None) -> Caller | None:
    peer = peers.identify(flow.zone, flow.remote[0])
    return Caller(peer, "source") if peer and not has_to_prove(peer) else None


_LOOKS = (_by_certificate, _by_credentials, _by_registration, _by_source)
