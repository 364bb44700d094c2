"""One call: two legs, bridged. Side "a" is the caller's leg, "b" the callee's.

Theory of operation. Events of a leg become commands to the other one; bodies go through the session. What follows the
first exchange stands in `changes.py`.

    caller's INVITE      -> identify, route (entrance.py) -> offer leased -> INVITE to the callee
    callee's 18x, 200    -> remote sides set             -> passed to the caller
    no offer in INVITE   -> the other side's 200, or its reliable 18x, offers; the ACK, or PRACK, answers

Each leg has its own reliability (RFC 3262): an early answer that the callee had confirmed is confirmed by the caller
where it can; then the first exchange is over, and the 200 carries nothing more. Otherwise it is a preview.

Whatever ends a call, `end` is the one way it ends: legs closed as their state asks, leases released, one record.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from b2bua.call import changes
from b2bua.call.answers import BESIDE, mapped, progress, retry_after
from b2bua.call.bridging import BRIDGED, UNBRIDGED
from b2bua.call.exchange import NOTHING, ByInvite, Exchange
from b2bua.call.headers import fields_for, reasons
from b2bua.call.hunt import Hunt
from b2bua.call.media import Party
from b2bua.call.record import CallRecord
from b2bua.call.session import Session
from b2bua.call.sides import NAMES, other_side
from b2bua.call.start import Callee, Fields, Start
from b2bua.sip import Leg, Message, Request, Response, SipError, parse_name_addr
from b2bua.sip import events as sip
from vdx.control import CallInfo, LegInfo
from vdx.ids import CallId
from vdx.pinhole import Side

if TYPE_CHECKING:
    from b2bua.call.bridging import Bridging
    from b2bua.call.redirects import Redirects
    from b2bua.call.transfer import Transfer

MAX_RINGING = 180.0
"""Seconds an INVITE or re-INVITE may go unanswered (RFC 3261 16.6 wants timer C above three minutes)."""

MAX_LOOKING_UP = 5.0
"""Seconds until a REFER whose sender hung up has come to nothing: names are looked up for four at most."""

log = logging.getLogger(__name__)


class Referral(NamedTuple):
    """A REFER whose names are being looked up: the leg of its sender, who may hang up meanwhile, and until when."""

    leg: Leg
    due: float


class Call:
    """Two legs and what is between them."""

    __slots__ = (
        *("_asked", "_described", "_due", "_ended", "_expires", "_invite", "_offer_is_late", "_over", "_request"),
        *("_tried", "_unbridged", "alias", "answered", "began", "bridging", "counted", "exchange", "half", "hunt"),
        *("id", "legs", "parties", "redirects", "referral", "room", "session", "transfer"),
    )

    def __init__(  # noqa: PLR0913, PLR0917 - what a call is made of
        self,
        ident: CallId,
        leg: Leg,
        request: Request,
        parties: dict[Side, Party],
        session: Session,
        invite: Callee,
        ended: Callable[[Call, CallRecord, tuple[str, ...]], None],
        now: float,
    ) -> None:
        self.id = ident
        self.parties = parties
        self.session = session
        self.alias = ""
        self.room = ""  # the uuid of the room that the bus tells of
        self.began = now
        self.answered: float | None = None
        self.transfer: Transfer | None = None
        self.referral: Referral | None = None
        self.counted = ident  # the name under which limits know it: another one after a transfer
        self._expires = now + request.expires if request.expires else math.inf  # by the caller's word
        self._due: float | None = min(now + MAX_RINGING, self._expires)
        self.legs: dict[Side, Leg] = {"a": leg}
        self.exchange = Exchange(asker=ByInvite(leg))
        self._request: Request | None = request  # until the call is answered, as what is called by
        self._offer_is_late = not request.session
        self._invite: Callee | None = invite
        self._ended = ended
        self._over = False
        self._asked = self._tried = now
        self._unbridged = ""  # what is to be said beside a refusal that no mixing server could mend
        self._described = False  # whether the caller has been given an early answer
        self.hunt: Hunt | None = None
        self.redirects: Redirects | None = None
        self.bridging: Bridging | None = None
        self.half: CallId | None = None  # of a bridged call: its other half, itself as long as there is none

    @property
    def due(self) -> float | None:
        """When what is open has gone unanswered for too long: the exchange, a referral, the newcomer of a transfer."""
        due = self._due
        for other in (self.referral, self.transfer):
            if other is not None and other.due is not None and (due is None or other.due < due):
                due = other.due
        return due

    @due.setter
    def due(self, due: float | None) -> None:
        self._due = due if due is None else min(due, self._expires)

    # The first exchange

    def begin(self, now: float) -> None:
        """Pass the caller's INVITE on."""
        request = self._request
        if request is None:
            return
        headers = fields_for(self.parties["b"].peer, request)
        if self.hunt is not None:
            self.due = self.hunt.patience(now, MAX_RINGING)
        if request.is_strange:
            self.end(now, 415, "gateway", f"INVITE with a body of type {request.content_type!r}")
        elif request.session:
            self.session.offer(
                "a", request.session, now, lambda body, now: self._call_out(now, headers, body), self.fail
            )
        else:
            self._call_out(now, headers, b"")

    def _call_out(self, now: float, headers: Fields, body: bytes) -> None:
        if self._invite is None:
            return
        try:
            leg = self._invite(now, headers, body)
        except SipError as error:  # of the dialled user: all else is checked before
            self.end(now, error.status, "gateway", f"the INVITE cannot be written: {error}")
            return
        leg.owner = self
        self.legs["b"] = leg

    def on_provisional(self, event: sip.Provisional, now: float) -> None:
        """Pass ringing on, with early media where the callee has it."""
        response, exchange = event.response, self.exchange
        if event.prack_owed:
            exchange.late, exchange.forks = True, {event.to_tag: b""}
            self.session.offer("b", response.session, now, lambda body, now: self._ring(response, body, now), self.fail)
        elif not response.session or self._offer_is_late or exchange.settled:
            if response.session and event.to_tag != exchange.settled:
                exchange.forks = {**exchange.forks, event.to_tag: response.session}
            self._ring(response, b"", now)
        else:
            final = event.reliable and self.legs["a"].takes_reliable

            def ring(body: bytes, now: float) -> None:
                self._ring(response, body, now)
                if final:
                    self._settle(event.to_tag)

            self.session.answer(response.session, event.to_tag, now, ring, self.fail, final=final)

    def _ring(self, response: Response, body: bytes, now: float) -> None:
        if self.answered is None:
            self._described = self._described or bool(body)
            self.legs["a"].ring(now, progress(response.status), headers=self._passing(response, "a"), body=body)

    def _settle(self, tag: str) -> None:
        """Note that both sides have confirmed an early answer: the session can be changed from now on."""
        self.exchange.close()
        self.exchange.settled, self.exchange.forks = tag, NOTHING

    def on_acknowledged(self, event: sip.Acknowledged, now: float) -> None:
        """Pass the caller's answer to an early offer on, in the PRACK that the callee waits for."""

        def acknowledge(body: bytes, now: float) -> None:
            leg = self.legs["b"]
            leg.prack(now, body)
            self._settle(next(iter(self.exchange.forks), ""))

        self.session.answer(event.request.session, event.leg.id, now, acknowledge, self.fail, final=True)

    def on_answered(self, event: sip.Answered, now: float) -> None:
        """Pass the callee's 2xx on."""
        exchange, tag = self.exchange, event.to_tag
        if not exchange.settled:
            self.pass_answer(event.leg, event.response, now, late=event.ack_owed)
        elif event.ack_owed:
            self.end(now, 500, "gateway", "one fork offered early, and another one in its 2xx")
        else:
            if tag != exchange.settled:
                exchange.realign = event.response.session or exchange.forks.get(tag, b"")
            exchange.forks = NOTHING
            self.due = None
            self._pick_up(now)
            self.session.lift_off(now)
            self.legs["a"].answer(now, self._passing(event.response, "a"))

    def _pick_up(self, now: float) -> None:
        """Note the answer; thousands of held calls need not know how they began, or where else they might have gone."""
        self.answered, self._expires = now, math.inf
        if self.hunt is not None:
            self.hunt.answered()
        self._request = self._invite = self.hunt = self.redirects = self.bridging = None

    def pass_answer(self, leg: Leg, response: Response, now: float, *, late: bool) -> None:
        """Give the description in the 2xx of a leg to the side that asked; `late` if it is the offer."""
        side = self.side_of(leg)
        asker = other_side(side)
        self.exchange.late = late

        def accept(body: bytes, now: float) -> None:
            self._accept(asker, response, body, now)

        if late:
            self.session.offer(side, response.session, now, accept, self.fail)
        else:
            self.session.answer(response.session, response.to.tag, now, accept, self.fail, final=True)

    def _accept(self, asker: Side, response: Response, body: bytes, now: float) -> None:
        exchange = self.exchange
        if self.answered is None and not exchange.settled:
            self._pick_up(now)
        if self.answered is not None:
            self.due = None
        if exchange.withdrawn:
            # The asker took its re-INVITE back while the other side accepted: both have different sessions now.
            self.end(now, 500, "gateway", "a re-INVITE was withdrawn after the other side had accepted it")
            return
        if exchange.asker is not None:
            exchange.asker.accept(now, self._passing(response, asker), body)
        if not exchange.late:
            exchange.close()

    # Ends

    def on_redirected(self, event: sip.Redirected, now: float) -> None:
        """Follow a redirection where the peer's profile says so; else it is a refusal."""
        status = event.response.status
        if self.redirects is None or self._described or not self.parties["b"].peer.redirects:
            self.end(now, mapped(status), "callee", f"redirected with {status}")
            return

        def lead_on(hunt: Hunt | None, now: float) -> None:
            start = hunt.next(now) if hunt is not None and not self._over else None
            if start is None:
                self.end(now, mapped(status), "callee", f"redirected with {status} to where nobody may be called")
            else:
                self.hunt = hunt
                self._begin_anew(start, now)

        self.redirects.follow(event.contacts, lead_on, now)

    def on_failed(self, event: sip.Failed, now: float) -> None:
        """Pass the callee's refusal on, or call elsewhere where it is not the last word."""
        if self.hunt is not None and not self._described:
            start = self.hunt.failed(event.status, event.response.retry_after if event.response else None, now)
            if start is not None:
                self._begin_anew(start, now)
                return
        if not self._bridge(event.status, now):
            why = f"{event.status} {event.reason}".strip()
            self.end(now, mapped(event.status), "callee", why, retry_after(event.response))

    def _bridge(self, status: int, now: float) -> bool:
        """Have a mixing server bring ends together that refuse each other's descriptions; tells whether it is asked."""
        if self.bridging is None or status not in BRIDGED or self.answered is not None or self._described:
            return False
        hunt, self.bridging = self.bridging.hunt(now), None
        start = hunt.next(now) if hunt is not None else None
        if start is None:
            self._unbridged = f"; {UNBRIDGED}"
            return False
        self.hunt, self.half = hunt, self.id
        self.exchange = Exchange(asker=ByInvite(self.legs["a"]))
        self._begin_anew(start, now)
        return True

    def on_cancelled(self, event: sip.Cancelled, now: float) -> None:
        """Stop calling, or take a re-INVITE back."""
        if event.initial:
            self.end(now, 487, "caller", "cancelled", reasons(event.request))
        else:
            changes.withdraw(self, self.side_of(event.leg), now)

    def overdue(self, now: float) -> None:
        """Give up what is open: nobody is coming."""
        if self.transfer is not None and self.transfer.due is not None and self.transfer.due <= now:
            self.transfer.overdue(now)
            return
        if self.referral is not None and self.referral.due <= now:
            self.end_referral(self.referral.leg, "its names were not found in time", now)
            return
        if self._expires <= now:
            self.end(now, 487, "caller", "the invitation expired, by its own Expires")
        elif self.answered is None and self.hunt is not None and now < self._tried + MAX_RINGING:
            self._lose_patience(self.hunt, now)
        elif self.answered is None:
            self.end(now, 408, "gateway", f"nobody answered in {MAX_RINGING:g} s")
        else:
            changes.overdue(self, now)

    def _lose_patience(self, hunt: Hunt, now: float) -> None:
        """Call elsewhere where not even a 100 came; a place that is at work on it has its time."""
        leg = self.legs.get("b")
        start = None
        if leg is not None and not leg.proceeding and not self._described:
            start = hunt.failed(408, None, now)
        if start is None:
            self.due = self._tried + MAX_RINGING
        else:
            self._begin_anew(start, now)

    def _begin_anew(self, start: Start, now: float) -> None:
        """Leave the place that was called, and pass the caller's INVITE on to another one."""
        leg = self.legs.pop("b", None)
        if leg is not None:
            leg.owner = None
            leg.end(now)
        self.session.close()
        self.parties = start.session.parties
        self.session, self._invite, self._tried = start.session, start.invite, now
        self.begin(now)

    def hang_up(self, event: sip.ByeReceived | sip.Lost | sip.Cancelled, now: float) -> None:
        """End the other leg of a dialog that is gone, unless somebody is on the way to take its place."""
        if self.transfer is not None and self.transfer.outlives(self, event.leg):
            return
        if self.referral is not None and event.leg is self.referral.leg:
            return
        why, headers = (
            ("bye", reasons(event.request)) if not isinstance(event, sip.Lost) else (f"lost: {event.sentence}", None)
        )
        self.end(now, 480, NAMES[self.side_of(event.leg)], why, headers)

    # Transfers

    @property
    def changes_hands(self) -> bool:
        """Whether somebody is on the way to take the place of a side, or being looked for."""
        return self.transfer is not None or self.referral is not None

    def adopt(self, side: Side, leg: Leg, party: Party, session: Session, now: float) -> None:
        """Put a newcomer in the place of a side, whose leg ends, with the session that both have agreed to."""
        before, self.legs = self.legs[side], {**self.legs, side: leg}
        before.owner = None
        for mine in self.legs.values():
            mine.owner = self
        self.parties = {**self.parties, side: party}
        self.session.close()
        self.session, self.exchange, self.due = session, Exchange(origin=None), None
        before.end(now)

    def refer(self, side: Side, now: float) -> None:
        """Note that names are being looked up for a REFER of a side, which may hang up now."""
        self.referral = Referral(self.legs[side], now + MAX_LOOKING_UP)

    def end_referral(self, leg: Leg, why: str, now: float) -> None:
        """Note that a REFER came to nothing: if its sender has hung up, the call is over."""
        self.referral = None
        if leg.ended:
            self.end(now, 480, "gateway", f"the transfer failed: {why}, and who asked for it is gone")

    def give_up(self, leg: Leg) -> None:
        """Leave a leg to another call; this one is about to end."""
        self.transfer = None
        self.legs = {side: mine for side, mine in self.legs.items() if mine is not leg}

    def fail(self, status: int, why: str, now: float) -> None:
        """End the call for what was wrong with a description, or its streams."""
        if not self._bridge(status, now):
            self.end(now, status, "gateway", why)

    def end(self, now: float, status: int, by: str, why: str, headers: Fields | None = None) -> None:
        """End the call: `status` is what a caller without an answer hears, `by` and `why` go into the record.

        `headers` go into what ends each leg.
        """
        if self._over:
            return
        self._over = True
        if self.transfer is not None:
            self.transfer.abandon(self, now)
        for leg in self.legs.values():
            try:
                leg.end(now, status, headers=[*BESIDE.get(status, ()), *(headers or ())])
            except Exception:  # whatever is wrong with one leg, the other one and the leases must go
                log.exception("leg.stuck: %r of call %s", leg, self.id)
            leg.owner = None  # a cycle would wait for the garbage collector
        leases = self.session.end()
        names = [self.parties[side].peer.name for side in ("a", "b")]
        setup = self.answered - self.began if self.answered is not None else None
        duration = now - self.answered if self.answered is not None else None
        reported = 200 if self.answered is not None else status
        why += self._unbridged if self.answered is None else ""
        record = CallRecord(self.id, names[0], names[1], self.alias, reported, by, why, setup, duration, half=self.half)
        self._ended(self, record, leases)

    def fall_silent(self, side: Side, now: float) -> None:
        """End a call of which one side is not heard any more, although it should be.

        Before the answer nobody has to speak, and a transfer has its own time.
        """
        if self.answered is None or self.transfer is not None:
            return
        self.end(now, 480, "gateway", f"media of the {NAMES[side]} fell silent: nothing came to any of its pinholes")

    def ask_ends(self, now: float, every: float) -> None:
        """Ask both ends whether they are there, at most once in `every` seconds; one that is not ends the call."""
        if self.answered is not None and now - max(self.answered, self._asked) >= every:
            self._asked = now
            for leg in self.legs.values():
                leg.request(now, "OPTIONS")

    # Views

    def beside(self, leg: Leg) -> Leg | None:
        """Give the other leg."""
        return self.legs.get(other_side(self.side_of(leg)))

    def info(self, now: float) -> CallInfo:
        """Give the call as an operator reads it."""
        setup = self.answered - self.began if self.answered is not None else None
        legs = {side: self._leg_info(side) for side in self.legs}
        state = "up" if self.answered is not None else "setting up"
        return CallInfo(self.id, state, legs["a"], legs.get("b"), self.session.streams(), now - self.began, setup)

    def _leg_info(self, side: Side) -> LegInfo:
        leg, party = self.legs[side], self.parties[side]
        who = f"sip:{self.alias}"
        if party.known is not None and party.known.name:
            who = f"sip:{party.known.name}"
        elif side == "a" and leg.dialog is not None:
            who = parse_name_addr(leg.dialog.remote).uri
        return LegInfo(party.peer.zone, party.peer.name, party.source, who, leg.state)

    def side_of(self, leg: Leg) -> Side:
        """Tell which side a leg is."""
        return "a" if leg is self.legs["a"] else "b"

    def _passing(self, message: Message, side: Side) -> Fields:
        return fields_for(self.parties[side].peer, message)
