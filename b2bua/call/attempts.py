"""The places that one call is tried at, in order: each lead of the dial plan with every address it turns out to have.

A lead is an address that the site file tells, a name that was looked up, or whoever registered under what was dialled.
Places that failed a moment ago come last, and so do those of a peer that is known to be down. A failure that another
place may not share leads on to the next one (RFC 3263 4.3); any other answer is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

from msgspec import structs

from b2bua.call.plan import Plan
from b2bua.call.registrar import Place
from b2bua.call.route import Lead, Route
from b2bua.call.target import target, wanted
from b2bua.locate import Destination
from b2bua.sip import Flow, Target
from b2bua.sip.flow import SECURE
from vdx.control import SipListener, SipPeer
from vdx.dialplan import HostTarget

MAX_ATTEMPTS = 12
"""Places that one call is tried at: a caller gives up before there are more."""

PATIENCE = 5.0
"""Seconds a place may be silent where there is another one: over UDP it has been asked four times by then."""

LEADS_ON = frozenset({408, 430, 503})
"""Nobody answered, the way to a device broke (RFC 5626 5.3.1), or the server is overloaded or unreachable."""

Located = Mapping[HostTarget, tuple[Destination, ...]]
Registered = Callable[[str, str], list[Place]]


class Attempt(NamedTuple):
    """One place to call, leaving as `listener`; `name` is the host of the Request-URI, the address where it has none.

    `uri` and `route` are those of a registered device; `bridge` is whom a mixing server there is to call back.
    """

    peer: SipPeer
    user: str
    to: Flow | Target
    listener: SipListener
    name: str = ""
    uri: str = ""
    route: tuple[str, ...] = ()
    bridge: str = ""

    @property
    def place(self) -> tuple[str, int]:
        """The address and port that signalling goes to."""
        return self.to.remote if isinstance(self.to, Flow) else (self.to.host, self.to.port)

    @property
    def key(self) -> tuple[str, str, str, int]:
        """The place as the cool-down knows it."""
        return (self.to.zone, self.to.transport, *self.place)


def attempts(
    route: Route, plan: Plan, located: Located, registered: Registered, is_dead: Callable[[Attempt], bool]
) -> list[Attempt]:
    """Give the places to try for a route, dead ones last; none where no listener of ours reaches any.

    None is left out for being dead: where all are, one may have come back. A call to a `sips` URI goes over no other
    transport than a secure one, also to a device that registered (RFC 3261 26.2.2).
    """
    found = [attempt for lead in route.leads for attempt in _of(lead, plan, located, registered)]
    if route.dialled.secure:
        found = [attempt for attempt in found if attempt.to.transport in SECURE]
    return sorted(found, key=is_dead)[:MAX_ATTEMPTS]


def _of(lead: Lead, plan: Plan, located: Located, registered: Registered) -> Iterator[Attempt]:
    peer = lead.peer
    if lead.host is not None:
        for found in located.get(lead.host, ()):
            listener = plan.listener(peer.zone, found.transport, found.host)
            if listener is not None and plan.may_reach(peer, found.host):
                yield Attempt(peer, lead.user, _target(peer, found, listener), listener, lead.host.host)
    elif (place := lead.place or peer.target) is not None:
        listener = plan.listener(peer.zone, place[2], place[0])
        if listener is not None and (lead.place is None or plan.may_reach(peer, place[0])):
            yield Attempt(peer, lead.user, target(peer, place, listener), listener)
    if peer.access.registers:
        for device in registered(peer.name, lead.user):
            host = device.to.remote[0] if isinstance(device.to, Flow) else device.to.host
            listener = plan.listener(device.to.zone, device.to.transport, host)
            if listener is not None:
                family: Literal[4, 6] = 6 if ":" in host else 4  # of the device, whatever the peer's other ones have
                here = peer if peer.family == family else structs.replace(peer, family=family)
                yield Attempt(here, lead.user, device.to, listener, uri=device.uri, route=device.route)


def _target(peer: SipPeer, found: Destination, listener: SipListener) -> Target:
    """Give the target of an address that was looked up: over TLS its certificate carries the name (RFC 5922 4)."""
    aim = target(peer, (found.host, found.port, found.transport), listener)
    if aim.wanted is None:
        return aim
    whom = wanted(peer, found.name)
    return replace(aim, wanted=replace(whom, server_name=whom.server_name or found.name))
