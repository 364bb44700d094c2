"""Where the calls to a peer go, and over TLS who has to answer there."""

from __future__ import annotations

from b2bua.call.plan import Plan
from b2bua.sip import Flow, Target, Wanted
from b2bua.sip.large import Beside
from vdx.control import SipListener, SipPeer


def wanted(peer: SipPeer, host: str) -> Wanted:
    """Say whose certificate has to be shown at `host` (RFC 5922 7.3).

    That of the `server_name` in the site file, else one of the peer's own names, else one for the address.
    """
    tls = peer.tls
    if tls is None:
        return Wanted(frozenset({host}))
    names = {tls.server_name} if tls.server_name else set(tls.names)
    return Wanted(frozenset(names or {host}), tls.trust, tls.server_name)


def target(peer: SipPeer, place: tuple[str, int, str], listener: SipListener) -> Target:
    """Give the target for `place` (address, port, transport) of a peer, leaving from `listener`."""
    host, port, transport = place
    whom = wanted(peer, host) if transport == "tls" else None
    return Target(peer.zone, transport, host, port, listener.address, whom)


def beside(plan: Plan, to: Flow | Target) -> Beside | None:
    """Give the way over TCP beside one over UDP, from the TCP listener of the same address; None if there is none."""
    host, port = to.remote if isinstance(to, Flow) else (to.host, to.port)
    source = to.local[0] if isinstance(to, Flow) else to.source
    listener = plan.listener(to.zone, "tcp", host)
    if listener is None or source not in {"", listener.address}:
        return None
    return Beside(Target(to.zone, "tcp", host, port, listener.address), (listener.advertise, listener.advertise_port))
