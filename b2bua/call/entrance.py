"""The entrance of the gateway: who is calling, where to, may it be carried, and with what it starts.

The steps of a new call in their order:

    identify -> what was dialled -> loop? -> dial plan -> names looked up -> places to try -> admission -> the first try

A step that fails answers the caller and counts why. Looking up takes time: the call waits, and goes on in `located`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from b2bua import sdp, sip
from b2bua.call.access import Access
from b2bua.call.attempts import Attempt, attempts
from b2bua.call.call import Call
from b2bua.call.departure import Departure
from b2bua.call.desk import Desk
from b2bua.call.dialled import Dialled, UnreadableError, read
from b2bua.call.drain import Drain
from b2bua.call.hunt import Hunt
from b2bua.call.identify import Caller
from b2bua.call.loops import Loops
from b2bua.call.media import Party
from b2bua.call.plan import EMPTY, Plan
from b2bua.call.record import CallRecord
from b2bua.call.registrar import Place
from b2bua.call.route import Dial, Note, Refusal, Route
from b2bua.call.session import Session
from b2bua.call.start import Start
from b2bua.call.tally import Tally, kbps, scopes
from b2bua.locate import Cooldown, Destination, LocateError, Query
from b2bua.sdp import Writer
from vdx import admission
from vdx.control import SipPeer
from vdx.dialplan import HostTarget
from vdx.ids import CallId
from vdx.pinhole import Side

MAX_WAITING = 1_000
"""Calls whose names are being looked up at once: five seconds of 200 a second."""


Found = Mapping[HostTarget, tuple[Destination, ...] | LocateError]
"""Where names lead, or why they lead nowhere."""


class Ids(sip.Ids, Protocol):
    """Unguessable names, handed in."""

    def call(self) -> CallId:
        """Give the name of a new call."""
        ...

    def session(self) -> int:
        """Give the session id of a new SDP origin, below 2**63."""
        ...


class Lookup(NamedTuple):
    """Names to look up for one call; the answer goes to `located` with the same number."""

    number: int
    queries: dict[HostTarget, Query]


@dataclass(frozen=True, slots=True)
class Asked:
    """An INVITE whose sender is known, and where it may go."""

    event: sip.IncomingInvite
    caller: Caller
    route: Route


@dataclass(frozen=True, slots=True)
class Entered:
    """A call that is about to begin, and the INVITE that made it."""

    call: Call
    event: sip.IncomingInvite


class Entrance:
    """Where calls begin, by the `plan` of the day; what begins stands in `calls`, what is refused in `counts`.

    `registered` finds the devices of a user of a peer; `wall` gives the seconds since 1970.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - everything that has a say in a new call
        self,
        ids: Ids,
        endpoint: sip.Endpoint,
        access: Access,
        desk: Desk,
        calls: dict[CallId, Call],
        counts: Counter[str],
        ended: Callable[[Call, CallRecord], None],
        registered: Callable[[str, str], list[Place]],
        drain: Drain,
        wall: Callable[[], float],
    ) -> None:
        self.plan: Plan = EMPTY
        self._ids = ids
        self._endpoint = endpoint
        self._access = access
        self._registered = registered
        self._drain = drain
        self._wall = wall
        self._desk = desk
        self._calls = calls
        self._counts = counts
        self._ended = ended
        self._tally = Tally()
        self._loops = Loops()
        self._cooldown = Cooldown()
        self._waiting: dict[int, Asked] = {}
        self._lookups: list[Lookup] = []
        self._number = 0

    @property
    def waiting(self) -> int:
        """How many calls wait for names to be looked up."""
        return len(self._waiting)

    # A call comes in

    def enter(self, event: sip.IncomingInvite, now: float) -> Entered | None:
        """Give the call that an INVITE makes, not begun yet; None where it was refused, or has to wait."""
        leg = event.leg
        self._counts["invites"] += 1
        caller = self._access.caller(event.request)
        if caller is None:
            self._turn_away(leg, 403, "stranger", now)
            return None
        verdict = self._judge_caller(caller.peer, now)
        if isinstance(verdict, admission.Refuse):
            self._refuse(leg, verdict, now)
            return None
        route = self._route(event, caller, now)
        if route is None:
            return None
        asked = Asked(event, caller, route)
        queries = self.queries(route)
        if queries:
            self._look_up(asked, queries, now)
            return None
        return self._start(asked, {}, now)

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

        return self.plan.dialplan.route(Dial(zone, caller, dialled, clock, self._ids.fraction), note)

    # Names are looked up

    def lookups(self) -> list[Lookup]:
        """Give what is to be looked up since the last call."""
        lookups, self._lookups = self._lookups, []
        return lookups

    def queries(self, route: Route) -> dict[HostTarget, Query]:
        """Give the names of a route that have to be looked up, and how."""
        secure = route.dialled.secure
        return {
            host: Query(host.host, host.port, host.transport, secure, self.plan.usable(lead.peer.zone))
            for lead in route.leads
            if (host := lead.host) is not None
        }

    def _look_up(self, asked: Asked, queries: dict[HostTarget, Query], now: float) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self._turn_away(asked.event.leg, 503, "too many names to look up", now, retry_after=admission.RETRY_RATE)
            return
        self._number += 1
        self._waiting[self._number] = asked
        self._lookups.append(Lookup(self._number, queries))

    def located(self, number: int, found: Found, now: float) -> Entered | None:
        """Go on with a call whose names have been looked up; None where it was refused or taken back."""
        asked = self._waiting.pop(number, None)
        if asked is None or asked.event.leg.ended:
            return None
        faults = [result for result in found.values() if isinstance(result, LocateError)]
        return self._start(asked, found, now, faults[0].status if faults else 480)

    def places(self, route: Route, found: Found, now: float) -> list[Attempt]:
        """Give the places to try for a route, in order."""
        located = {host: result for host, result in found.items() if not isinstance(result, LocateError)}
        return attempts(route, self.plan, located, self._registered, self._cooldown, now)

    def is_dead(self, place: Attempt, now: float) -> bool:
        """Tell whether a place failed a moment ago."""
        return self._cooldown.dead(place.key, now)

    # It may begin

    def _start(self, asked: Asked, found: Found, now: float, status: int = 480) -> Entered | None:
        leg, request, caller = asked.event.leg, asked.event.request, asked.caller.peer
        places = self.places(asked.route, found, now)
        if not places:
            self._turn_away(leg, status, "nowhere to call", now)
            return None
        ident = self._ids.call()
        size = kbps(request.session, caller)
        hunt = Hunt(
            places,
            lambda attempt, now: self._admit_call(ident, caller, attempt.peer, size, now),
            lambda attempt: self._equip(ident, asked, attempt),
            self._cooldown,
        )
        start = hunt.next(now)
        if start is None:
            self._refuse(leg, hunt.refused or admission.Refuse(480, admission.RETRY_AFTER, "nowhere"), now)
            return None
        flow = asked.event.flow
        parties: dict[Side, Party] = {"a": Party(caller, flow.remote[0], flow.transport), "b": start.party}
        call = Call(ident, leg, request, parties, start.session, start.invite, self._ended, now)
        call.alias, call.hunt = str(asked.route.dialled), hunt
        if asked.caller.guest is not None:
            self._access.spend(asked.caller.guest)
        leg.owner = call
        self._calls[ident] = call
        return Entered(call, asked.event)

    def _equip(self, ident: CallId, asked: Asked, attempt: Attempt) -> Start:
        """Make what a call to one place begins with."""
        flow = asked.event.flow
        a = Party(asked.caller.peer, flow.remote[0], flow.transport)
        b = Party(attempt.peer, attempt.place[0], attempt.to.transport)
        session = Session(
            ident,
            self._desk,
            {"a": a, "b": b},
            {
                "a": Writer(self._ids.session(), sdp.address(flow.sent_by[0])),
                "b": Writer(self._ids.session(), sdp.address(attempt.listener.advertise)),
            },
        )
        dialled, loops = asked.route.dialled, self._loops
        invite = Departure(
            self._endpoint,
            attempt,
            dialled,
            asked.event.request,
            asked.caller.peer.name,
            self._access.keyring.logins.get(attempt.peer.name),
            lambda leg: loops.sent(ident, leg.call_id, dialled),
        )
        return Start(b, session, invite)

    def over(self, call: CallId) -> None:
        """Count a call no more."""
        self._tally.end(call)
        self._loops.over(call)

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
        leg.reject(now, status, reason, headers=[("Retry-After", str(retry_after))] if retry_after else ())
