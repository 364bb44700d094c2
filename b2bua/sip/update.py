"""UPDATE, both ways (RFC 3311): a change of the session before or after the answer, or a refresh of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.sip.events import Offered, RefreshDue, ReInviteAnswered, ReInviteFailed
from b2bua.sip.limits import MAX_LENGTHENED
from b2bua.sip.offer import OURS, STABLE, THEIRS, negotiate
from b2bua.sip.request import ServerRequest, refuse, send_in_dialog
from b2bua.sip.session_timer import agreed, asked_lines
from b2bua.sip.states import CALLED, CALLING, UP
from b2bua.sip.write import REASONS

if TYPE_CHECKING:
    from b2bua.sip.dialog import Dialog
    from b2bua.sip.leg import Leg
    from b2bua.sip.message import Request, Response
    from b2bua.sip.transaction import ServerTransaction

_UNKNOWN = frozenset({405, 501})


def retry_after(leg: Leg) -> str:
    """Write when a peer that asked too early may ask again: up to ten seconds (RFC 3261 14.2, RFC 3311 5.2)."""
    return f"Retry-After: {int(leg.layer.ids.fraction() * 10)}\r\n"


def receive_update(leg: Leg, transaction: ServerTransaction, request: Request) -> None:
    """Take an UPDATE of the peer (5.2)."""
    if leg.offered is not None:
        refuse(transaction, 500, retry_after(leg))  # the one before it is not answered
        return
    handle = ServerRequest(leg.layer, transaction, request, leg)
    leg.allow(request)
    if not request.session and not request.is_strange:
        handle.respond(leg.layer.now, 200)
    elif leg.negotiation != STABLE:
        refuse(transaction, 491 if leg.negotiation == OURS else 500, retry_after(leg))
    elif not request.session:
        refuse(transaction, 415, "Accept: application/sdp\r\n")
    else:
        leg.negotiation = THEIRS
        leg.offered = handle
        transaction.expect_answer()
        leg.layer.events.append(Offered(leg, request, handle))


def may_update(leg: Leg) -> bool:
    """Tell whether an offer may go in an UPDATE now (5.1); `Leg.can_update` says when that is."""
    if "UPDATE" not in leg.allows or leg.negotiation != STABLE or leg.updating or leg.offered:
        return False
    if leg.state == CALLED:
        return leg.incoming is not None and leg.incoming.described and not leg.incoming.in_doubt
    if leg.state == CALLING:
        return leg.outgoing is not None and leg.outgoing.is_settled and leg.one_dialog is not None
    return leg.state == UP and leg.outgoing is None and leg.incoming is None


def refresh(leg: Leg) -> None:
    """Refresh the session of a leg (RFC 4028 7.4)."""
    if leg.state != UP or leg.dialog is None or leg.updating is not None:
        return
    if "UPDATE" in leg.allows:
        ClientUpdate(leg).send(leg.dialog, "")
    elif leg.can_reinvite:
        leg.layer.events.append(RefreshDue(leg))


class ClientUpdate:
    """One UPDATE of ours: with an offer, or a refresh whose success nobody is told of.

    One whose session interval is too small (422) goes out again (RFC 4028 7.4); its owner hears nothing of that.
    """

    __slots__ = ("_leg", "_lengthened", "_offers", "_said")

    def __init__(self, leg: Leg) -> None:
        self._leg = leg
        self._offers = False
        self._lengthened = 0
        self._said: tuple[str, bytes, str] = ("", b"", "")

    def send(self, dialog: Dialog, lines: str, body: bytes = b"", content_type: str = "") -> None:
        """Send it; `lines` are whole ones of the owner."""
        leg = self._leg
        layer = leg.layer
        self._said = lines, body, content_type
        self._offers = bool(body)
        leg.updating = self
        if body:
            negotiate(leg, "send update", body)
        timer = asked_lines(layer.settings, leg.timer.interval, leg.timer.least)
        lines = f"Contact: {leg.who.contact}\r\n{layer.abilities}{timer}{lines}"
        send_in_dialog(leg, dialog, "UPDATE", lines, body, content_type, self)

    def on_response(self, response: Response) -> None:
        """Take the answer."""
        status = response.status
        if status < 200:
            return
        if status >= 300:
            self._fail(status, response.reason, response)
            return
        leg = self._leg
        self._over()
        if leg.ended:
            return
        dialog = leg.one_dialog
        if dialog is not None:
            dialog.refresh(response)
        leg.allow(response)
        if leg.dialog is not None and leg.state == UP:
            interval = agreed(response)
            leg.timer.begin(leg, interval, ours=interval is not None and interval.refresher != "uas")
        if self._offers:
            leg.layer.events.append(ReInviteAnswered(leg, response, ack_owed=False))

    def on_failure(self, status: int, _sentence: str) -> None:
        """Take the end without an answer."""
        self._fail(status, REASONS[status], None)

    def _is_lengthened(self, response: Response | None) -> bool:
        """Take the longer session interval that the peer asks for; False where it asks for none."""
        if response is None or response.status != 422 or self._lengthened == MAX_LENGTHENED:
            return False
        self._lengthened += 1
        return self._leg.timer.lengthen(response)

    def _over(self) -> None:
        leg = self._leg
        if leg.updating is self:
            leg.updating = None
        if self._offers:
            leg.negotiation = STABLE

    def _fail(self, status: int, reason: str, response: Response | None) -> None:
        leg = self._leg
        self._over()
        if leg.ended:
            return
        if status in _UNKNOWN:
            leg.allows -= {"UPDATE"}
        dialog = leg.one_dialog
        if dialog is not None and self._is_lengthened(response):
            self.send(dialog, *self._said)
        elif self._offers:
            leg.layer.events.append(ReInviteFailed(leg, status, reason, response))
        elif status in _UNKNOWN:
            leg.refresh()
        if status in {408, 481} and leg.dialog is not None:
            leg.lose(status, f"UPDATE met {status}")
