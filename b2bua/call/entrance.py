"""The entrance of the gateway: who is calling, where to, may it be carried, and with what it starts.

The steps of a new call in their order:

    identify -> what was dialled -> loop? -> dial plan -> names looked up -> places to try -> admission -> the first try

A step that fails answers the caller and counts why. Looking up takes time: the call waits in `names`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from b2bua import sdp, sip
from b2bua.call.access import Access
from b2bua.call.attempts import Attempt, attempts
from b2bua.call.bridging import UNBRIDGED, Bridging, Tickets
from b2bua.call.call import Call
from b2bua.call.departure import Departure
from b2bua.call.desk import Desk
from b2bua.call.dialled import Dialled, UnreadableError, read
from b2bua.call.drain import Drain
from b2bua.call.hunt import Hunt
from b2bua.call.identify import Caller
from b2bua.call.loops import Loops
from b2bua.call.media import Party
from b2bua.call.names import Found, Names
from b2bua.call.plan import EMPTY, Plan
from b2bua.call.record import CallRecord
from b2bua.call.registrar import Place
from b2bua.call.route import Dial, Note, Refusal, Route
from b2bua.call.session import Session
from b2bua.call.start import Start
from b2bua.call.tally import Tally, kbps, scopes
from b2bua.locate import Cooldown, LocateError, Query
from b2bua.sdp import Writer
from vdx import admission
from vdx.control import SipPeer
from vdx.dialplan import HostTarget
from vdx.ids import CallId

log = logging.getLogger(__name__)


class Ids(sip.Ids, Protocol):
    """Unguessable names, handed in."""

    def call(self) -> CallId:
        """Give the name of a new call."""
        ...

    def session(self) -> int:
        """Give the session id of a new SDP origin, below 2**63."""
        ...


class Asked(NamedTuple):
    """An INVITE whose sender is known, and where it may go; `half` is the call whose other half it makes."""

    event: sip.IncomingInvite
    caller: Caller
    route: Route
    half: CallId | None = None


MakeSession = Callable[[CallId, Party, Writer], Session]
"""Makes the session with one callee, who has this writer."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A call that is about to begin, the INVITE that made it, and the PIN that was dialled with it."""

    call: Call
    event: sip.IncomingInvite
    pin: str = field(default="", repr=False)


