"""Two ends that share no codec or no encryption, brought together by a mixing server.

Theory of operation. The server is called in the callee's place, with a header field that names whom to call; it calls
that back, and is one end to each of both:

    caller --INVITE--> us --INVITE, Vdx-Bridge: sip:TICKET@us--> mixing server
                       us <--INVITE sip:TICKET@us--------------- mixing server
                       us --INVITE--> callee

A ticket stands for the route that the caller's own rights gave, so the server can reach nobody else by it. It is good
once, from mixing servers only, and as long as the call lives. A call that comes from a mixing server or goes to one is
never bridged: a bridge has one server, and no loops. The header field is ours alone: it passes from no other message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from b2bua.call.hunt import Hunt
from b2bua.call.route import Lead, Route
from b2bua.sip.uri import host_port
from vdx.control import SipListener
from vdx.ids import CallId

if TYPE_CHECKING:
    from b2bua.call.entrance import Asked, Entrance, MakeSession

BRIDGED = frozenset({415, 488, 606})
"""Refusals of a description: another one, of a mixing server, may be taken."""

UNBRIDGED = "no mixing server is there to bridge them"


class Ticket(NamedTuple):
    """Whose ticket it is, and where it leads."""

    call: CallId
    route: Route


class Tickets:
    """The tickets that are out; a call has one at most."""

    def __init__(self) -> None:
        self._out: dict[str, Ticket] = {}
        self._of: dict[CallId, str] = {}

    def __len__(self) -> int:
        return len(self._out)

    def issue(self, number: str, ticket: Ticket) -> None:
        """Hand one out."""
        self._out[number] = ticket
        self._of[ticket.call] = number

    def redeem(self, number: str) -> Ticket | None:
        """Take one in; None for what is none, or not any more."""
        ticket = self._out.pop(number, None)
        if ticket is not None:
            self._of.pop(ticket.call, None)
        return ticket

    def over(self, call: CallId) -> None:
        """Let the ticket of a call that has ended be good no more."""
        number = self._of.pop(call, None)
        if number is not None:
            self._out.pop(number, None)


class Bridging:
    """The way of one call through a mixing server."""

    def __init__(self, entrance: Entrance, ident: CallId, asked: Asked, session: MakeSession) -> None:
        self._entrance = entrance
        self._ident = ident
        self._asked = asked
        self._session = session

    def hunt(self, now: float) -> Hunt | None:
        """Give the mixing servers to try; None where there is none."""
        entrance, asked = self._entrance, self._asked
        dialled, user = asked.route.dialled, asked.route.leads[0].user
        leads = tuple(
            Lead(server.peer, user, place=server.place)
            for server in entrance.plan.bridges()
            if not dialled.secure or server.place[2] == "tls"
        )
        route = Route(leads, dialled, asked.route.origin)
        number = entrance.ids.token()
        places = [place._replace(bridge=_back(number, place.listener)) for place in entrance.places(route, {}, now)]
        if not places:
            return None
        entrance.tickets.issue(number, Ticket(self._ident, asked.route))
        return entrance.hunt(self._ident, asked.caller.peer, route, places, asked.event.request, self._session)


def _back(number: str, listener: SipListener) -> str:
    """Write how a mixing server calls back: to the listener that it is called from."""
    suffix = "" if listener.transport == "udp" else f";transport={listener.transport}"
    return f"sip:{number}@{host_port(listener.advertise, listener.advertise_port)}{suffix}"
