"""One INVITE that we sent: provisional answers, forks, 2xx and their ACKs, CANCEL and its races (RFC 3261 9, 13).

An INVITE that is challenged (401, 407) or whose session interval is too small (422) goes out again, as another
transaction of the same call (RFC 3261 22.2, RFC 4028 7.4); its owner hears nothing of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from b2bua.sip import glare
from b2bua.sip.dialog import NO_FORKS, Dialog
from b2bua.sip.errors import HeaderError
from b2bua.sip.events import (
    Answered,
    Failed,
    Provisional,
    Redirected,
    ReInviteAnswered,
    ReInviteFailed,
)
from b2bua.sip.farewell import close, say_bye
from b2bua.sip.limits import MAX_FORKS, MAX_LENGTHENED
from b2bua.sip.login import Attempt
from b2bua.sip.offer import OURS, STABLE, negotiate
from b2bua.sip.prack import Prack
from b2bua.sip.reliable import sequence
from b2bua.sip.request import UNWATCHED
from b2bua.sip.session_timer import agreed, asked_lines
from b2bua.sip.states import UP
from b2bua.sip.transaction import ClientTransaction
from b2bua.sip.write import REASONS, Head, content, fields_text, request_head

if TYPE_CHECKING:
    from b2bua.sip.flow import Flow, Target
    from b2bua.sip.layer import Timer
    from b2bua.sip.leg import Leg
    from b2bua.sip.message import Fields, Response


_NO_SEQUENCES: Final[Mapping[str, int]] = MappingProxyType({})


class ClientInvite:
    """The transaction user of one INVITE, initial or inside the dialog.

    `lines` and `body` are what the owner gave it; `offered` whether it carries an offer; `max_forwards` its hops.
    """

    __slots__ = (
        *(
            "_abandon",
            "_acks",
            "_attempt",
            "_body",
            "_cancel_lines",
            "_cancel_sent",
            "_credentials",
            "_described",
            "_final",
            "_lengthened",
            "_lines",
        ),
        *("_max_forwards", "_provisional", "_sequences", "_type", "cancelled", "initial", "leg", "offered"),
        *("reliable", "transaction"),
    )

    def __init__(self, leg: Leg, head: Head, to: Flow | Target, *, initial: bool, reliable: bool = True) -> None:
        self.leg = leg
        self.initial = initial
        self.reliable = reliable
        self.offered = False
        self.transaction = ClientTransaction(leg.layer, "INVITE", head, to, self)
        self.cancelled = False
        self._cancel_lines = ""
        self._lines = ""
        self._body = b""
        self._type = ""
        self._max_forwards = 70
        self._credentials = ""
        self._attempt: Attempt | None = None
        self._lengthened = 0
        self._provisional = False
        self._cancel_sent = False
        self._final = False
        self._abandon: Timer | None = None
        self._acks: tuple[tuple[str, Flow | Target, bytes], ...] = ()  # sent, by To tag; hardly ever more than one
        self._sequences: Mapping[str, int] = _NO_SEQUENCES  # RSeq last taken, by To tag
        self._described: frozenset[str] = frozenset()  # To tags whose reliable response carried a description

    @property
    def is_settled(self) -> bool:
        """Whether a reliable response has settled the session (RFC 3262 5)."""
        return bool(self._described)

    # What we send

    def send(self, lines: str, body: bytes, content_type: str, max_forwards: int = 70) -> None:
        """Send the INVITE; `lines` are whole ones of the owner, Contact included."""
        self._lines, self._body, self._type, self._max_forwards = lines, body, content_type, max_forwards
        self.offered = bool(body)
        self._send()

    def _send(self) -> None:
        leg, head = self.leg, self.transaction.head
        layer = leg.layer
        login = leg.login
        self._credentials = fields_text(login.fields("INVITE", head.uri, self._body)) if login is not None else ""
        abilities = layer.abilities if self.reliable else layer.settings.abilities(reliable=False)
        timer = asked_lines(layer.settings, leg.timer.interval, leg.timer.least)
        rest = content(abilities + timer + self._credentials + self._lines, self._body, self._type)
        self.transaction.send(request_head("INVITE", head, self._max_forwards) + rest)

    def _send_again(self) -> None:
        """Send the same INVITE as a new transaction: next CSeq, new branch, no To tag where it had none."""
        leg, before = self.leg, self.transaction
        branch = leg.layer.ids.token()
        if leg.dialog is not None and not self.initial:
            head, to = leg.dialog.head(branch)
        else:
            head = before.head._replace(via=leg.who.via(branch), number=before.head.number + 1)
            to = before.to
        before.owner = UNWATCHED
        leg.forks = NO_FORKS
        self._sequences, self._described = _NO_SEQUENCES, frozenset()
        self._provisional = self._final = False
        self.transaction = ClientTransaction(leg.layer, "INVITE", head, to, self)
        self._send()

    @property
    def proceeding(self) -> bool:
        """Whether the peer has said anything yet, if only 100."""
        return self._provisional

    def cancel(self, headers: Fields = ()) -> None:
        """Take the INVITE back: CANCEL goes as soon as a provisional answer allows it (9.1), with these fields."""
        self._cancel_lines = self._cancel_lines or fields_text(headers)
        self.cancelled = True
        if not self._provisional or self._cancel_sent or self._final:
            return
        self._cancel_sent = True
        layer = self.leg.layer
        invite = self.transaction
        cancel = ClientTransaction(layer, "CANCEL", invite.head, invite.to, UNWATCHED)
        cancel.send(request_head("CANCEL", invite.head) + content(self._cancel_lines, b"", ""))
        self._abandon = layer.start(layer.settings.life, self, "abandon")

    def fire(self, _name: str) -> None:
        """64*T1 after the CANCEL: the INVITE counts as cancelled, whatever the peer thinks (9.1)."""
        self._abandon = None
        self.transaction.handle("abandon")
        if self.initial:
            self._leave()
        else:
            self._over(487, REASONS[487], None)

    # What comes back

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
        elif not self._tries_again(response):
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
        if response.status == 100 or leg.ended:
            return
        if response.status == 199:  # RFC 6228 4: a fork is over, and the call is not
            leg.forks = {other: dialog for other, dialog in leg.forks.items() if other != tag}
            return
        if self.initial and tag and tag not in leg.forks:
            if len(leg.forks) >= MAX_FORKS:
                return
            leg.forks = {**leg.forks, tag: self._dialog(response)}
        try:
            number = sequence(response)
        except HeaderError:
            return
        if number and not self._in_order(tag, number):
            return
        if number and self._offers_too(response, tag):
            say_bye(leg, leg.forks[tag])
            return
        owed = bool(number) and self._acknowledge(response, tag, number)
        leg.allow(response)
        if self.initial:
            leg.layer.events.append(Provisional(leg, response, tag, reliable=number > 0, prack_owed=owed))

    def _in_order(self, tag: str, number: int) -> bool:
        """Whether a reliable response is the next one of its dialog (RFC 3262 4); others are not acknowledged."""
        before = self._sequences.get(tag)
        if not tag or (before is not None and number != before + 1):
            return False
        self._sequences = {**self._sequences, tag: number}
        return True

    def _offers_too(self, response: Response, tag: str) -> bool:
        """Whether a second fork offers where the first one did: one call has one session."""
        return bool(response.session and not self.offered and self._described - {tag} and tag in self.leg.forks)

    def _acknowledge(self, response: Response, tag: str, number: int) -> bool:
        """Send the PRACK; True where the response offers, and the owner has to give the answer first."""
        leg = self.leg
        dialog = leg.forks.get(tag) or leg.dialog
        if dialog is None:
            return False
        prack = Prack(leg, dialog, f"RAck: {number} {self.transaction.head.number} INVITE\r\n")
        if response.session and not self.offered and not self._described:
            self._described |= {tag}
            negotiate(leg, "receive reliable", response.session)
            leg.prack_owed = prack
            return True
        if response.session:
            self._described |= {tag}
            if leg.negotiation == OURS:  # the answer of another fork is one as well, and no offer
                negotiate(leg, "receive reliable", response.session)
        prack.send()
        return False

    def _dialog(self, response: Response) -> Dialog:
        dialog = Dialog.from_response(self.leg.who, self.transaction.head, response, response.flow)
        dialog.local_seq = self.transaction.head.number
        return dialog

    def _on_success(self, response: Response) -> None:
        leg = self.leg
        tag = response.to.tag
        sent = next((sent for sent in self._acks if sent[0] == tag), None)
        if sent is not None:  # 13.2.2.4: every retransmission of the 2xx gets the same ACK
            leg.layer.send(sent[1], sent[2])
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
        leg.dialog, leg.forks, leg.state = dialog, NO_FORKS, UP  # the fork that answered first
        leg.layer.standing.note_leg(leg)
        owed = self._settled(response, tag)
        leg.layer.events.append(Answered(leg, response, tag, owed))
        if not owed:
            self.ack()

    def _settled(self, response: Response, tag: str) -> bool:
        """Take what a 2xx brings; True where its body is an offer that the ACK answers."""
        leg = self.leg
        leg.allow(response)
        interval = agreed(response)
        leg.timer.begin(leg, interval, ours=interval is not None and interval.refresher != "uas")
        self._lines, self._body = "", b""
        if self.offered or tag in self._described:
            return negotiate(leg, "receive 2xx", b"")  # an answer, or one that was given before
        return negotiate(leg, "receive 2xx", response.session)

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
        owed = self._settled(response, response.to.tag)
        leg.layer.events.append(ReInviteAnswered(leg, response, owed))
        if not owed:
            self.ack()

    def ack(self, headers: Fields = (), body: bytes = b"", content_type: str = "") -> None:
        """Acknowledge the 2xx of the leg's dialog (13.2.2.4) and keep the ACK for its retransmissions."""
        dialog = self.leg.dialog
        if dialog is None:
            return
        self._send_ack(dialog, content(self._credentials + fields_text(headers), body, content_type))
        self._leave()

    def _send_ack(self, dialog: Dialog, rest: bytes) -> None:
        layer = self.leg.layer
        head, to = dialog.head(layer.ids.token(), self.transaction.head.number)
        data = request_head("ACK", head) + rest
        self._acks += ((dialog.remote_tag, to, data),)
        layer.send(to, data)

    def _discard(self, response: Response) -> None:
        """Send ACK and BYE for a 2xx nobody wants: of a second fork, or after CANCEL (13.2.2.4, 9.1)."""
        dialog = self._dialog(response)
        self._send_ack(dialog, content(self._credentials, b"", ""))
        say_bye(self.leg, dialog)
        if self.leg.dialog is None:
            self._leave()

    # Refusals

    def _tries_again(self, response: Response) -> bool:
        """Log in, or take the longer session interval that the peer asks for, and send the INVITE again."""
        leg = self.leg
        if leg.ended or self.cancelled:
            return False
        again = response.status == 422 and self._lengthened < MAX_LENGTHENED and leg.timer.lengthen(response)
        self._lengthened += again
        if not again and leg.login is not None:
            self._attempt = self._attempt or Attempt()
            again = leg.login.challenged(response, self._attempt)
        if again:
            self._send_again()
        return again

    def _on_refusal(self, response: Response) -> None:
        leg = self.leg
        status = response.status
        if self.initial:
            if 300 <= status < 400 and not leg.ended and not self.cancelled:
                self._end_negotiation()
                leg.layer.events.append(Redirected(leg, response, tuple(response.contacts)))
                close(leg)
                return
        elif status == 491 and not leg.ended:
            self._end_negotiation()
            glare.wait(leg)
            return
        self._over(status, response.reason, response)
        if not self.initial and status in {408, 481}:
            leg.lose(status, f"re-INVITE met {status}")

    def _leave(self) -> None:
        """Leave the leg, with the final answer and its ACK: it may send another INVITE."""
        if self.leg.outgoing is self:
            self.leg.outgoing = None

    def _end_negotiation(self) -> None:
        self._lines, self._body = "", b""
        self.leg.negotiation = STABLE
        self._leave()

    def _over(self, status: int, reason: str, response: Response | None) -> None:
        leg = self.leg
        tell = not leg.ended and not (self.initial and self.cancelled)  # a cancelled re-INVITE leaves a call that waits
        self._end_negotiation()
        if self.initial:
            close(leg)
            if tell:
                leg.layer.events.append(Failed(leg, status, reason, response))
        elif tell:
            leg.layer.events.append(ReInviteFailed(leg, status, reason, response))
