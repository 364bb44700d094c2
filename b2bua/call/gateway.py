"""All calls of an appliance: messages and time go in, messages and questions to `gatewayd` come out; no I/O.

The shell calls `receive`, `on_pinhole` and `on_timer`, then sends what `to_send` and `requests` give, and sets its one
timer to `next_timer`. This is the sink of `b2bua.transport` and of `b2bua.pinholes`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from functools import partial
from sys import intern

from b2bua import sip
from b2bua.call.access import Access
from b2bua.call.accounts import Accounts
from b2bua.call.call import Call
from b2bua.call.deadlines import Deadlines
from b2bua.call.desk import Desk, Question
from b2bua.call.drain import Drain
from b2bua.call.entrance import Asked, Entered, Entrance, Ids, MakeSession
from b2bua.call.explain import Explanation
from b2bua.call.holding import Holding, held
from b2bua.call.keyring import Keyring
from b2bua.call.leg_events import HANDLERS
from b2bua.call.names import Found, Lookup
from b2bua.call.plan import Plan
from b2bua.call.qualify import Qualify
from b2bua.call.record import CallRecord
from b2bua.call.redirects import Redirects
from b2bua.call.referrals import Referrals
from b2bua.call.registrations import Registrations
from b2bua.call.requests import ALLOW, SUPPORTED, Requests
from b2bua.call.target import beside
from b2bua.call.transfer import Transfer
from b2bua.call.upkeep import Upkeep
from b2bua.trace import Traces
from b2bua.trace.entry import Leg
from vdx.control import CallInfo
from vdx.ids import CallId
from vdx.journal import subject
from vdx.pinhole import Event, Held, Learned, Released, Renewed, Reply, Revoked

log = logging.getLogger(__name__)


class Gateway:
    """Every call, by its two legs; `wall` tells the seconds since 1970."""

    def __init__(
        self,
        ids: Ids,
        on_record: Callable[[CallRecord], None],
        wall: Callable[[], float],
        settings: sip.Settings | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.access = Access(ids.token, self.counts, wall)
        self.registrations = Registrations(self.access, self.counts, wall)
        self.endpoint = sip.Endpoint(ids, settings or sip.Settings(allow=ALLOW, supported=SUPPORTED), self.access.admit)
        self.traces = Traces(self._traced, self._rest)
        self.accounts = Accounts()
        self.drain = Drain()
        self._now = 0.0
        self._wall = wall
        self._on_record = on_record
        self._desk = Desk(self._fault)
        self._calls: dict[CallId, Call] = {}
        self._deadlines = Deadlines(self._calls, self._fault)
        self.qualify = Qualify(self.endpoint)
        self._entrance = Entrance(
            ids,
            self.endpoint,
            self.access,
            self._desk,
            self._calls,
            self.counts,
            self._ended,
            self.registrations.places,
            self.qualify.is_down,
            self.drain,
            wall,
        )
        self._referrals = Referrals(
            ids,
            self.endpoint,
            self._entrance,
            self._desk,
            self._calls,
            self.counts,
            self._deadlines.watch,
            self.traces.hide,
        )
        self._entrance.on_replaces = self._referrals.replace
        self._entrance.on_begun = self._lead_on
        self._requests = Requests(self.registrations.receive, self._referrals.receive, self.drain)
        self.endpoint.widen(lambda to: beside(self.plan, to))
        self.registrations.moved = self.endpoint.take_over
        self._upkeep = Upkeep(self._calls, self._desk, self._fault)

    @property
    def plan(self) -> Plan:
        """The site version by which calls begin."""
        return self._entrance.plan

    @plan.setter
    def plan(self, plan: Plan) -> None:
        self._entrance.plan = plan
        self.qualify.follow(plan)
        self.access.follow(plan)

    def use(self, keyring: Keyring) -> None:
        """Know users, log-ins and tokens of the site version by this; who may not register any more is forgotten."""
        self.access.use(keyring)
        signalling = self.plan.signalling
        self.registrations.follow(signalling.access, keyring, signalling.peers)

    def disown(self, now: float) -> None:
        """End the calls of guests whom the site version believes no more."""
        self._upkeep.disown(self.plan.signalling.peers, now)
        self._pump(now)

    # What the shells bring

    def receive(self, data: bytes, flow: sip.Flow, now: float) -> None:
        """Take one datagram or one framed message."""
        self.traces.received(data, flow, now)
        self.endpoint.receive(data, flow, now)
        self._pump(now)
        self.traces.place()

    def send_failed(self, outgoing: sip.Outgoing, sentence: str, now: float) -> None:
        """Take the transport's word that it could not deliver."""
        self._now = now
        self.traces.failed(outgoing, sentence, now)
        self.endpoint.send_failed(outgoing, sentence, now)
        self._pump(now)

    def flow_closed(self, flow: sip.Flow, now: float) -> None:
        """Take the end of a connection."""
        self._now = now
        self.endpoint.flow_closed(flow, now)
        self.access.flow_closed(flow)
        self.registrations.flow_closed(flow)
        self._pump(now)

    def on_pinhole(self, message: Reply | Event, now: float) -> None:
        """Take in what `gatewayd` says."""
        self._now = now
        self.traces.said(message, now)
        if isinstance(message, Renewed | Released | Revoked):
            self.accounts.carried(message)
        if isinstance(message, Revoked | Held | Renewed):
            self._upkeep.hear(message, now, self.plan.signalling.media_silence)
        elif not isinstance(message, Learned):
            self._desk.answer(message, now)
        self._pump(now)

    def located(self, number: int, found: Found, now: float) -> None:
        """Take in where the names of a lookup lead."""
        self._now = now
        leg = self._entrance.names.leg(number)
        call = self._calls.get(leg.owner.id) if leg is not None and leg.owner is not None else None
        due = call.due if call is not None else None
        try:
            self._begin(self._entrance.names.located(number, found, now), now)
        except Exception as error:  # as with events: it is the end of that call, and of nothing else
            log.exception("located.fault")
            self._cut_off(leg, error, now)
        if call is not None and call.due != due:
            self._deadlines.watch(call)
        subject.set("")
        self._pump(now)

    def pinholes_connected(self, now: float) -> tuple[str, ...]:
        """Take in that `gatewayd` is there; gives every lease that calls hold."""
        self._desk.connected = True
        return self._upkeep.start(now)

    def pinholes_lost(self, now: float) -> None:
        """Take in that `gatewayd` went away: calls go on, as long as the kernel keeps their pinholes."""
        self._upkeep.stop()
        self._desk.lost(now)
        self._pump(now)

    def on_timer(self, now: float) -> None:
        """Do everything that is due."""
        self._now = now
        self.traces.tidy(now)
        self.endpoint.on_timer(now)
        self._desk.on_timer(now)
        self._deadlines.on_timer(now)
        self.drain.on_timer(self._calls, now)
        self._upkeep.on_timer(now)
        self.qualify.on_timer(now)
        self._pump(now)

    # What the shells take away

    def to_send(self) -> list[sip.Outgoing]:
        """Give the SIP messages to send."""
        messages = self.endpoint.to_send()
        for message in messages:
            self.traces.sent(message, self._now)
        return messages

    def requests(self) -> list[Question]:
        """Give the questions to `gatewayd`."""
        for ban in self.access.bans():
            self._desk.ban(ban.address, ban.seconds, ban.reason)
        questions = self._desk.requests()
        for question in questions:
            self.traces.said(question, self._now)
        return questions

    def lookups(self) -> list[Lookup]:
        """Give the names to look up."""
        return self._entrance.names.lookups()

    def next_timer(self) -> float | None:
        """Give the time at which `on_timer` is due."""
        times = (
            self.endpoint.next_timer(),
            self._desk.next_timer(),
            self._deadlines.next_timer(),
            self.drain.next_timer() if self._calls else None,
            self._upkeep.next_timer(),
            self.qualify.next_timer(),
        )
        return min([time for time in times if time is not None], default=None)

    # What operators ask

    def calls(self, now: float) -> tuple[CallInfo, ...]:
        """List the calls, oldest first."""
        return tuple(call.info(now) for call in self._calls.values())

    def held(self, now: float) -> list[Holding]:
        """List the calls to and from mixing servers of the bus, which hold ports there."""
        mixers = self.plan.mixers
        return held(self._calls.values(), mixers.name, self._wall() - now) if mixers is not None else []

    def refused(self) -> Counter[tuple[str, int, str]]:
        """Give how many calls were refused since this was asked last, by zone, status and why."""
        refused, self._entrance.refused = self._entrance.refused, Counter()
        return refused

    def hang_up(self, call: str, by: str, now: float) -> bool:
        """End one call; tells whether there was one."""
        self._now = now
        found = self._calls.get(CallId(call))
        if found:
            found.end(now, 480, by, "ended by an operator")
            self._pump(now)
        return found is not None

    def explain(self, source: str, dialled: str, at: float | None = None) -> Explanation:
        """Begin to say what would become of a call; nothing is changed by it."""
        return Explanation(self._entrance, source, dialled, at)

    @property
    def sizes(self) -> dict[str, int]:
        """How much is held; all 0 when nothing is going on."""
        return {
            **self.endpoint.sizes,
            "calls": len(self._calls),
            "unanswered": sum(1 for call in self._calls.values() if call.answered is None),
            "deadlines": len(self._deadlines),
            "questions": self._desk.waiting,
            "relayed": self._requests.waiting,
            "lookups": len(self._entrance.names),
            "tickets": len(self._entrance.tickets),
        }

    # Events of legs

    def _pump(self, now: float) -> None:
        """Handle events until there are none: a command may cause the next."""
        self._now = now
        while events := self.endpoint.events():
            for event in events:
                try:
                    self._handle(event, now)
                except Exception as error:  # a fault in one call is the end of that call, and of nothing else
                    log.exception("event.fault: %s", type(event).__name__)
                    self._give_up(event, error, now)
                subject.set("")

    def _give_up(self, event: sip.Event, error: Exception, now: float) -> None:
        try:
            if isinstance(event, sip.RequestReceived):
                event.handle.respond(now, 500)
            elif not isinstance(event, sip.RequestAnswered):
                self._cut_off(event.leg, error, now)
        except Exception:
            log.exception("event.stuck: %s", type(event).__name__)

    def _cut_off(self, leg: sip.Leg | None, error: Exception, now: float) -> None:
        """End the call of a leg, or the leg where it has none."""
        owner: Call | Transfer | None = leg.owner if leg is not None else None
        if owner is not None:
            self._fault(owner.id, error, now)
        elif leg is not None:
            leg.end(now, 500)

    def _fault(self, ident: str, error: Exception, now: float) -> None:
        self.counts["faults"] += 1
        call = self._calls.get(CallId(ident))
        if call is not None:
            call.end(now, 500, "gateway", f"unexpected {type(error).__name__}: {error}")

    def _handle(self, event: sip.Event, now: float) -> None:
        if isinstance(event, sip.IncomingInvite):
            self._begin(self._entrance.enter(event, now), now)
        elif isinstance(event, sip.RequestReceived):
            self._requests.receive(event, now)
        elif isinstance(event, sip.RequestAnswered):
            if not self.qualify.answered(event, now):
                self._requests.answered(event, now)
        elif event.leg.owner is not None:
            self._tell(event.leg.owner, event, now)

    def _tell(self, owner: Call | Transfer, event: sip.Event, now: float) -> None:
        subject.set(owner.id)
        call = self._calls.get(owner.id)
        due = call.due if call is not None else None
        if isinstance(owner, Transfer):
            owner.handle(event, now)
        else:
            if isinstance(event, sip.Provisional):
                self.accounts.ringing(owner.id, now)
            HANDLERS[type(event)](owner, event, now)
        if call is not None and call.due != due:
            self._deadlines.watch(call)

    def _lead_on(self, call: Call, asked: Asked, session: MakeSession) -> None:
        call.redirects = Redirects(self._entrance, call.id, asked, session, self.traces.hide)

    def _begin(self, entered: Entered | None, now: float) -> None:
        if entered is not None:
            call, event = entered.call, entered.event
            subject.set(call.id)
            parties = (intern(str(call.parties["a"])), intern(str(call.parties["b"])))  # the same in many calls
            self.traces.begin(call.id, event.flow, event.leg.call_id, now, parties)
            self.traces.hide(call.id, entered.pin)
            self.accounts.begin(call.id, event.request)
            self._deadlines.watch(call)
            due = call.due
            try:
                call.begin(now)
            except Exception as error:
                log.exception("call.fault: call %s", call.id)
                self._fault(call.id, error, now)
            if call.due != due:
                self._deadlines.watch(call)

    def _ended(self, call: Call, record: CallRecord, leases: tuple[str, ...]) -> None:
        del self._calls[call.id]
        self._deadlines.forget_ended()
        self.counts[f"ended: {record.status // 100}xx"] += 1
        self._entrance.over(call.counted)
        self.traces.end(call.id, f"ended by {record.ended_by}: {record.why}", self._now)
        self._desk.close(call.id, leases, self._now, partial(self._account, call, record, self._now))

    def _account(self, call: Call, record: CallRecord, ended: float, reply: Reply, now: float) -> None:
        """Close the account of a call that is over: what it carried was told, or will not be."""
        del reply, now  # a refusal leaves what the last renewal told
        self._on_record(self.accounts.close(call, record, ended))

    def _rest(self, ident: CallId) -> None:
        call = self._calls.get(ident)
        if call is not None:
            call.session.rest()

    def _traced(self, tag: str) -> tuple[CallId, Leg] | None:
        leg = self.endpoint.leg(tag)
        owner: Call | None = leg.owner if leg is not None else None
        return (owner.id, "a" if leg is not None and leg.called else "b") if owner is not None else None
