"""One call: two legs, bridged. Side "a" is the caller's leg, "b" the callee's.

Theory of operation. Events of a leg become commands to the other one; bodies go through the session. An exchange is an
INVITE or re-INVITE of one side (`origin`) passed on to the other; only one is open at a time.

    caller's INVITE      -> identify, route (gateway.py) -> offer leased -> INVITE to the callee
    callee's 18x, 200    -> remote sides set             -> passed to the caller
    re-INVITE of a side  -> the same, the other way round where the callee asks
    no offer in INVITE   -> the other side's 200 offers, and the ACK answers

A re-INVITE that its side takes back, or that nobody answers in `MAX_RINGING`, is cancelled on the other side. Where the
other side's 2xx crosses that, the sides have different sessions: the old one is offered again to the side that
accepted. Where that cannot be (its 2xx was an offer, it has more m-lines now, it refuses), the call ends.

Whatever ends a call, `end` is the one way it ends: legs closed as their state asks, leases released, one record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from b2bua.call.answers import BESIDE, mapped
from b2bua.call.headers import fields_for
from b2bua.call.hunt import Hunt
from b2bua.call.media import Party
from b2bua.call.record import CallRecord
from b2bua.call.session import Session
from b2bua.call.start import Callee, Fields, Start
from b2bua.sip import Leg, Message, Request, Response, SipError
from b2bua.sip import events as sip
from vdx.control import CallInfo, LegInfo
from vdx.ids import CallId
from vdx.pinhole import Side

MAX_RINGING = 180.0
"""Seconds an INVITE or re-INVITE may go unanswered (RFC 3261 16.6 wants timer C above three minutes)."""

log = logging.getLogger(__name__)


class Call:
    """Two legs and what is between them."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a call is made of
        self,
        ident: CallId,
        leg: Leg,
        request: Request,
        parties: dict[Side, Party],
        session: Session,
        invite: Callee,
        ended: Callable[[Call, CallRecord], None],
        now: float,
    ) -> None:
        self.id = ident
        self.parties = parties
        self.session = session
        self.alias = ""
        self.began = now
        self.answered: float | None = None
        self.due: float | None = now + MAX_RINGING  # when the open exchange has gone unanswered for too long
        self._legs: dict[Side, Leg] = {"a": leg}
        self._request = request
        self._invite = invite
        self._ended = ended
        self._over = False
        self._asked = self._tried = now
        self._origin: Side | None = "a"
        self._withdrawn = False
        self._restoring = False
        self._offer_late = False
        self._described = False  # whether the caller has been given an early answer
        self.hunt: Hunt | None = None

    # The first exchange

    def begin(self, now: float) -> None:
        """Pass the caller's INVITE on."""
        request = self._request
        headers = fields_for(self.parties["b"].peer, request)
        if self.hunt is not None:
            self.due = self.hunt.patience(now, MAX_RINGING)
        if request.body and not request.session:
            self.end(now, 415, "gateway", f"INVITE with a body of type {request.content_type!r}")
        elif request.session:
            self.session.offer(
                "a", request.session, now, lambda body, now: self._call_out(now, headers, body), self._fail
            )
        else:
            self._call_out(now, headers, b"")

    def _call_out(self, now: float, headers: Fields, body: bytes) -> None:
        try:
            leg = self._invite(now, headers, body)
        except SipError as error:  # of the dialled user: all else is checked before
            self.end(now, error.status, "gateway", f"the INVITE cannot be written: {error}")
            return
        leg.owner = self
        self._legs["b"] = leg

    def on_provisional(self, event: sip.Provisional, now: float) -> None:
        """Pass ringing on, with early media where the callee has it."""
        response = event.response
        if not response.session or self._offer_is_late:
            self._ring(response, b"", now)
        else:
            self.session.answer(
                response.session,
                event.to_tag,
                now,
                lambda body, now: self._ring(response, body, now),
                self._fail,
                final=False,
            )

    def _ring(self, response: Response, body: bytes, now: float) -> None:
        if self.answered is None:
            self._described = self._described or bool(body)
            self._legs["a"].ring(now, response.status, headers=self._passing(response, "a"), body=body)

    @property
    def _offer_is_late(self) -> bool:
        return not self._request.session

    def on_answered(self, event: sip.Answered | sip.ReInviteAnswered, now: float) -> None:
        """Pass a 2xx on to the side that asked."""
        side = self._side(event.leg)
        response = event.response
        asker = _other(side)
        if self._withdrawn:
            self._accepted_in_vain(event, now)
            return
        self._offer_late = event.ack_owed
        if event.ack_owed:
            self.session.offer(
                side, response.session, now, lambda body, now: self._accept(asker, response, body, now), self._fail
            )
        else:
            tag = response.to.tag
            self.session.answer(
                response.session,
                tag,
                now,
                lambda body, now: self._accept(asker, response, body, now),
                self._fail,
                final=True,
            )

    def _accept(self, asker: Side, response: Response, body: bytes, now: float) -> None:
        self.due = None
        if self.answered is None:
            self.answered = now
        if self._withdrawn:
            # The asker took its re-INVITE back while the other side accepted: both have different sessions now.
            self.end(now, 500, "gateway", "a re-INVITE was withdrawn after the other side had accepted it")
            return
        self._legs[asker].answer(now, self._passing(response, asker), body)
        if not self._offer_late:
            self._origin = None

    def _accepted_in_vain(self, event: sip.Answered | sip.ReInviteAnswered, now: float) -> None:
        side, response = self._side(event.leg), event.response
        if self._restoring:
            self.session.answer(response.session, response.to.tag, now, self._restored, self._fail, final=True)
        elif event.ack_owed:
            self.end(
                now, 500, "gateway", "a re-INVITE was withdrawn after the other side had answered it with an offer"
            )
        else:
            self._restoring, self.due = True, now + MAX_RINGING
            leg = event.leg
            self.session.restore(_other(side), now, lambda body, now: leg.reinvite(now, body=body), self._fail)

    def _restored(self, _body: bytes, _now: float) -> None:
        self._origin, self.due = None, None
        self._withdrawn = self._restoring = False

    def on_confirmed(self, event: sip.Confirmed, now: float) -> None:
        """Pass the answer in an ACK on, where the 2xx offered."""
        if not self._offer_late:
            return
        other = _other(self._side(event.leg))
        tag = event.leg.id
        self.session.answer(
            event.request.session,
            tag,
            now,
            lambda body, now: self._acknowledge(other, body, now),
            self._fail,
            final=True,
        )

    def _acknowledge(self, side: Side, body: bytes, now: float) -> None:
        self._offer_late = False
        self._origin = None
        self._legs[side].ack(now, body=body)

    # Exchanges inside the call

    def on_reinvite(self, event: sip.ReInvite, now: float) -> None:
        """Pass a change of the session on."""
        side = self._side(event.leg)
        other = self._legs.get(_other(side))
        request = event.request
        if self._origin is not None or other is None or not other.can_reinvite:
            event.leg.reject(now, 491)
            return
        if request.body and not request.session:
            event.leg.reject(now, 415, headers=BESIDE[415])
            return
        self._origin, self._withdrawn = side, False
        self.due = now + MAX_RINGING
        if request.session:
            self.session.offer(
                side, request.session, now, lambda body, now: self._ask(other, body, now), self._refuse_change
            )
        else:
            other.reinvite(now)

    def _ask(self, other: Leg, body: bytes, now: float) -> None:
        if self._withdrawn:  # while its streams were opened
            self._refuse_change(487, "withdrawn", now)
        else:
            other.reinvite(now, body=body)

    def on_reinvite_retry(self, _event: sip.ReInviteRetry, now: float) -> None:
        """Give up a change that met the other side's own: the side that asked may try again."""
        if self._restoring:
            self.end(now, 500, "gateway", "both sides changed the session while the one before was restored")
            return
        self._refuse_change(491, "both sides changed the session at once", now)

    def on_reinvite_failed(self, event: sip.ReInviteFailed, now: float) -> None:
        """Tell the side that asked that nothing changes."""
        if self._restoring:
            self.end(now, 500, "gateway", f"the session before a withdrawn change was refused: {event.status}")
            return
        self._refuse_change(mapped(event.status), event.reason, now)

    def _refuse_change(self, status: int, _why: str, now: float) -> None:
        origin, self._origin = self._origin, None
        self.due = None
        self.session.drop()
        if origin and not self._withdrawn:
            self._legs[origin].reject(now, status)

    # Ends

    def on_redirected(self, event: sip.Redirected, now: float) -> None:
        """Refuse: a redirection is not followed."""
        self.end(now, mapped(event.response.status), "callee", f"redirected with {event.response.status}")

    def on_failed(self, event: sip.Failed, now: float) -> None:
        """Pass the callee's refusal on, or call elsewhere where it is not the last word."""
        if self.hunt is not None and not self._described:
            after = event.response.get("Retry-After") if event.response else ""
            start = self.hunt.failed(event.status, after, now)
            if start is not None:
                self._begin_anew(start, now)
                return
        self.end(now, mapped(event.status), "callee", f"{event.status} {event.reason}".strip())

    def on_cancelled(self, event: sip.Cancelled, now: float) -> None:
        """Stop calling, or take a re-INVITE back."""
        if event.initial:
            self.end(now, 487, "caller", "cancelled")
        else:
            self._withdraw(self._side(event.leg), now)

    def overdue(self, now: float) -> None:
        """Give the open exchange up: nobody is coming."""
        if self.answered is None and self.hunt is not None and now < self._tried + MAX_RINGING:
            self._lose_patience(self.hunt, now)
        elif self.answered is None:
            self.end(now, 408, "gateway", f"nobody answered in {MAX_RINGING:g} s")
        elif self._restoring:
            self.end(
                now, 500, "gateway", f"the session before a withdrawn change was not answered in {MAX_RINGING:g} s"
            )
        elif self._origin is not None and not self._withdrawn:
            self._legs[self._origin].reject(now, 504)  # 408 would end its dialog (RFC 3261 14.1)
            self._withdraw(self._origin, now)

    def _lose_patience(self, hunt: Hunt, now: float) -> None:
        """Call elsewhere where not even a 100 came; a place that is at work on it has its time."""
        leg = self._legs.get("b")
        start = None
        if leg is not None and not leg.proceeding and not self._described:
            start = hunt.failed(408, "", now)
        if start is None:
            self.due = self._tried + MAX_RINGING
        else:
            self._begin_anew(start, now)

    def _begin_anew(self, start: Start, now: float) -> None:
        """Leave the place that was called, and pass the caller's INVITE on to another one."""
        leg = self._legs.pop("b", None)
        if leg is not None:
            leg.owner = None
            leg.end(now)
        self.session.close()
        self.parties = {"a": self.parties["a"], "b": start.party}
        self.session, self._invite, self._tried = start.session, start.invite, now
        self.begin(now)

    def _withdraw(self, origin: Side, now: float) -> None:
        """Take the re-INVITE of a side back from the other one; the exchange stays open until that has answered."""
        self._withdrawn, self.due = True, None
        self._legs[_other(origin)].cancel_reinvite(now)

    def on_bye(self, event: sip.ByeReceived, now: float) -> None:
        """End the other leg too."""
        self.end(now, 480, _NAMES[self._side(event.leg)], "bye")

    def on_lost(self, event: sip.Lost, now: float) -> None:
        """End the other leg of a dialog that is gone."""
        self.end(now, 480, _NAMES[self._side(event.leg)], f"lost: {event.sentence}")

    def _fail(self, status: int, why: str, now: float) -> None:
        self.end(now, status, "gateway", why)

    def end(self, now: float, status: int, by: str, why: str, headers: Fields | None = None) -> None:
        """End the call: `status` is what a caller without an answer hears, `by` and `why` go into the record.

        `headers` go into what ends each leg.
        """
        if self._over:
            return
        self._over = True
        for leg in self._legs.values():
            try:
                leg.end(now, status, headers=[*BESIDE.get(status, ()), *(headers or ())])
            except Exception:  # whatever is wrong with one leg, the other one and the leases must go
                log.exception("leg.stuck: %r of call %s", leg, self.id)
            leg.owner = None  # a cycle would wait for the garbage collector
        self.session.close()
        names = [self.parties[side].peer.name for side in ("a", "b")]
        setup = self.answered - self.began if self.answered is not None else None
        duration = now - self.answered if self.answered is not None else None
        reported = 200 if self.answered is not None else status
        self._ended(self, CallRecord(self.id, names[0], names[1], self.alias, reported, by, why, setup, duration))

    def fall_silent(self, side: Side, now: float) -> None:
        """End a call of which one side is not heard any more, although it should be."""
        self.end(now, 480, "gateway", f"media of the {_NAMES[side]} fell silent: nothing came to any of its pinholes")

    def ask_ends(self, now: float, every: float) -> None:
        """Ask both ends whether they are there, at most once in `every` seconds; one that is not ends the call."""
        if self.answered is not None and now - max(self.answered, self._asked) >= every:
            self._asked = now
            for leg in self._legs.values():
                leg.request(now, "OPTIONS")

    # Views

    def beside(self, leg: Leg) -> Leg | None:
        """Give the other leg."""
        return self._legs.get(_other(self._side(leg)))

    def info(self, now: float) -> CallInfo:
        """Give the call as an operator reads it."""
        setup = self.answered - self.began if self.answered is not None else None
        legs = {side: self._leg_info(side) for side in self._legs}
        state = "up" if self.answered is not None else "setting up"
        return CallInfo(self.id, state, legs["a"], legs.get("b"), self.session.streams(), now - self.began, setup)

    def _leg_info(self, side: Side) -> LegInfo:
        leg, party = self._legs[side], self.parties[side]
        who = self._request.from_.uri if side == "a" else f"sip:{self.alias}"
        return LegInfo(party.peer.zone, party.peer.name, party.source, who, leg.state)

    def _side(self, leg: Leg) -> Side:
        return "a" if leg is self._legs["a"] else "b"

    def _passing(self, message: Message, side: Side) -> Fields:
        return fields_for(self.parties[side].peer, message)


def _other(side: Side) -> Side:
    return "b" if side == "a" else "a"


_NAMES: dict[Side, str] = {"a": "caller", "b": "callee"}
