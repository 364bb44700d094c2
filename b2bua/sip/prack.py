"""PRACK, both ways (RFC 3262): ours for the peer's reliable responses, theirs for ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.sip.events import Acknowledged, Offered
from b2bua.sip.offer import OURS, STABLE, THEIRS, negotiate
from b2bua.sip.request import ServerRequest, refuse, send_in_dialog

if TYPE_CHECKING:
    from b2bua.sip.dialog import Dialog
    from b2bua.sip.leg import Leg
    from b2bua.sip.message import Request, Response
    from b2bua.sip.transaction import ServerTransaction


class Prack:
    """One PRACK of ours; `rack` is its whole RAck line."""

    __slots__ = ("_answers", "_dialog", "_leg", "_rack")

    def __init__(self, leg: Leg, dialog: Dialog, rack: str) -> None:
        self._leg = leg
        self._dialog = dialog
        self._rack = rack
        self._answers = False

    def send(self, body: bytes = b"", content_type: str = "application/sdp") -> None:
        """Send it; `body` is the answer where the response offered."""
        self._answers = bool(body)
        send_in_dialog(self._leg, self._dialog, "PRACK", self._rack, body, content_type, self)

    def on_response(self, response: Response) -> None:
        """Note that an answer of ours was refused: there is no session then."""
        if response.status >= 300:
            self.on_failure(response.status, "")

    def on_failure(self, status: int, _sentence: str) -> None:
        """Note that the peer did not take it; without an answer in it the INVITE goes on, whose end tells."""
        if self._answers and not self._leg.ended:
            self._leg.lose(status, f"PRACK with our answer met {status}")


def receive_prack(leg: Leg, transaction: ServerTransaction, request: Request) -> None:
    """Take a PRACK of the peer, whose RAck has been read before."""
    invite = leg.incoming
    if invite is None or not invite.acknowledge(request):
        refuse(transaction, 481)
        return
    events = leg.layer.events
    if leg.negotiation == OURS:  # our response offered
        negotiate(leg, "receive prack", request.session)
        refuse(transaction, 200)
        events.append(Acknowledged(leg, request))
    elif not request.session:
        refuse(transaction, 200)
    elif leg.negotiation == STABLE:
        leg.negotiation = THEIRS
        transaction.expect_answer()
        leg.offered = ServerRequest(leg.layer, transaction, request, leg)
        events.append(Offered(leg, request, leg.offered))
    else:
        refuse(transaction, 488)  # the offer before it has had no answer (RFC 6337 2.2)
    invite.go_on()
