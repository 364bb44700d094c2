"""Who may be called on whose word: REFER inside a call, and INVITE with Replaces (RFC 3515, RFC 3891, RFC 3892).

A Refer-To never passes. It is dialled here, with the rights of whoever refers: the same dial plan, the same limits. The
one who refers hears how it goes by NOTIFY, of which only the status is told. A Replaces names one of our dialogs:

    in a Refer-To     the other side of that call is joined to the other side of this one (attended transfer)
    in an INVITE      the caller takes the place that the same peer has in that call
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from b2bua import sdp, sip
from b2bua.call.call import Call
from b2bua.call.departure import shown_as
from b2bua.call.desk import Desk
from b2bua.call.dialled import UnreadableError, read
from b2bua.call.entrance import Entrance, Ids
from b2bua.call.identify import Caller
from b2bua.call.media import Party
from b2bua.call.names import Found
from b2bua.call.route import Refusal, Route
from b2bua.call.session import Session
from b2bua.call.sides import other_side
from b2bua.call.start import Fields, Start
from b2bua.call.transfer import Report, Transfer
from b2bua.sdp import Writer
from b2bua.sip.refer import ReferTo, Replaces, parse_refer_to, replaces_of, sipfrag, wants_no_subscription
from vdx.ids import CallId
from vdx.pinhole import Side

SUBSCRIBED = 180
"""Seconds that the subscription of a REFER lasts: longer than a newcomer may ring (RFC 3515 2.4.4)."""


@dataclass(frozen=True, slots=True)
class Referred:
    """One REFER that was accepted: of which side of which call, where it leads, how its sender hears of it."""

    call: Call
    side: Side
    leg: sip.Leg
    request: sip.Request
    report: Report


class Referrals:
    """Turns REFER and Replaces into transfers; `watch` hears of calls that have a new deadline, `hide` of PINs."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that a transfer has to do with
        self,
        ids: Ids,
        endpoint: sip.Endpoint,
        entrance: Entrance,
        desk: Desk,
        calls: Mapping[CallId, Call],
        counts: Counter[str],
        watch: Callable[[Call], None],
        hide: Callable[[CallId, str], None],
    ) -> None:
        self._ids = ids
        self._endpoint = endpoint
        self._entrance = entrance
        self._desk = desk
        self._calls = calls
        self._counts = counts
        self._watch = watch
        self._hide = hide

    # REFER

    def receive(self, event: sip.RequestReceived, now: float) -> None:
        """Take a REFER."""
        handle, request, leg = event.handle, event.request, event.leg
        call = self._calls.get(leg.owner.id) if leg is not None and leg.owner is not None else None
        if leg is None or call is None:
            self._refuse(handle, 403, "REFER outside a call", now)
            return
        if leg.owner is not call or call.answered is None or call.changes_hands:
            self._refuse(handle, 491, "REFER while another change is open", now)
            return
        side = call.side_of(leg)
        if not call.parties[side].peer.refer or call.parties[side].is_guest:  # no transfer leads to another door
            self._refuse(handle, 403, "REFER of a peer that may not", now)
            return
        try:
            target = parse_refer_to(request)
        except sip.SipError as error:
            self._refuse(handle, error.status, "broken REFER", now)
            return
        self._counts["referrals"] += 1
        silent = wants_no_subscription(request)
        handle.respond(now, 202, headers=[("Refer-Sub", "false")] if silent else ())
        report = _no_report if silent else _notify(leg, request.cseq.number)
        report(100, now)
        referred = Referred(call, side, leg, request, report)
        if target.replaces is not None:
            self._attend(referred, target.replaces, now)
        else:
            self._dial(referred, target, now)

    def _refuse(self, handle: sip.ServerRequest, status: int, why: str, now: float) -> None:
        self._counts[f"refused: {why}"] += 1
        handle.respond(now, status)

    # Somebody new is called

    def _dial(self, referred: Referred, target: ReferTo, now: float) -> None:
        call, leg, entrance = referred.call, referred.leg, self._entrance
        party = call.parties[referred.side]
        zone = party.peer.zone
        try:
            dialled = read(target.uri, party.peer, entrance.plan.ourselves, entrance.plan.receptions.get(zone, ""))
        except UnreadableError:
            referred.report(404, now)
            return
        self._hide(call.id, dialled.pin)
        route = entrance.find(zone, party.peer, dialled)
        if isinstance(route, Refusal):
            referred.report(route.status, now)
            return
        queries = entrance.queries(route)
        if not queries:
            self._start(referred, route, {}, now)
        elif entrance.names.look_up(queries, lambda found, now: self._resume(referred, route, found, now), leg):
            call.refer(referred.side, now)
            self._watch(call)
        else:
            referred.report(503, now)

    def _resume(self, referred: Referred, route: Route, found: Found, now: float) -> None:
        """Go on with a REFER whose names have been looked up, also if its sender has hung up meanwhile."""
        call, leg = referred.call, referred.leg
        if self._calls.get(call.id) is not call or call.transfer or call.legs[referred.side] is not leg:
            referred.report(491, now)  # it ended, or another transfer began
            return
        call.referral = None
        self._start(referred, route, found, now)
        if call.transfer is None:
            call.end_referral(leg, "nobody could be called", now)

    def _start(self, referred: Referred, route: Route, found: Found, now: float) -> None:
        call, side = referred.call, referred.side
        places = self._entrance.places(route, found, now)
        ident = self._ids.call()
        stays = other_side(side)
        caller = _as_caller(call.legs[stays], call.parties[stays].known, referred.request)

        def session(_ident: CallId, party: Party, writer: Writer) -> Session:
            return self._session(call, side, party, writer)

        hunt = self._entrance.hunt(ident, call.parties[side].peer, route, places, caller, session)
        start = hunt.next(now)
        if start is None:
            referred.report(480 if hunt.refused is None else hunt.refused.status, now)
            return

        def over(came: bool) -> None:
            if came:
                self._entrance.over(call.counted)
                call.counted = ident
            else:
                self._entrance.over(ident)

        transfer = Transfer(call, side, start, referred.report, over)
        try:
            transfer.call_out(_referred_by(referred.leg, call.parties[side]), hunt.failed, now)
        except sip.SipError as error:
            transfer.abandon(call, now)
            referred.report(error.status, now)
        self._watch(call)

    def _session(self, call: Call, side: Side, party: Party, writer: Writer) -> Session:
        """Make the session of a newcomer with the side that stays."""
        parties: dict[Side, Party] = {**call.parties, side: party}
        return Session(call.id, self._desk, parties, {side: writer}, (call.session, other_side(side)))

    # Two calls become one

    def _attend(self, referred: Referred, replaces: Replaces, now: float) -> None:
        call, side = referred.call, referred.side
        leg = self._find(replaces)
        other = self._calls.get(leg.owner.id) if leg is not None and leg.owner is not None else None
        if leg is None or other is None or other is call or other.changes_hands or leg.owner is not other:
            referred.report(481, now)
            return
        left = other.side_of(leg)
        newcomer = other.beside(leg)
        if other.parties[left].peer.name != call.parties[side].peer.name:
            referred.report(403, now)  # it may refer to its own calls only
            return
        if newcomer is None or other.answered is None or not newcomer.can_reinvite or other.exchange.origin is not None:
            referred.report(486 if replaces.early_only else 491, now)
            return
        comes = other_side(left)
        session = self._session(call, side, other.parties[comes], other.session.writer(comes))
        start = Start(other.parties[comes], session, _nobody)
        transfer = Transfer(call, side, start, referred.report, lambda _came: None)
        other.transfer = transfer
        transfer.take(other, newcomer, now)
        self._watch(call)

    # A caller takes a place

    def replace(self, event: sip.IncomingInvite, caller: Caller, now: float) -> None:
        """Take an INVITE with Replaces (RFC 3891 3)."""
        leg, request, flow = event.leg, event.request, event.flow
        try:
            replaces = replaces_of(request)
        except sip.SipError as error:
            self._turn_away(leg, error.status, now)
            return
        found = self._find(replaces) if replaces is not None else None
        call = self._calls.get(found.owner.id) if found is not None and found.owner is not None else None
        if replaces is None or found is None or call is None or found.owner is not call:
            self._turn_away(leg, 481, now)
            return
        side = call.side_of(found)
        if call.parties[side].peer.name != caller.peer.name or not caller.peer.refer or caller.guest is not None:
            self._turn_away(leg, 403, now)
            return
        if call.answered is None or found.state != "up":
            self._turn_away(leg, 481, now)  # nobody answered it yet: it is not ours to give away
        elif replaces.early_only:
            self._turn_away(leg, 486, now)
        elif call.changes_hands:
            self._turn_away(leg, 491, now)
        elif not request.session:
            self._turn_away(leg, 488, now)
        else:
            party = Party(caller.peer, flow.remote[0], flow.transport, caller)
            writer = Writer(self._ids.session(), sdp.address(flow.sent_by[0]))
            start = Start(party, self._session(call, side, party, writer), _nobody)
            Transfer(call, side, start, _no_report, lambda _came: None).let_in(leg, request.session, now)
            self._watch(call)

    def _turn_away(self, leg: sip.Leg, status: int, now: float) -> None:
        self._counts["refused: replaces"] += 1
        leg.reject(now, status)

    def _find(self, replaces: Replaces) -> sip.Leg | None:
        """Find the dialog that a Replaces names; all of it has to fit."""
        leg = self._endpoint.leg(replaces.to_tag)
        if leg is None or leg.call_id != replaces.call_id or leg.ended or leg.dialog is None:
            return None
        return leg if leg.dialog.remote_tag == replaces.from_tag else None


