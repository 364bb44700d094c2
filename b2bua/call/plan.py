"""A site version as calls see it: peers, dial plan, what may be carried, and what we are called in each zone."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import NamedTuple

from b2bua.call.dialled import Ourselves
from b2bua.call.identify import Peers
from b2bua.call.rooms import BusRooms, JoinedRooms, Place, SiteRooms
from b2bua.call.route import DialPlan
from vdx.admission import Ceiling
from vdx.control import Signalling, SipListener, SipPeer
from vdx.dialplan import Bridge

ALL = "in all"
"""The scope that every call counts in."""


class BridgePlace(NamedTuple):
    """A mixing server, and the peer as which it is called."""

    peer: SipPeer
    place: Place


class Plan:
    """One site version; calls that began under another one keep the peers they had.

    `bus` knows the rooms that the site file does not name.
    """

    def __init__(self, version: str, signalling: Signalling, bus: BusRooms | None = None) -> None:
        dial = signalling.dial
        rooms = SiteRooms(dial.rooms)
        all_rooms = JoinedRooms(rooms, bus, dial.bus.peer) if bus is not None and dial.bus is not None else rooms
        self._bus = bus
        self.version = version
        self.signalling = signalling
        self.peers = Peers(signalling.peers)
        self.ourselves = Ourselves(signalling.listeners, dial.domains, dial.host)
        self.dialplan = DialPlan(signalling.dialplan, self.peers, all_rooms, self.ourselves)
        self.mixers = self.peers.named(dial.bus.peer) if dial.bus is not None else None
        """The peer as which mixing servers of the bus are called."""
        self._own = frozenset(dial.own)
        self.receptions = dict(dial.receptions)
        self.ceilings = _ceilings(signalling)
        self.places = frozenset((one.advertise.lower(), one.advertise_port) for one in signalling.listeners)
        self._listeners: dict[tuple[str, str, bool], SipListener] = {}  # [zone, transport, whether it is IPv6]
        for listener in signalling.listeners:
            self._listeners.setdefault((listener.zone, listener.transport, ":" in listener.address), listener)

    def listener(self, zone: str, transport: str, address: str) -> SipListener | None:
        """Give the listener that reaches `address` in `zone`: ours in Via and Contact of that leg."""
        return self._listeners.get((zone, transport, ":" in address))

    def bridging(self, caller: SipPeer, callee: SipPeer) -> Bridge:
        """Tell when a call between two peers goes through a mixing server; `never` of one side is the last word.

        One that comes from a mixing server or goes to one never does: bridges do not stand in a row.
        """
        ways = {caller.bridge, callee.bridge}
        mixers = self.mixers.name if self.mixers is not None else ""
        if "never" in ways or mixers in {caller.name, callee.name}:
            return "never"
        return "always" if "always" in ways else "on_refusal"

    def bridges(self) -> list[BridgePlace]:
        """Give the mixing servers that could bring two ends together now, the best one first."""
        if self.mixers is None or self._bus is None:
            return []
        return [BridgePlace(self.mixers, place) for place in self._bus.bridges()]

    def usable(self, zone: str) -> frozenset[tuple[str, int]]:
        """Give the transports and IP versions in which a zone can be called out to."""
        speaks = [(transport, six) for where, transport, six in self._listeners if where == zone]
        return frozenset((transport, 6 if six else 4) for transport, six in speaks if transport != "wss")

    def may_reach(self, peer: SipPeer, address: str) -> bool:
        """Tell whether a name may lead to an address: where media of the peer may be, and never to ourselves.

        Without such prefixes the internet is every global address, another zone every address of a host.
        """
        host = ip_address(address)
        if address in self._own or self.ourselves.domain(address) is not None:
            return False
        if peer.dial.reach:
            return any(host in ip_network(prefix) for prefix in peer.dial.reach)
        if peer.zone == "internet":
            return host.is_global and not host.is_multicast
        return not (host.is_multicast or host.is_loopback or host.is_unspecified or host.is_link_local)


def _ceilings(signalling: Signalling) -> dict[str, Ceiling]:
    """Give what may be carried, by scope; scopes without any limit are left out."""
    dial = signalling.dial
    everything = Ceiling(signalling.max_calls, dial.limits.per_second, dial.limits.kbps)
    scopes = {ALL: everything}
    scopes |= {f"zone {zone}": ceiling for zone, ceiling in dial.zones}
    scopes |= {f"peer {peer.name}": peer.dial.limits for peer in signalling.peers}
    return {name: ceiling for name, ceiling in scopes.items() if ceiling != Ceiling()}


EMPTY = Plan("none", Signalling((), (), (), max_calls=0))
"""Before `gatewayd` has said anything: nobody is known and nothing is carried."""
