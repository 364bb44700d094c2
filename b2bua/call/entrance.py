"""The entrance of the gateway: who is calling, where to, may it be carried, and with what it starts.

The steps of a new call in their order: identify -> dialled user -> route -> listener -> admission -> two parties, a
session and the callee's INVITE. A step that fails answers the caller and counts why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol
from urllib.parse import unquote

from b2bua import sdp, sip
from b2bua.call.access import Access
from b2bua.call.call import Call, Fields
from b2bua.call.desk import Desk
from b2bua.call.headers import may_pass
from b2bua.call.media import Party
from b2bua.call.plan import EMPTY, Plan
from b2bua.call.record import CallRecord
from b2bua.call.route import Refusal, Route
from b2bua.call.session import Session
from b2bua.call.target import target as target_of
from b2bua.sdp import Writer
from vdx import admission
from vdx.control import SipListener, SipPeer
from vdx.ids import CallId
from vdx.pinhole import Side

MAX_DIALLED = 128
"""Characters of a dialled user: the dial plan has no longer ones, and they stand in messages, records and lists."""


class Ids(sip.Ids, Protocol):
    """Unguessable names, handed in."""

    def call(self) -> CallId:
        """Give the name of a new call."""
        ...

    def session(self) -> int:
        """Give the session id of a new SDP origin, below 2**63."""
        ...


class Entrance:
    """Where calls begin, by the `plan` of the day; what begins stands in `calls`, what is refused in `counts`."""

    def __init__(
        self,
        ids: Ids,
        endpoint: sip.Endpoint,
        access: Access,
        desk: Desk,
        calls: dict[CallId, Call],
        counts: Counter[str],
        ended: Callable[[Call, CallRecord], None],
    ) -> None:
        self.plan: Plan = EMPTY
        self._ids = ids
        self._endpoint = endpoint
        self._access = access
        self._desk = desk
        self._calls = calls
        self._counts = counts
        self._ended = ended

    def enter(self, event: sip.IncomingInvite, now: float) -> Call | None:
        """Give the call that an INVITE makes, not begun yet; None where it was refused."""
        leg, request, flow = event.leg, event.request, event.flow
        self._counts["invites"] += 1
        known = self._access.caller(request)
        if known is None:
            self._turn_away(leg, 403, "stranger", now)
            return None
        caller = known.peer
        if known.guest is not None and known.guest.alias.lower() != unquote(request.parsed_uri.user).lower():
            self._turn_away(leg, 403, "not what the token is for", now)
            return None
        route = self._route(leg, flow.zone, caller, request.parsed_uri.user, now)
        if route is None:
            return None
        target = route.peer.target
        listener = self.plan.listener(route.peer.zone, target[2], target[0]) if target else None
        if target is None or listener is None:
            self._turn_away(leg, 500, "no listener towards the callee", now)
            return None
        ceiling = admission.Ceiling(self.plan.signalling.max_calls)
        verdict = admission.decide([admission.Scope("in all", admission.Load(len(self._calls)), ceiling, own=True)])
        if isinstance(verdict, admission.Refuse):
            self._turn_away(leg, 503, "full", now, retry_after=verdict.retry_after)
            return None
        if known.guest is not None:
            self._access.spend(known.guest)
        return self._start(event, caller, route, listener, now)

    def _route(self, leg: sip.Leg, zone: str, caller: SipPeer, dialled: str, now: float) -> Route | None:
        if len(dialled) > MAX_DIALLED:
            self._turn_away(leg, 404, "dialled user", now)
            return None
        route = self.plan.dialplan.route(zone, caller, dialled)
        if isinstance(route, Refusal):
            self._turn_away(leg, route.status, "no route", now)
            return None
        if route.user == dialled and not may_pass(unquote(dialled)):
            self._turn_away(leg, 404, "dialled user", now)
            return None
        return route

    def _turn_away(self, leg: sip.Leg, status: int, reason: str, now: float, retry_after: int = 0) -> None:
        self._counts[f"refused: {reason}"] += 1
        leg.reject(now, status, headers=[("Retry-After", str(retry_after))] if retry_after else ())

    def _start(
        self, event: sip.IncomingInvite, caller: SipPeer, route: Route, listener: SipListener, now: float
    ) -> Call:
        leg, request, flow = event.leg, event.request, event.flow
        host, port, transport = route.peer.target or ("", 0, "udp")
        ident = self._ids.call()
        parties: dict[Side, Party] = {
            "a": Party(caller, flow.remote[0], flow.transport),
            "b": Party(route.peer, host, transport),
        }
        writers: dict[Side, Writer] = {
            "a": Writer(self._ids.session(), sdp.address(flow.sent_by[0])),
            "b": Writer(self._ids.session(), sdp.address(listener.advertise)),
        }
        session = Session(ident, self._desk, parties, writers)
        destination = target_of(route.peer, (host, port, transport), listener)
        sent_by = (listener.advertise, listener.advertise_port)
        hops = request.max_forwards

        def invite(now: float, headers: Fields, body: bytes) -> sip.Leg:
            invitation = sip.Invitation(
                destination=destination,
                uri=str(sip.Uri("sip", route.user, host, port, _transport(transport))),
                from_=_from(request, caller.name, listener.advertise),
                to=f"<{sip.Uri('sip', route.user, host, None, {})}>",
                sent_by=sent_by,
                headers=headers,
                body=body,
                max_forwards=70 if hops is None else hops - 1,
            )
            return self._endpoint.invite(invitation, now)

        call = Call(ident, leg, request, parties, session, invite, self._ended, now)
        leg.owner = call
        self._calls[ident] = call
        return call


def _transport(transport: str) -> dict[str, str]:
    return {} if transport == "udp" else {"transport": transport}


def _from(request: sip.Request, peer: str, host: str) -> str:
    """Write From for the other side: the caller's name and user, our host, and no address of theirs."""
    caller = request.from_
    try:
        user = sip.parse_uri(caller.uri).user
    except sip.SipError:
        user = ""
    if not user or not may_pass(unquote(user)):
        user = peer
    uri = sip.Uri("sip", user, host, None, {})
    if caller.display and may_pass(caller.display):
        quoted = caller.display.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{uri}>'
    return f"<{uri}>"
