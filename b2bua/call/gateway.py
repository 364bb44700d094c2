"""All calls of an appliance: messages and time go in, messages and questions to `gatewayd` come out; no I/O.

The shell calls `receive`, `on_pinhole` and `on_timer`, then sends what `to_send` and `requests` give, and sets its one
timer to `next_timer`. This is the sink of `b2bua.transport` and of `b2bua.pinholes`.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import Protocol
from urllib.parse import unquote

from b2bua import sdp, sip
from b2bua.call.call import Call, Fields
from b2bua.call.desk import Desk, Question
from b2bua.call.headers import may_pass
from b2bua.call.media import Party
from b2bua.call.plan import EMPTY, Plan
from b2bua.call.record import CallRecord
from b2bua.call.route import Refusal, Route
from b2bua.call.session import Session
from b2bua.call.upkeep import QUIET_SECONDS, Upkeep
from b2bua.sdp import Writer
from vdx import admission
from vdx.control import CallInfo, SipListener, SipPeer
from vdx.ids import CallId, LeaseId, call_of
from vdx.pinhole import Event, Held, Learned, Renewed, Reply, Revoked, Side

ALLOW = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO")
"""What this gateway does; the endpoint answers the rest 405 or 501 by itself."""

RELAYED_INFO = frozenset({"application/media_control+xml", "application/dtmf-relay", "application/dtmf"})
"""Bodies of INFO that pass: picture requests (RFC 5168) and key presses. They carry no address."""

MAX_DIALLED = 128
"""Characters of a dialled user: the dial plan has no longer ones, and they stand in messages, records and lists."""

log = logging.getLogger(__name__)


class Ids(sip.Ids, Protocol):
    """Unguessable names, handed in."""

    def call(self) -> CallId:
        """Give the name of a new call."""
        ...

    def session(self) -> int:
        """Give the session id of a new SDP origin, below 2**63."""
        ...


class Gateway:
    """Every call, by its two legs."""

    def __init__(self, ids: Ids, on_record: Callable[[CallRecord], None], settings: sip.Settings | None = None) -> None:
        self.endpoint = sip.Endpoint(ids, settings or sip.Settings(allow=ALLOW), self._admit)
        self.plan: Plan = EMPTY
        self.counts: Counter[str] = Counter()
        self._ids = ids
        self._on_record = on_record
        self._desk = Desk(self._fault)
        self._calls: dict[CallId, Call] = {}
        # what may be unanswered, by deadline: calls, and re-INVITEs in them; what is over goes when it is the first
        self._deadlines: deque[tuple[float, CallId]] = deque()
        self._relayed: dict[sip.ClientRequest, sip.ServerRequest] = {}
        self._upkeep = Upkeep(self._calls, self._desk)
        self._stated: frozenset[str] = frozenset()

    # What the shells bring

    def receive(self, data: bytes, flow: sip.Flow, now: float) -> None:
        """Take one datagram or one framed message."""
        self.endpoint.receive(data, flow, now)
        self._pump(now)

    def send_failed(self, outgoing: sip.Outgoing, sentence: str, now: float) -> None:
        """Take the transport's word that it could not deliver."""
        self.endpoint.send_failed(outgoing, sentence, now)
        self._pump(now)

    def flow_closed(self, flow: sip.Flow, now: float) -> None:
        """Take the end of a connection."""
        self.endpoint.flow_closed(flow, now)
        self._pump(now)

    def on_pinhole(self, message: Reply | Event, now: float) -> None:
        """Take in what `gatewayd` says."""
        if isinstance(message, Revoked):
            self._end_holders(set(message.leases), f"revoked: {message.reason}", now)
        elif isinstance(message, Held):
            self._end_holders(self._stated - set(message.leases), "its pinholes were closed", now)
        elif isinstance(message, Renewed):
            self._end_holders(set(message.gone), "its pinholes were closed", now)
            self._ask_ends(self._upkeep.quiet(message), now)
        elif not isinstance(message, Learned):
            self._desk.answer(message, now)
        self._pump(now)

    def pinholes_connected(self, now: float) -> tuple[str, ...]:
        """Take in that `gatewayd` is there; gives every lease that calls hold."""
        self._desk.connected = True
        self._upkeep.start(now)
        leases = self._leases()
        self._stated = frozenset(leases)
        return leases

    def pinholes_lost(self, now: float) -> None:
        """Take in that `gatewayd` went away: calls go on, as long as the kernel keeps their pinholes."""
        self._upkeep.stop()
        self._desk.lost(now)
        self._pump(now)

    def on_timer(self, now: float) -> None:
        """Do everything that is due."""
        self.endpoint.on_timer(now)
        self._desk.on_timer(now)
        self._give_up_overdue(now)
        self._ask_ends(self._upkeep.on_timer(now), now)
        self._pump(now)

    def _give_up_overdue(self, now: float) -> None:
        while self._deadlines and self._deadlines[0][0] <= now:
            call = self._calls.get(self._deadlines.popleft()[1])
            if call is not None and call.due is not None and call.due <= now:
                try:
                    call.overdue(now)
                except Exception as error:
                    log.exception("deadline.fault: call %s", call.id)
                    self._fault(call.id, error, now)

    def _watch(self, call: Call) -> None:
        if call.due is not None:
            self._deadlines.append((call.due, call.id))

    # What the shells take away

    def to_send(self) -> list[sip.Outgoing]:
        """Give the SIP messages to send."""
        return self.endpoint.to_send()

    def requests(self) -> list[Question]:
        """Give the questions to `gatewayd`."""
        return self._desk.requests()

    def next_timer(self) -> float | None:
        """Give the time at which `on_timer` is due."""
        first_deadline = self._deadlines[0][0] if self._deadlines else None
        times = (self.endpoint.next_timer(), self._desk.next_timer(), first_deadline, self._upkeep.next_timer())
        return min([time for time in times if time is not None], default=None)

    # What operators ask

    def calls(self, now: float) -> tuple[CallInfo, ...]:
        """List the calls, oldest first."""
        return tuple(call.info(now) for call in self._calls.values())

    def hang_up(self, call: str, by: str, now: float) -> bool:
        """End one call; tells whether there was one."""
        found = self._calls.get(CallId(call))
        if found:
            found.end(now, 480, by, "ended by an operator")
            self._pump(now)
        return found is not None

    @property
    def sizes(self) -> dict[str, int]:
        """How much is held; all 0 when nothing is going on."""
        return {
            **self.endpoint.sizes,
            "calls": len(self._calls),
            "unanswered": sum(1 for call in self._calls.values() if call.answered is None),
            "deadlines": len(self._deadlines),
            "questions": self._desk.waiting,
            "relayed": len(self._relayed),
        }

    # Who may begin

    def _admit(self, flow: sip.Flow) -> bool:
        """Judge the source of a request outside dialogs: strangers hear 403, and nothing is kept for them."""
        known = self.plan.peers.identify(flow.zone, flow.remote[0]) is not None
        if not known:
            self.counts["refused: stranger"] += 1
        return known

    # Events of legs

    def _pump(self, now: float) -> None:
        """Handle events until there are none: a command may cause the next."""
        while events := self.endpoint.events():
            for event in events:
                try:
                    self._handle(event, now)
                except Exception as error:  # a fault in one call is the end of that call, and of nothing else
                    log.exception("event.fault: %s", type(event).__name__)
                    self._give_up(event, error, now)

    def _give_up(self, event: sip.Event, error: Exception, now: float) -> None:
        try:
            if isinstance(event, sip.RequestReceived):
                event.handle.respond(now, 500)
            elif not isinstance(event, sip.RequestAnswered):
                call: Call | None = event.leg.owner
                if call is None:
                    event.leg.end(now, 500)
                else:
                    self._fault(call.id, error, now)
        except Exception:
            log.exception("event.stuck: %s", type(event).__name__)

    def _fault(self, ident: str, error: Exception, now: float) -> None:
        self.counts["faults"] += 1
        call = self._calls.get(CallId(ident))
        if call is not None:
            call.end(now, 500, "gateway", f"unexpected {type(error).__name__}: {error}")

    def _handle(self, event: sip.Event, now: float) -> None:
        if isinstance(event, sip.IncomingInvite):
            self._incoming(event, now)
        elif isinstance(event, sip.RequestReceived):
            self._request(event, now)
        elif isinstance(event, sip.RequestAnswered):
            self._request_answered(event, now)
        elif event.leg.owner is not None:
            call: Call = event.leg.owner
            due = call.due
            _HANDLERS[type(event)](call, event, now)
            if call.due != due:
                self._watch(call)

    def _incoming(self, event: sip.IncomingInvite, now: float) -> None:
        leg, request, flow = event.leg, event.request, event.flow
        self.counts["invites"] += 1
        caller = self.plan.peers.identify(flow.zone, flow.remote[0])
        if caller is None:
            self._turn_away(leg, 403, "stranger", now)
            return
        dialled = request.parsed_uri.user
        if len(dialled) > MAX_DIALLED:
            self._turn_away(leg, 404, "dialled user", now)
            return
        route = self.plan.dialplan.route(flow.zone, caller, dialled)
        if isinstance(route, Refusal):
            self._turn_away(leg, route.status, "no route", now)
            return
        if route.user == dialled and not may_pass(unquote(dialled)):
            self._turn_away(leg, 404, "dialled user", now)
            return
        target = route.peer.target
        listener = self.plan.listener(route.peer.zone, target[2], target[0]) if target else None
        if target is None or listener is None:
            self._turn_away(leg, 500, "no listener towards the callee", now)
            return
        ceiling = admission.Ceiling(self.plan.signalling.max_calls)
        verdict = admission.decide(admission.Load(len(self._calls)), ceiling)
        if isinstance(verdict, admission.Refuse):
            self._turn_away(leg, 503, "full", now, retry_after=verdict.retry_after)
            return
        self._start(event, caller, route, listener, now)

    def _turn_away(self, leg: sip.Leg, status: int, reason: str, now: float, retry_after: int = 0) -> None:
        self.counts[f"refused: {reason}"] += 1
        leg.reject(now, status, headers=[("Retry-After", str(retry_after))] if retry_after else ())

    def _start(
        self, event: sip.IncomingInvite, caller: SipPeer, route: Route, listener: SipListener, now: float
    ) -> None:
        leg, request, flow = event.leg, event.request, event.flow
        host, port, transport = route.peer.target or ("", 0, "udp")
        ident = self._ids.call()
        parties: dict[Side, Party] = {"a": Party(caller, flow.remote[0]), "b": Party(route.peer, host)}
        writers: dict[Side, Writer] = {
            "a": Writer(self._ids.session(), sdp.address(flow.sent_by[0])),
            "b": Writer(self._ids.session(), sdp.address(listener.advertise)),
        }
        session = Session(ident, self._desk, parties, writers)
        destination = sip.Target(route.peer.zone, transport, host, port, listener.address)
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
            return self.endpoint.invite(invitation, now)

        call = Call(ident, leg, request, parties, session, invite, self._ended, now)
        leg.owner = call
        self._calls[ident] = call
        self._watch(call)
        call.begin(now)

    def _ended(self, call: Call, record: CallRecord) -> None:
        del self._calls[call.id]
        while self._deadlines and self._deadlines[0][1] not in self._calls:
            self._deadlines.popleft()
        self.counts[f"ended: {record.status // 100}xx"] += 1
        self._on_record(record)

    # Requests beside INVITE

    def _request(self, event: sip.RequestReceived, now: float) -> None:
        handle, request, leg = event.handle, event.request, event.leg
        if request.method == "OPTIONS":
            handle.respond(now, 200, headers=[("Accept", "application/sdp"), ("Allow", ", ".join(ALLOW))])
        elif request.method == "INFO" and leg is not None and leg.owner is not None:
            self._info(handle, request, leg, now)
        else:
            handle.respond(now, 405, headers=[("Allow", ", ".join(ALLOW))])

    def _info(self, handle: sip.ServerRequest, request: sip.Request, leg: sip.Leg, now: float) -> None:
        other = leg.owner.beside(leg)
        if request.content_type not in RELAYED_INFO or other is None or other.dialog is None:
            handle.respond(now, 415 if request.body else 200, headers=[("Accept", ", ".join(sorted(RELAYED_INFO)))])
            return
        self._relayed[other.request(now, "INFO", body=request.body, content_type=request.content_type)] = handle

    def _request_answered(self, event: sip.RequestAnswered, now: float) -> None:
        ours = event.handle
        if ours.method == "OPTIONS" and ours.leg is not None and event.response is None:
            ours.leg.lose(event.status, "OPTIONS could not be delivered")  # nobody has been heard there for long either
        handle = self._relayed.pop(ours, None)
        if handle is not None:
            handle.respond(now, event.status if event.status < 300 else 488)

    # Leases

    def _leases(self) -> tuple[str, ...]:
        return tuple(lease for call in self._calls.values() for lease in call.session.leases)

    def _end_holders(self, leases: AbstractSet[str], why: str, now: float) -> None:
        for name in {call_of(LeaseId(lease)) for lease in leases}:
            call = self._calls.get(name)
            if call is not None and not leases.isdisjoint(call.session.leases):
                call.end(now, 480, "gateway", why)

    def _ask_ends(self, quiet: Iterable[Call], now: float) -> None:
        for call in quiet:
            try:
                call.ask_ends(now, QUIET_SECONDS)
            except Exception as error:
                log.exception("upkeep.fault: call %s", call.id)
                self._fault(call.id, error, now)


_HANDLERS: dict[type, Callable[..., None]] = {
    sip.Provisional: Call.on_provisional,
    sip.Answered: Call.on_answered,
    sip.Redirected: Call.on_redirected,
    sip.Failed: Call.on_failed,
    sip.Confirmed: Call.on_confirmed,
    sip.Cancelled: Call.on_cancelled,
    sip.ByeReceived: Call.on_bye,
    sip.Lost: Call.on_lost,
    sip.ReInvite: Call.on_reinvite,
    sip.ReInviteAnswered: Call.on_answered,
    sip.ReInviteFailed: Call.on_reinvite_failed,
    sip.ReInviteRetry: Call.on_reinvite_retry,
}


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
