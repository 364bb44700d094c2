"""Changes of the session inside a call: one side asks, the other answers, and what happens where that goes wrong.

Theory of operation. A re-INVITE, or an offer in UPDATE or PRACK, of one side (`origin`) is passed on to the other, by
UPDATE where it came so and the other side takes one, else by re-INVITE; only one is open at a time.

A re-INVITE that its side takes back, or that nobody answers in time, is cancelled on the other side. Where the other
side's 2xx crosses that, the sides have different sessions: the old one is offered again to the side that accepted.
Where that cannot be (its 2xx was an offer, it has more m-lines now, it refuses), the call ends.

A session timer that cannot refresh by UPDATE offers its leg the session once more; the other side hears nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.call.answers import BESIDE, mapped, retry_after
from b2bua.call.exchange import Asker, ByInvite, ByRequest, put
from b2bua.call.sides import other_side
from b2bua.sip import RefreshDue

if TYPE_CHECKING:
    from b2bua.call.call import Call
    from b2bua.sip import Fields, Leg
    from b2bua.sip import events as sip
    from vdx.pinhole import Side

MAX_CHANGE = 180.0
"""Seconds a re-INVITE may go unanswered: somebody may have to agree to it (RFC 3261 16.6 wants timer C that long)."""

MAX_UPDATE = 20.0
"""Seconds the other side has for what came by UPDATE, whose sender waits for 32 (RFC 3311 5.2 wants it prompt)."""

LATER = [("Retry-After", "2")]
"""When a change that met another one may be asked for again: a change is over in less."""

_PASSED = {408: 500, 481: 500, 491: 491}
"""Refusals of a change that are told otherwise than those of a call: two would end a dialog, one says to try again."""


# What one side asks


def on_reinvite(call: Call, event: sip.ReInvite, now: float) -> None:
    """Pass a change of the session on."""
    request = event.request
    side = call.side_of(event.leg)
    other = call.legs.get(other_side(side))
    if call.exchange.origin is None and call.session.is_repeated(side, request.session):
        call.exchange.begin(side, ByInvite(event.leg))
        call.session.refresh(
            side,
            now,
            lambda body, now: _accept_again(call, body, now),
            lambda status, _why, now: refuse(call, status, now),
        )
        return
    if call.exchange.origin is not None or other is None or not other.can_reinvite:
        event.leg.reject(now, 491)
        return
    if request.is_strange:
        event.leg.reject(now, 415, headers=BESIDE[415])
        return
    call.exchange.begin(side, ByInvite(event.leg))
    call.due = now + MAX_CHANGE
    if request.session:
        _offer(call, side, other, request.session, now, by_update=False)
    else:
        other.reinvite(now)


def _accept_again(call: Call, body: bytes, now: float) -> None:
    """Answer a side that has said the session once more, as its timer asks (RFC 4028 7.4): each leg has its own."""
    asker = call.exchange.asker
    call.exchange.close()
    if asker is not None:
        asker.accept(now, (), body)


def on_offered(call: Call, event: sip.Offered, now: float) -> None:
    """Pass an offer in UPDATE or PRACK on, also before the call is answered where both sides take UPDATE then."""
    side = call.side_of(event.leg)
    other = call.legs.get(other_side(side))
    asker = ByRequest(event.handle)
    if call.exchange.origin is not None or other is None or not (other.can_update or other.can_reinvite):
        asker.refuse(now, 500, LATER)
        return
    call.exchange.begin(side, asker)
    if call.answered is not None:
        call.due = now + MAX_UPDATE
    _offer(call, side, other, event.request.session, now, by_update=True)


def _offer(call: Call, side: Side, other: Leg, body: bytes, now: float, *, by_update: bool) -> None:
    def ask(written: bytes, now: float) -> None:
        if call.exchange.withdrawn:  # while its streams were opened
            refuse(call, 487, now)
        elif not put(other, written, now, by_update=by_update):
            refuse(call, 491, now)

    call.session.offer(side, body, now, ask, lambda status, _why, now: refuse(call, status, now))


# What the other one says


def on_answered(call: Call, event: sip.ReInviteAnswered, now: float) -> None:
    """Pass a 2xx on to the side that asked."""
    if call.exchange.withdrawn:
        _accepted_in_vain(call, event, now)
    else:
        call.pass_answer(event.leg, event.response, now, late=event.ack_owed)


def on_confirmed(call: Call, event: sip.Confirmed, now: float) -> None:
    """Pass the answer in an ACK on, where the 2xx offered."""
    exchange = call.exchange
    if not exchange.late:
        if event.initial and exchange.realign:
            _realign(call, now)
        return
    other = call.legs[other_side(call.side_of(event.leg))]

    def acknowledge(body: bytes, now: float) -> None:
        exchange.close()
        other.ack(now, body=body)

    call.session.answer(event.request.session, event.leg.id, now, acknowledge, call.fail, final=True)


def on_retry(call: Call, _event: sip.ReInviteRetry, now: float) -> None:
    """Give up a change that met the other side's own: the side that asked may try again."""
    if call.exchange.refreshing:
        _give_up_refresh(call)
    elif call.exchange.restoring:
        call.end(now, 500, "gateway", "both sides changed the session while the one before was restored")
    else:
        refuse(call, 491, now)


