"""A site version as calls see it: peers, dial plan, and what we are called in each zone."""

from __future__ import annotations

from ipaddress import ip_address

from b2bua.call.identify import Peers
from b2bua.call.route import DialPlan
from vdx.control import Signalling, SipListener


class Plan:
    """One site version; calls that began under another one keep the peers they had."""

    def __init__(self, version: str, signalling: Signalling) -> None:
        self.version = version
        self.signalling = signalling
        self.peers = Peers(signalling.peers)
        self.dialplan = DialPlan(signalling.dialplan, self.peers)

    def listener(self, zone: str, transport: str, address: str) -> SipListener | None:
        """Give the listener that reaches `address` in `zone`: ours in Via and Contact of that leg."""
        family = ip_address(address).version
        for listener in self.signalling.listeners:
            if (listener.zone, listener.transport) == (zone, transport) and (
                ip_address(listener.address).version == family
            ):
                return listener
        return None


EMPTY = Plan("none", Signalling((), (), (), max_calls=0, max_streams=1))
"""Before `gatewayd` has said anything: nobody is known and nothing is carried."""