def _nobody(now: float, headers: Fields, body: bytes) -> sip.Leg:  # noqa: ARG001 - it stands where others are called
    raise sip.StateError("a newcomer that is there already is not called")


def _no_report(_status: int, _now: float) -> None:
    """Tell nobody."""


def _notify(leg: sip.Leg, number: int) -> Report:
    """Tell the one who refers by NOTIFY, for which REFER it is by its CSeq (RFC 3515 2.4.6); the last one ends it."""

    def report(status: int, now: float) -> None:
        if leg.ended:
            return
        state = f"active;expires={SUBSCRIBED}" if status < 200 else "terminated;reason=noresource"
        headers = [("Event", f"refer;id={number}"), ("Subscription-State", state)]
        leg.request(now, "NOTIFY", headers, sipfrag(status), "message/sipfrag;version=2.0")

    return report


def _as_caller(leg: sip.Leg, known: Caller | None, request: sip.Request) -> sip.Request:
    """Give the request that the newcomer is called by: From is the side that stays, the hops those of the REFER.

    `known` is the name that side has proved: it counts more than what it calls itself.
    """
    dialog = leg.dialog
    from_ = dialog.remote if dialog is not None else request.get("from")
    index = {"from": [from_], "max-forwards": request.all("max-forwards") or ["70"]}
    made = sip.Request("INVITE", request.uri, "SIP/2.0", [], index, b"")
    made.caller = known
    return made


def _referred_by(leg: sip.Leg, party: Party) -> Fields:
    """Name who refers, with no address of theirs (RFC 3892 3): by the name that was proved, where there is one."""
    dialog = leg.dialog
    said = sip.parse_name_addr(dialog.remote).uri if dialog is not None else ""
    return [("Referred-By", f"<sip:{shown_as(party.known, said, party.peer.name)}@anonymous.invalid>")]