def on_failed(call: Call, event: sip.ReInviteFailed, now: float) -> None:
    """Tell the side that asked that nothing changes."""
    if call.exchange.refreshing:
        _give_up_refresh(call)
    elif call.exchange.restoring:
        call.end(now, 500, "gateway", f"the session before a withdrawn change was refused: {event.status}")
    else:
        refuse(call, _PASSED.get(event.status) or mapped(event.status), now, retry_after(event.response))


def refuse(call: Call, status: int, now: float, headers: Fields = ()) -> None:
    """End the open change: nothing changes."""
    exchange = call.exchange
    asker: Asker | None = None if exchange.withdrawn else exchange.asker
    exchange.close()
    _rest(call)
    call.session.drop()
    if asker is not None:
        asker.refuse(now, status, LATER if status == 491 else [*BESIDE.get(status, ()), *headers])


def _rest(call: Call) -> None:
    if call.answered is not None:  # else somebody is still to answer the call
        call.due = None


# Changes taken back


def withdraw(call: Call, origin: Side, now: float) -> None:
    """Take the re-INVITE of a side back from the other one; the exchange stays open until that has answered."""
    call.exchange.withdrawn, call.due = True, None
    call.legs[other_side(origin)].cancel_reinvite(now)


def overdue(call: Call, now: float) -> None:
    """Give the open change up: nobody is coming."""
    exchange = call.exchange
    if exchange.refreshing:
        _give_up_refresh(call)
    elif exchange.restoring:
        call.end(now, 500, "gateway", f"the session before a withdrawn change was not answered in {MAX_CHANGE:g} s")
    elif exchange.origin is not None and not exchange.withdrawn and exchange.asker is not None:
        exchange.asker.refuse(now, 504)  # 408 would end its dialog (RFC 3261 14.1)
        withdraw(call, exchange.origin, now)


def _accepted_in_vain(call: Call, event: sip.ReInviteAnswered, now: float) -> None:
    leg, response, exchange = event.leg, event.response, call.exchange
    if exchange.restoring:

        def restored(_body: bytes, _now: float) -> None:
            exchange.close()
            call.due = None

        call.session.answer(response.session, response.to.tag, now, restored, call.fail, final=True)
    elif event.ack_owed:
        call.end(now, 500, "gateway", "a re-INVITE was withdrawn after the other side had answered it with an offer")
    else:
        exchange.restoring, call.due = True, now + MAX_CHANGE
        side = other_side(call.side_of(leg))
        call.session.restore(side, now, lambda body, now: _offer_again(call, leg, body, now), call.fail)


def undo(call: Call, leg: Leg, now: float) -> None:
    """Give a leg back the session of the call, after an offer for another one that came to nothing."""
    if call.answered is None or leg.ended:
        return
    if leg.can_reinvite:
        on_refresh_due(call, RefreshDue(leg), now)
    elif leg.outgoing is not None:  # it may still accept: see _accepted_in_vain
        side = other_side(call.side_of(leg))
        call.exchange.begin(side, None)
        withdraw(call, side, now)


# What nobody asked for


def on_refresh_due(call: Call, event: sip.RefreshDue, now: float) -> None:
    """Offer a leg the session once more (RFC 4028 7.4); where something is open the timer asks again."""
    exchange, leg = call.exchange, event.leg
    if exchange.origin is not None or call.answered is None:
        return
    side = other_side(call.side_of(leg))
    exchange.begin(side, None)
    exchange.withdrawn = exchange.restoring = exchange.refreshing = True
    call.due = now + MAX_CHANGE
    call.session.repeat(
        side,
        now,
        lambda body, now: _offer_again(call, leg, body, now),
        lambda _status, _why, _now: _give_up_refresh(call),
    )


def _give_up_refresh(call: Call) -> None:
    """Leave the session as it was; the timer tries again, or ends the leg."""
    call.exchange.close()
    call.due = None
    call.session.drop()


def _realign(call: Call, now: float) -> None:
    """Offer the caller what the callee that took the call has said: another fork had answered early."""
    exchange, leg = call.exchange, call.legs["a"]
    body, exchange.realign = exchange.realign, b""
    exchange.begin("b", None)
    exchange.withdrawn = exchange.restoring = True
    call.due = now + MAX_CHANGE
    call.session.offer("b", body, now, lambda body, now: _offer_again(call, leg, body, now), call.fail)


def _offer_again(call: Call, leg: Leg, body: bytes, now: float) -> None:
    """Offer a leg what it has not asked for, unless it began something itself while streams were opened for it."""
    if leg.can_reinvite:
        leg.reinvite(now, body=body)
    elif call.exchange.refreshing:
        _give_up_refresh(call)
    else:
        call.fail(500, "a side changed the session while the one before was restored", now)
