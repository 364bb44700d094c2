"""A site version as calls see it: peers, dial plan, and what we are called in each zone."""

from __future__ import annotations

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
        self._listeners: dict[tuple[str, str, bool], SipListener] = {}  # [zone, transport, whether it is IPv6]
        for listener in signalling.listeners:
            self._listeners.setdefault((listener.zone, listener.transport, ":" in listener.address), listener)

    def listener(self, zone: str, transport: str, address: str) -> SipListener | None:
        """Give the listener that reaches `address` in `zone`: ours in Via and Contact of that leg."""
        return self._listeners.get((zone, transport, ":" in address))


EMPTY = Plan("none", Signalling((), (), (), max_calls=0))
"""Before `gatewayd` has said anything: nobody is known and nothing is carried."""
