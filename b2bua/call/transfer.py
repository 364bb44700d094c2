"""One transfer: somebody new takes the place of one side of a call that is up (RFC 3515, RFC 3891, RFC 5589).

Theory of operation. The side that stays and the one that comes get a session of their own; the call takes it over when
both have agreed to it, and until then nothing changes for anybody.

    calling     the newcomer is called without an offer; its progress is reported. One that has a dialog with us already
                (attended) is asked for an offer by re-INVITE; one that called us (INVITE with Replaces) has made it
    joining     the newcomer's offer -> streams leased -> re-INVITE to the side that stays -> its answer to the newcomer
    over        the call has the newcomer in the place of whoever left, whose leg ends with BYE

While it joins, the legs of both belong to the transfer. The side that refers may hang up meanwhile: then the call waits
for the newcomer, and ends where none comes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from b2bua.call.answers import mapped
from b2bua.call.changes import undo
from b2bua.call.sides import other_side
from b2bua.sip import SipError
from b2bua.sip import events as sip

if TYPE_CHECKING:
    from b2bua.call.call import Call
    from b2bua.call.start import Fields, Start
    from b2bua.sip import Leg
    from vdx.pinhole import Side

MAX_CALLING = 120.0
"""Seconds a newcomer may ring: somebody waits in silence."""

MAX_JOINING = 25.0
"""Seconds for two re-INVITEs that no person is asked about."""

Report = Callable[[int, float], None]
"""Tells whoever asked for the transfer how it goes: a SIP status, the time."""

Next = Callable[[int, float | None, float], "Start | None"]
"""Gives another place to call after a failure: its status, the seconds of its Retry-After, the time."""


class Transfer:
    """A newcomer on its way to `side` of `call`; `over` hears whether it came to stay."""

    def __init__(self, call: Call, side: Side, start: Start, report: Report, over: Callable[[bool], None]) -> None:
        self.id = call.id
        self.due: float | None = None
        self._call = call
        self._side: Side = side
        self._start = start
        self._report = report
        self._over = over
        self._next: Next = lambda _status, _after, _now: None
        self._headers: Fields = []
        self._leg: Leg | None = None
        self._from: Call | None = None
        self._joining = False
        self._done = False
        self._told = 100
        # who has been offered another session than that of its call, and has not refused it
        self._unsettled: list[Leg] = []

    # How it begins

    def call_out(self, headers: Fields, following: Next, now: float) -> None:
        """Call the newcomer; `following` gives other places where it cannot be had. Raises SipError."""
        self._headers, self._next = headers, following
        self.due = now + MAX_CALLING
        self._enter()
        self._invite(now)

    def _invite(self, now: float) -> None:
        leg = self._leg = self._start.invite(now, self._headers, b"")
        leg.owner = self

    def take(self, other: Call, leg: Leg, now: float) -> None:
        """Ask a leg of another call for an offer (attended transfer)."""
        self._from, self._leg = other, leg
        self.due = now + MAX_JOINING
        self._enter()
        leg.owner = self
        self._unsettled.append(leg)
        leg.reinvite(now)

    def let_in(self, leg: Leg, offer: bytes, now: float) -> None:
        """Join a newcomer that called us, with the offer it made."""
        self._leg = leg
        leg.owner = self
        self._enter()
        self._join(offer, now)

    def _enter(self) -> None:
        self._call.transfer = self

    @staticmethod
    def beside(_leg: Leg) -> Leg | None:
        """Give the leg that requests are passed on to: none, until both talk to each other."""
        return None

    # What the legs say

    def handle(self, event: sip.Event, now: float) -> None:
        """Take an event of a leg that belongs to the transfer."""
        if isinstance(event, sip.RequestReceived | sip.RequestAnswered | sip.IncomingInvite):
            return
        mine = event.leg is self._leg
        if isinstance(event, sip.Provisional):
            self._progress(event.response.status, now)
        elif isinstance(event, sip.Answered | sip.ReInviteAnswered):
            self._answered(event, now, mine=mine)
        elif isinstance(event, sip.Failed | sip.Redirected):
            self._refused(event, now)
        elif isinstance(event, sip.ReInviteFailed | sip.ReInviteRetry):
            self._unsettled = [leg for leg in self._unsettled if leg is not event.leg]
            self._fail(mapped(event.status) if isinstance(event, sip.ReInviteFailed) else 491, now)
        elif isinstance(event, sip.Offered):
            event.handle.respond(now, 500, headers=[("Retry-After", "2")])
        elif isinstance(event, sip.ReInvite):
            event.leg.reject(now, 491)
        elif isinstance(event, sip.ByeReceived | sip.Lost | sip.Cancelled):
            self._left(event, now, mine=mine)

    def _progress(self, status: int, now: float) -> None:
        """Report what is new: a phone that rings says so often, and every fork again."""
        if status != self._told:
            self._told = status
            self._report(status, now)

    def _answered(self, event: sip.Answered | sip.ReInviteAnswered, now: float, *, mine: bool) -> None:
        if not mine:
            self._call_joined(event, now)
        elif event.ack_owed:
            self._join(event.response.session, now)
        else:
            self._fail(488, now)  # it answered without the offer that it was asked for

    def _refused(self, event: sip.Failed | sip.Redirected, now: float) -> None:
        response = event.response
        status = event.status if isinstance(event, sip.Failed) else event.response.status
        start = self._next(status, response.retry_after if response else None, now)
        self._leg = None
        if start is None:
            self._fail(mapped(status), now)
            return
        self._start.session.close()
        self._start = start
        try:
            self._invite(now)
        except SipError as error:
            self._fail(error.status, now)

    def _left(self, event: sip.ByeReceived | sip.Lost | sip.Cancelled, now: float, *, mine: bool) -> None:
        if not mine:
            self._release(now, 487)
            self._call.hang_up(event, now)
            return
        other = self._from
        self._fail(480, now)
        if other is not None:
            other.hang_up(event, now)

    # Two sides become a call

    def _join(self, offer: bytes, now: float) -> None:
        call = self._call
        stays = call.legs[other_side(self._side)]
        if call.exchange.origin is not None or not stays.can_reinvite:
            self._fail(491, now)
            return
        self._joining = True
        self.due = now + MAX_JOINING
        stays.owner = self
        self._start.session.offer(
            self._side,
            offer,
            now,
            lambda body, now: self._ask(stays, body, now),
            lambda status, _why, now: self._fail(status, now),
        )

    def _ask(self, stays: Leg, body: bytes, now: float) -> None:
        if self._done:
            return
        if not stays.can_reinvite:
            self._fail(491, now)
            return
        self._unsettled.append(stays)
        stays.reinvite(now, body=body)

    def _call_joined(self, event: sip.Answered | sip.ReInviteAnswered, now: float) -> None:
        response = event.response
        self._start.session.answer(
            response.session,
            response.to.tag,
            now,
            self._complete,
            lambda status, _why, now: self._fail(status, now),
            final=True,
        )

    def _complete(self, body: bytes, now: float) -> None:
        call, leg = self._call, self._leg
        if leg is None or self._done:
            return
        self._done, self.due = True, None
        if leg.ack_owed:
            leg.ack(now, body=body)
        else:
            leg.answer(now, body=body)
        call.transfer = None
        if self._from is not None:
            self._from.give_up(leg)
        self._report(200, now)
        call.adopt(self._side, leg, self._start.party, self._start.session, now)
        if self._from is not None:
            self._from.end(now, 480, "gateway", f"transferred: joined to call {call.id}")
        self._over(True)

    # How it ends without success

    def overdue(self, now: float) -> None:
        """Give it up: nobody comes."""
        self._fail(408 if not self._joining else 504, now)

    def abandon(self, ended: Call, now: float) -> None:
        """Stop: one of its calls has ended. Where it is the one that was to be joined, the other goes on as it was."""
        if ended is self._from:
            self._unsettled = [leg for leg in self._unsettled if leg is not self._leg]  # that leg ends with its call
            self._fail(487, now)
        elif not self._done:
            self._release(now, 487)
            self._report(487, now)

    def outlives(self, call: Call, leg: Leg) -> bool:
        """Tell whether a leg may go, because this goes on: the one that is replaced, or that a newcomer leaves."""
        return call is self._from or leg is self._call.legs[self._side]

    def _fail(self, status: int, now: float) -> None:
        if self._done:
            return
        call, stays = self._call, self._call.legs[other_side(self._side)]
        self._release(now, status)
        self._report(status, now)
        if call.legs[self._side].ended:
            call.end(now, 480, "gateway", f"the transfer failed with {status}, and who asked for it is gone")
        elif stays in self._unsettled:
            undo(call, stays, now)  # it may have agreed to the session that comes to nothing

    def _release(self, now: float, status: int) -> None:
        """Let go of the newcomer and of what was leased for it."""
        if self._done:
            return
        self._done, self.due = True, None
        call, leg, other = self._call, self._leg, self._from
        call.transfer = None
        stays = call.legs[other_side(self._side)]
        if stays.owner is self:
            stays.owner = call
        if other is not None:
            other.transfer = None
        if leg is not None and other is not None and not leg.ended:
            leg.owner = other
            if leg.ack_owed:
                leg.ack(now, body=self._start.session.refusal(self._side))
            left = other.beside(leg)
            if left is None or left.ended:
                other.end(now, 480, "gateway", "the transfer failed, and who asked for it is gone")
            elif leg in self._unsettled:
                undo(other, leg, now)
        elif leg is not None:
            leg.owner = None
            leg.end(now, status)
        self._start.session.close()
        self._over(False)