class Entrance:
    """Where calls begin, by the `plan` of the day; what begins stands in `calls`, what is refused in `counts`.

    `registered` finds the devices of a user of a peer, `is_down` knows which peer does not answer, `wall` gives the
    seconds since 1970.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - everything that has a say in a new call
        self,
        ids: Ids,
        endpoint: sip.Endpoint,
        access: Access,
        desk: Desk,
        calls: dict[CallId, Call],
        counts: Counter[str],
        ended: Callable[[Call, CallRecord, tuple[str, ...]], None],
        registered: Callable[[str, str], list[Place]],
        is_down: Callable[[str], bool],
        drain: Drain,
        wall: Callable[[], float],
    ) -> None:
        self.plan: Plan = EMPTY
        self.ids = ids
        self.tickets = Tickets()
        self.refused: Counter[tuple[str, int, str]] = Counter()  # [zone, status, why] since it was last asked
        self._endpoint = endpoint
        self._access = access
        self._registered = registered
        self._is_down = is_down
        self._drain = drain
        self._wall = wall
        self._desk = desk
        self._calls = calls
        self._counts = counts
        self._ended = ended
        self._tally = Tally()
        self._loops = Loops()
        self._cooldown = Cooldown()
        self.names: Names[Entered | None] = Names()
        self.on_begun: Callable[[Call, Asked, MakeSession], None] | None = None
        self.on_replaces: Callable[[sip.IncomingInvite, Caller, float], None] | None = None

    # A call comes in

    def enter(self, event: sip.IncomingInvite, now: float) -> Entered | None:
        """Give the call that an INVITE makes, not begun yet; None where it was refused, or has to wait."""
        leg = event.leg
        self._counts["invites"] += 1
        caller = self._access.caller(event.request)
        if caller is None:
            self._turn_away(leg, 403, "stranger", now)
            return None
        if "replaces" in event.request.index and self.on_replaces is not None:
            self.on_replaces(event, caller, now)  # it takes a place in a call that is up (RFC 3891)
            return None
        verdict = self._judge_caller(caller.peer, now)
        if isinstance(verdict, admission.Refuse):
            self._refuse(leg, verdict, now)
            return None
        asked = self._bridged(event, caller)
        if asked is None:
            route = self._route(event, caller, now)
            if route is None:
                return None
            asked = Asked(event, caller, route)
        queries = self.queries(asked.route)
        if not queries:
            return self._start(asked, {}, now)
        if not self.names.look_up(queries, lambda found, now: self._resume(asked, found, now), leg):
            self._turn_away(leg, 503, "too many names to look up", now, retry_after=admission.RETRY_RATE)
        return None

    def _bridged(self, event: sip.IncomingInvite, caller: Caller) -> Asked | None:
        """Let a mixing server call back for a call that it was sent: by its ticket, and not by the dial plan."""
        mixers = self.plan.mixers
        if mixers is None or caller.peer.name != mixers.name:
            return None
        ticket = self.tickets.redeem(event.request.parsed_uri.user)
        return Asked(event, caller, ticket.route, ticket.call) if ticket is not None else None

    def _route(self, event: sip.IncomingInvite, caller: Caller, now: float) -> Route | None:
        leg, request, zone = event.leg, event.request, event.flow.zone
        try:
            dialled = read(request.parsed_uri, caller.peer, self.plan.ourselves, self.plan.receptions.get(zone, ""))
        except UnreadableError:
            self._turn_away(leg, 404, "dialled user", now)
            return None
        if caller.guest is not None and caller.guest.alias.casefold() != dialled.alias.casefold():
            self._turn_away(leg, 403, "not what the token is for", now)
            return None
        if self._loops.looped(request, dialled, self.plan.places):
            self._turn_away(leg, 482, "loop", now)
            return None
        route = self.find(zone, caller.peer, dialled)
        if isinstance(route, Refusal):
            self._turn_away(leg, route.status, "no route", now, reason=route.reason)
            return None
        return route

    def find(
        self, zone: str, caller: SipPeer, dialled: Dialled, *, at: float | None = None, note: Note | None = None
    ) -> Route | Refusal:
        """Ask the dial plan, `at` another time than now (in seconds since 1970) where that is wanted."""

        def clock() -> datetime:
            return datetime.fromtimestamp(self._wall() if at is None else at, UTC)

        return self.plan.dialplan.route(Dial(zone, caller, dialled, clock, self.ids.fraction), note)

    # Names are looked up

    def queries(self, route: Route) -> dict[HostTarget, Query]:
        """Give the names of a route that have to be looked up, and how."""
        secure = route.dialled.secure
        return {
            host: Query(host.host, host.port, host.transport, secure, self.plan.usable(lead.peer.zone))
            for lead in route.leads
            if (host := lead.host) is not None
        }

    def _resume(self, asked: Asked, found: Found, now: float) -> Entered | None:
        if asked.event.leg.ended:  # taken back
            return None
        faults = [result for result in found.values() if isinstance(result, LocateError)]
        return self._start(asked, found, now, faults[0].status if faults else 480)

    def places(self, route: Route, found: Found, now: float) -> list[Attempt]:
        """Give the places to try for a route, in order."""
        located = {host: result for host, result in found.items() if not isinstance(result, LocateError)}
        return attempts(route, self.plan, located, self._registered, lambda place: self.is_dead(place, now))

    def is_dead(self, place: Attempt, now: float) -> bool:
        """Tell whether a place failed a moment ago, or its peer does not answer when it is asked."""
        return self._cooldown.dead(place.key, now) or self._is_down(place.peer.name)

    # It may begin

    def _start(self, asked: Asked, found: Found, now: float, status: int = 480) -> Entered | None:
        leg, request, caller = asked.event.leg, asked.event.request, asked.caller.peer
        places = self.places(asked.route, found, now)
        if not places:
            self._turn_away(leg, status, "nowhere to call", now)
            return None
        ident = self.ids.call()
        flow = asked.event.flow
        a = Party(caller, flow.remote[0], flow.transport, asked.caller)

        def session(ident: CallId, b: Party, writer: Writer) -> Session:
            ours = Writer(self.ids.session(), sdp.address(flow.sent_by[0]))
            return Session(ident, self._desk, {"a": a, "b": b}, {"a": ours, "b": writer})

        hunt = self.hunt(ident, caller, asked.route, places, request, session)
        bridging = Bridging(self, ident, asked, session)
        way = self.plan.bridging(caller, places[0].peer)
        if way == "always":
            found_way = bridging.hunt(now)
            if found_way is None:
                self._turn_away(leg, 480, UNBRIDGED, now, reason="No Mixing Server")
                return None
            hunt = found_way
        start = hunt.next(now)
        if start is None:
            self.tickets.over(ident)
            self._refuse(leg, hunt.refused or admission.Refuse(480, admission.RETRY_AFTER, "nowhere"), now)
            return None
        call = Call(ident, leg, request, start.session.parties, start.session, start.invite, self._ended, now)
        call.alias, call.hunt = str(asked.route.dialled), hunt
        call.room = asked.route.room
        call.bridging = bridging if way == "on_refusal" else None
        call.half = ident if way == "always" else asked.half
        first = self._calls.get(asked.half) if asked.half is not None else None
        if first is not None:
            first.half = ident
        if self.on_begun is not None:
            self.on_begun(call, asked, session)
        if asked.caller.guest is not None:
            self._access.spend(asked.caller.guest)
        leg.owner = call
        self._calls[ident] = call
        return Entered(call, asked.event, asked.route.dialled.pin)

    def hunt(
        self,
        ident: CallId,
        caller: SipPeer,
        route: Route,
        places: list[Attempt],
        request: sip.Request,
        session: MakeSession,
    ) -> Hunt:
        """Give the starts of a call, one after the other; `request` tells who calls, and through how many hops."""
        size = kbps(request.session, caller)

        def equip(attempt: Attempt) -> Start:
            b = Party(attempt.peer, attempt.place[0], attempt.to.transport)
            writer = Writer(self.ids.session(), sdp.address(attempt.listener.advertise))
            login = self._access.keyring.logins.get(attempt.peer.name)
            dialled = route.dialled

            def left(leg: sip.Leg) -> None:
                self._loops.sent(ident, leg.call_id, dialled)

            invite = Departure(self._endpoint, attempt, dialled, request, caller.name, login, left)
            return Start(b, session(ident, b, writer), invite)

        return Hunt(
            places,
            lambda attempt, now: self._admit_call(ident, caller, attempt.peer, size, now),
            equip,
            self._cooldown,
        )

    def over(self, call: CallId) -> None:
        """Count a call no more."""
        self._tally.end(call)
        self._loops.over(call)
        self.tickets.over(call)

    # May it be carried

    def _judge_caller(self, caller: SipPeer, now: float) -> admission.Admit | admission.Refuse:
        """Refuse before anything is looked up what would be refused wherever it went."""
        return admission.decide(self._tally.load(self.plan, scopes(caller), now), drain=self._drain.left(now))

    def _admit_call(
        self, ident: CallId, caller: SipPeer, callee: SipPeer, size: int, now: float
    ) -> admission.Admit | admission.Refuse:
        """Judge a call towards one callee, and count it where it may begin, in place of the try before."""
        names = scopes(caller, callee)
        begun = self._tally.end(ident)
        verdict = self.judge(names, size, now)
        if isinstance(verdict, admission.Admit):
            self._tally.begin(ident, names, size, now, fresh=not begun)
        return verdict

    def judge(self, names: tuple[str, ...], size: int, now: float) -> admission.Admit | admission.Refuse:
        """Judge one more call in these scopes; `explain` asks the same."""
        return admission.decide(self._tally.load(self.plan, names, now), size, self._drain.left(now))

    def _refuse(self, leg: sip.Leg, verdict: admission.Refuse, now: float) -> None:
        what = "draining" if self._drain.by is not None else "full"
        self._turn_away(leg, verdict.status, what, now, retry_after=verdict.retry_after)

    def _turn_away(
        self, leg: sip.Leg, status: int, why: str, now: float, *, retry_after: int = 0, reason: str = ""
    ) -> None:
        self._counts[f"refused: {why}"] += 1
        self.refused[leg.zone, status, why] += 1
        log.info("call.refused zone=%s status=%d why=%s", leg.zone, status, why)
        leg.reject(now, status, reason, headers=[("Retry-After", str(retry_after))] if retry_after else ())
