"""One INVITE that we sent: provisional answers, forks, 2xx and their ACKs, CANCEL and its races (RFC 3261 9, 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.sip.dialog import Dialog
from b2bua.sip.events import (
    Answered,
    Failed,
    Provisional,
    Redirected,
    ReInviteAnswered,
    ReInviteFailed,
)
from b2bua.sip.limits import MAX_FORKS
from b2bua.sip.offer import STABLE
from b2bua.sip.request import UNWATCHED
from b2bua.sip.transaction import ClientTransaction
from b2bua.sip.write import REASONS, Head, content, fields_text, request_head

if TYPE_CHECKING:
    from b2bua.sip.flow import Flow, Target
    from b2bua.sip.layer import Timer
    from b2bua.sip.leg import Leg
    from b2bua.sip.message import Fields, Response


class ClientInvite:
    """The transaction user of one INVITE, initial or inside the dialog."""

    __slots__ = (
        *("_abandon", "_acks", "_cancel_sent", "_final", "_provisional", "cancelled", "initial", "leg", "transaction"),
    )

    def __init__(self, leg: Leg, head: Head, to: Flow | Target, *, initial: bool) -> None:
        self.leg = leg
        self.initial = initial
        self.transaction = ClientTransaction(leg.layer, "INVITE", head, to, self)
        self.cancelled = False
        self._provisional = False
        self._cancel_sent = False
        self._final = False
        self._abandon: Timer | None = None
        self._acks: dict[str, tuple[Flow | Target, bytes]] = {}

    def cancel(self) -> None:
        """Take the INVITE back: CANCEL goes as soon as a provisional answer allows it (9.1)."""
        self.cancelled = True
        if not self._provisional or self._cancel_sent or self._final:
            return
        self._cancel_sent = True
        layer = self.leg.layer
        invite = self.transaction
        cancel = ClientTransaction(layer, "CANCEL", invite.head, invite.to, UNWATCHED)
        cancel.send(request_head("CANCEL", invite.head) + content("", b"", ""))
        self._abandon = layer.start(layer.settings.life, self, "abandon")

    def fire(self, _name: str) -> None:
        """64*T1 after the CANCEL: the INVITE counts as cancelled, whatever the peer thinks (9.1)."""
        self._abandon = None
        self.transaction.handle("abandon")
        if self.initial:
            self.leg.invite_over(self)
        else:
            self._over(487, REASONS[487], None)

    def on_response(self, response: Response) -> None:
        """Take a response to the INVITE."""
        if response.status < 200:
            self._on_provisional(response)
            return
        self._final = True
        if self._abandon is not None:
            self._abandon.cancel()
            self._abandon = None
        if response.status < 300:
            self._on_success(response)
        else:
            self._on_refusal(response)

    def on_failure(self, status: int, sentence: str) -> None:
        """Take the end without an answer."""
        if self._abandon is not None:
            self._abandon.cancel()
        self._over(status, REASONS[status], None)
        if not self.initial and status == 408:
            self.leg.lose(status, f"re-INVITE: {sentence}")

    def _on_provisional(self, response: Response) -> None:
        self._provisional = True
        if self.cancelled:
            self.cancel()
            return
        leg = self.leg
        tag = response.to.tag
        if response.status == 100 or not self.initial:
            return
        if tag and tag not in leg.forks:
            if len(leg.forks) >= MAX_FORKS:
                return
            leg.forks[tag] = self._dialog(response)
        leg.layer.events.append(Provisional(leg, response, tag))

    def _dialog(self, response: Response) -> Dialog:
        dialog = Dialog.from_response(self.leg.who, self.transaction.head, response, response.flow)
        dialog.local_seq = self.transaction.head.number
        return dialog

    def _on_success(self, response: Response) -> None:
        leg = self.leg
        tag = response.to.tag
        sent = self._acks.get(tag)
        if sent is not None:  # 13.2.2.4: every retransmission of the 2xx gets the same ACK
            leg.layer.send(*sent)
        elif not self.initial:
            self._on_new_session(response)
        elif not leg.ended and leg.dialog is None:
            self._on_answer(response, tag)
        elif leg.ended or (leg.dialog is not None and leg.dialog.remote_tag != tag):
            self._discard(response)

    def _on_answer(self, response: Response, tag: str) -> None:
        leg = self.leg
        dialog = leg.forks.get(tag) or self._dialog(response)
        dialog.to = response.flow
        dialog.update(response)
        leg.confirm(dialog)
        owed = leg.negotiate("receive 2xx", response.session)
        leg.layer.events.append(Answered(leg, response, tag, owed))
        if not owed:
            self.ack()

    def _on_new_session(self, response: Response) -> None:
        leg = self.leg
        if leg.dialog is None:
            return
        if self is not leg.outgoing:  # ended meanwhile: the peer still needs its ACK
            self.ack()
            return
        if leg.ack_owed:
            return
        leg.dialog.refresh(response)
        owed = leg.negotiate("receive 2xx", response.session)
        leg.layer.events.append(ReInviteAnswered(leg, response, owed))
        if not owed:
            self.ack()

    def ack(self, headers: Fields = (), body: bytes = b"", content_type: str = "") -> None:
        """Acknowledge the 2xx of the leg's dialog (13.2.2.4) and keep the ACK for its retransmissions."""
        dialog = self.leg.dialog
        if dialog is None:
            return
        self._send_ack(dialog, content(fields_text(headers), body, content_type))
        self.leg.invite_over(self)

    def _send_ack(self, dialog: Dialog, rest: bytes) -> None:
        layer = self.leg.layer
        head, to = dialog.head(layer.ids.token(), self.transaction.head.number)
        data = request_head("ACK", head) + rest
        self._acks[dialog.remote_tag] = (to, data)
        layer.send(to, data)

    def _discard(self, response: Response) -> None:
        """Send ACK and BYE for a 2xx nobody wants: of a second fork, or after CANCEL (13.2.2.4, 9.1)."""
        dialog = self._dialog(response)
        self._send_ack(dialog, content("", b"", ""))
        self.leg.send_bye(dialog)
        if self.leg.dialog is None:
            self.leg.invite_over(self)

    def _on_refusal(self, response: Response) -> None:
        leg = self.leg
        status = response.status
        if self.initial:
            if 300 <= status < 400 and not leg.ended and not self.cancelled:
                self._end_negotiation()
                leg.layer.events.append(Redirected(leg, response, tuple(response.contacts)))
                leg.close()
                return
        elif status == 491 and not leg.ended:
            self._end_negotiation()
            leg.wait_glare()
            return
        self._over(status, response.reason, response)
        if not self.initial and status in {408, 481}:
            leg.lose(status, f"re-INVITE met {status}")

    def _end_negotiation(self) -> None:
        self.leg.negotiation = STABLE
        self.leg.invite_over(self)

    def _over(self, status: int, reason: str, response: Response | None) -> None:
        leg = self.leg
        tell = not leg.ended and not (self.initial and self.cancelled)  # a cancelled re-INVITE leaves a call that waits
        self._end_negotiation()
        if self.initial:
            leg.close()
            if tell:
                leg.layer.events.append(Failed(leg, status, reason, response))
        elif tell:
            leg.layer.events.append(ReInviteFailed(leg, status, reason, response))
