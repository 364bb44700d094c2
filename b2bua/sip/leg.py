"""A leg: one dialog with one peer, from its INVITE to its end (RFC 3261 12 to 15).

States: `calling` (we invited), `called` (they did), `answered` (our 2xx waits for its ACK), `up`, `ended`. Commands on
an ended leg do nothing: the event that tells of its end is on its way to the owner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from b2bua.sip.errors import StateError
from b2bua.sip.events import ByeReceived, Lost, ReInvite, ReInviteRetry, RequestReceived
from b2bua.sip.invite_client import ClientInvite
from b2bua.sip.invite_server import ServerInvite
from b2bua.sip.offer import OFFER_ANSWER, OURS, STABLE, THEIRS
from b2bua.sip.request import UNWATCHED, ClientRequest, ServerRequest
from b2bua.sip.transaction import ClientTransaction
from b2bua.sip.write import content, fields_text, request_head, status_line

if TYPE_CHECKING:
    from b2bua.sip.dialog import Dialog, Local
    from b2bua.sip.flow import Flow
    from b2bua.sip.layer import Layer, Timer
    from b2bua.sip.message import Fields, Request, Response
    from b2bua.sip.transaction import ClientOwner, ServerTransaction

CALLING, CALLED, ANSWERED, UP, ENDED = "calling", "called", "answered", "up", "ended"

# RFC 3261 14.1: seconds to wait after 491, for the owner of the Call-ID and for the other side
_GLARE_OWNER = (2.1, 4.0)
_GLARE_OTHER = (0.0, 2.0)


class Leg:
    """One side of a call. `id` is our tag; `owner` is a place for whoever bridges the leg."""

    __slots__ = (
        *("_bye_due", "_glare", "ack_owed", "called", "call_id", "dialog", "forks", "id", "incoming"),
        *("layer", "negotiation", "outgoing", "owner", "state", "who", "zone"),
    )

    def __init__(self, layer: Layer, zone: str, who: Local, call_id: str, tag: str) -> None:
        self.layer = layer
        self.zone = zone
        self.who = who
        self.call_id = call_id
        self.id = tag
        self.owner: Any = None
        self.state = CALLING
        self.called = False
        self.dialog: Dialog | None = None
        self.forks: dict[str, Dialog] = {}
        self.outgoing: ClientInvite | None = None
        self.incoming: ServerInvite | None = None
        self.negotiation = STABLE
        self.ack_owed = False
        self._bye_due: Fields | None = None
        self._glare: Timer | None = None

    def __repr__(self) -> str:
        return f"<Leg {self.id} {self.zone} {self.state}>"

    @property
    def ended(self) -> bool:
        """Whether the leg is over."""
        return self.state == ENDED

    # What the owner asks for: answers to the peer's INVITE

    def ring(
        self,
        now: float,
        status: int = 180,
        reason: str = "",
        headers: Fields = (),
        body: bytes = b"",
        content_type: str = "application/sdp",
    ) -> None:
        """Send 101 to 199, with a body an early answer. Raises StateError, InjectionError."""
        self._respond(now, (101, 199), status, reason, headers, body, content_type)

    def answer(
        self,
        now: float,
        headers: Fields = (),
        body: bytes = b"",
        content_type: str = "application/sdp",
        status: int = 200,
        reason: str = "",
    ) -> None:
        """Accept the INVITE or re-INVITE: `body` is the answer, or the offer if the INVITE had none.

        Raises StateError, also if an offer gets no answer; InjectionError.
        """
        if self.negotiation == THEIRS and not body:
            raise StateError("the peer's offer needs an answer")
        self._respond(now, (200, 299), status, reason, headers, body, content_type)

    def reject(
        self, now: float, status: int, reason: str = "", headers: Fields = (), body: bytes = b"", content_type: str = ""
    ) -> None:
        """Refuse the INVITE, which ends the leg, or the re-INVITE, which does not. Raises like `answer`."""
        self._respond(now, (300, 699), status, reason, headers, body, content_type)

    def _respond(
        self,
        now: float,
        allowed: tuple[int, int],
        status: int,
        reason: str,
        headers: Fields,
        body: bytes,
        content_type: str,
    ) -> None:
        self.layer.now = now
        if self.state == ENDED:
            return
        invite = self.incoming
        if invite is None:
            if self.state == UP:
                return  # the peer cancelled its re-INVITE; the event is on its way
            raise StateError("there is no INVITE to answer on this leg")
        if invite.answered or not allowed[0] <= status <= allowed[1]:
            raise StateError(f"{status} cannot be sent in this state")
        invite.respond(status, reason, fields_text(headers), body, content_type)
        if status >= 300:
            self.negotiation = STABLE
            self.incoming = None
            if invite.initial:
                self.close()
        elif status >= 200:
            self.negotiate("send 2xx", body)
            if invite.initial:
                self.state = ANSWERED

    # What the owner asks for: our own requests

    def ack(self, now: float, headers: Fields = (), body: bytes = b"", content_type: str = "application/sdp") -> None:
        """Send the ACK that an event with `ack_owed` asked for; `body` is the answer. Raises StateError."""
        self.layer.now = now
        if self.state == ENDED:
            return
        if not self.ack_owed or self.outgoing is None:
            raise StateError("no ACK is owed on this leg")
        self.ack_owed = False
        self.negotiation = STABLE
        self.outgoing.ack(headers, body, content_type)

    def cancel(self, now: float) -> None:
        """Take our INVITE back; the leg is over for the owner. Raises StateError if it was answered."""
        self.layer.now = now
        if self.state == ENDED:
            return
        if self.state != CALLING or self.outgoing is None:
            raise StateError("there is no INVITE of ours to cancel on this leg")
        self.close()

    def bye(self, now: float, headers: Fields = ()) -> None:
        """End the call; the leg is over for the owner. Before the peer's ACK the BYE waits for it (RFC 3261 15).

        Raises StateError if the call was not answered, InjectionError.
        """
        self.layer.now = now
        if self.state == ENDED:
            return
        if self.dialog is None or self.state not in {ANSWERED, UP}:
            raise StateError("a call that is not answered has no BYE")
        if self.state == ANSWERED and self.incoming is not None:
            fields_text(headers)  # refused now rather than when the ACK arrives
            self._bye_due = headers
            self.state = ENDED
            return
        if self.ack_owed and self.outgoing is not None:
            self.ack_owed = False
            self.outgoing.ack()
        self._farewell(self.dialog, headers)

    def end(self, now: float, status: int = 480, reason: str = "", headers: Fields = ()) -> None:
        """End the leg whatever its state: refuse with `status`, CANCEL or BYE. Never raises for the state."""
        if self.state == CALLED:
            self.reject(now, status, reason, headers)
        elif self.state == CALLING:
            self.cancel(now)
        elif self.state != ENDED:
            self.bye(now, headers)

    @property
    def can_reinvite(self) -> bool:
        """Whether no INVITE is under way in either direction (14.1)."""
        return self.state == UP and self.outgoing is None and self.incoming is None and self._glare is None

    def reinvite(
        self, now: float, headers: Fields = (), body: bytes = b"", content_type: str = "application/sdp"
    ) -> None:
        """Offer a changed session; without a body ask the peer for an offer. Raises StateError, InjectionError."""
        self.layer.now = now
        if self.state == ENDED:
            return
        if self.dialog is None or not self.can_reinvite:
            raise StateError("another INVITE is under way on this leg")
        rest = content(f"Contact: {self.who.contact}\r\n{fields_text(headers)}", body, content_type)
        head, to = self.dialog.head(self.layer.ids.token())
        self.outgoing = ClientInvite(self, head, to, initial=False)
        self.negotiate("send invite", body)
        self.outgoing.transaction.send(request_head("INVITE", head) + rest)

    def cancel_reinvite(self, now: float) -> None:
        """Take our re-INVITE back; the call goes on. ReInviteFailed tells when it is over.

        ReInviteAnswered comes instead where the peer accepted before it heard of it (9.1). Without a re-INVITE under
        way nothing happens.
        """
        self.layer.now = now
        if self.state == UP and self.outgoing is not None:
            self.outgoing.cancel()

    def request(
        self, now: float, method: str, headers: Fields = (), body: bytes = b"", content_type: str = "application/sdp"
    ) -> ClientRequest:
        """Send any other request in the dialog; RequestAnswered tells of its answer, 481 at once if the leg has ended.

        Raises StateError, InjectionError.
        """
        self.layer.now = now
        handle = ClientRequest(self.layer, method, self)
        if self.state == ENDED:
            handle.refuse(481)
            return handle
        dialog = self.dialog or next(iter(self.forks.values()), None)
        if dialog is None or method in {"INVITE", "ACK", "CANCEL"}:
            raise StateError(f"{method} cannot be sent on this leg in this state")
        lines = fields_text(headers)
        if method in {"UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"}:
            lines = f"Contact: {self.who.contact}\r\n{lines}"
        head, to = dialog.head(self.layer.ids.token())
        transaction = ClientTransaction(self.layer, method, head, to, handle)
        transaction.send(request_head(method, head) + content(lines, body, content_type))
        return handle

    # What the peer does

    def on_request(self, transaction: ServerTransaction, request: Request, flow: Flow) -> None:
        """Take a request inside the dialog, ACK and CANCEL excepted."""
        dialog = self._dialog_of(request)
        if dialog is None or (self.state == ENDED and request.method != "BYE"):
            self._refuse(transaction, 481)
            return
        if self.state == ENDED and self._bye_due is None:  # both hung up at once: RFC 5407 3.3
            self._refuse(transaction, 200)
            return
        number = request.cseq.number
        if number < dialog.remote_seq:
            self._refuse(transaction, 500)  # 12.2.2: out of order
            return
        dialog.remote_seq = number
        dialog.to = flow
        if request.method == "BYE":
            self._on_bye(transaction, request)
        elif request.method == "INVITE":
            self._on_reinvite(transaction, request)
        elif request.method == "UPDATE" and request.body and self.negotiation != STABLE:
            self._refuse(transaction, 491 if self.negotiation == OURS else 500, self._retry_after())  # RFC 3311 5.2
        else:
            handle = ServerRequest(self.layer, transaction, request, self)
            transaction.expect_answer()
            self.layer.events.append(RequestReceived(handle, request, flow, self))

    def on_ack(self, request: Request) -> None:
        """Take an ACK to a 2xx."""
        if self.incoming is not None and self._dialog_of(request) is not None:
            self.incoming.on_ack(request)

    def _dialog_of(self, request: Request) -> Dialog | None:
        if request.call_id != self.call_id:
            return None
        tag = request.from_.tag
        if self.dialog is not None:
            return self.dialog if self.dialog.remote_tag == tag else None
        return self.forks.get(tag)

    def _retry_after(self) -> str:
        return f"Retry-After: {int(self.layer.ids.fraction() * 10)}\r\n"

    def _refuse(self, transaction: ServerTransaction, status: int, extra: str = "") -> None:
        transaction.send(status, (status_line(status, "") + transaction.lines).encode() + content(extra, b"", ""))

    def _on_bye(self, transaction: ServerTransaction, request: Request) -> None:
        self._refuse(transaction, 200)
        told = self.state == ENDED
        self.close()
        if not told:
            self.layer.events.append(ByeReceived(self, request))

    def _on_reinvite(self, transaction: ServerTransaction, request: Request) -> None:
        if self.state != UP or self.incoming is not None:
            self._refuse(transaction, 500, self._retry_after())  # 14.2: the one before is not finished
        elif self.outgoing is not None:
            self._refuse(transaction, 491)
        else:
            self.incoming = transaction.owner = ServerInvite(self, transaction, request, initial=False)
            self.negotiate("receive invite", request.session)
            self.layer.events.append(ReInvite(self, request))

    # What the INVITEs of this leg report

    def negotiate(self, message: str, session: bytes) -> bool:
        """Note a session description in an INVITE, a 2xx or an ACK; True if an ACK with an answer is now owed."""
        if session:
            self.negotiation = OFFER_ANSWER.get((self.negotiation, message), self.negotiation)
        self.ack_owed = message == "receive 2xx" and self.negotiation == THEIRS
        if message == "receive 2xx" and not self.ack_owed:
            self.negotiation = STABLE  # an answer, or none at all: the ACK ends the exchange
        return self.ack_owed

    def confirm(self, dialog: Dialog) -> None:
        """Note which fork answered first."""
        self.dialog = dialog
        self.forks = {}
        self.state = UP

    def invite_over(self, invite: ClientInvite) -> None:
        """Note that our INVITE got its final answer and its ACK."""
        if self.outgoing is invite:
            self.outgoing = None

    def acknowledged(self, invite: ServerInvite) -> None:
        """Note the ACK to our 2xx; a BYE that waited for it goes out."""
        self.incoming = None
        if invite.initial and self.state == ANSWERED:
            self.state = UP
        self._send_due_bye()

    def ack_missing(self, invite: ServerInvite) -> None:
        """64*T1 without an ACK: the session is to be ended (13.3.1.4)."""
        if self.incoming is invite:
            self.incoming = None
        if self._bye_due is not None:
            self._send_due_bye()
        else:
            self.lose(408, "the peer never acknowledged the answer")

    def _send_due_bye(self) -> None:
        if self._bye_due is not None and self.dialog is not None:
            headers, self._bye_due = self._bye_due, None
            self._farewell(self.dialog, headers)

    def lose(self, status: int, sentence: str) -> None:
        """End a dialog that the peer seems to have lost; BYE in case it has not (12.2.1.2)."""
        if self.state == ENDED:
            return
        if self.dialog is None:
            self.close()
        else:
            self._farewell(self.dialog)
        self.layer.events.append(Lost(self, status, sentence))

    def _farewell(self, dialog: Dialog, headers: Fields = ()) -> None:
        """End the leg with a BYE; until that is answered a BYE of the peer is answered too, it crossed ours."""
        self.close()
        self.layer.legs[self.id] = self
        self.send_bye(dialog, headers, Farewell(self))

    def send_bye(self, dialog: Dialog, headers: Fields = (), owner: ClientOwner = UNWATCHED) -> None:
        """Send a BYE; whoever sends it does not wait for the answer."""
        head, to = dialog.head(self.layer.ids.token())
        transaction = ClientTransaction(self.layer, "BYE", head, to, owner)
        transaction.send(request_head("BYE", head) + content(fields_text(headers), b"", ""))

    def wait_glare(self) -> None:
        """After 491 wait as 14.1 says, then tell the owner to try again."""
        low, high = _GLARE_OTHER if self.called else _GLARE_OWNER
        wait = round(low + self.layer.ids.fraction() * (high - low), 2)  # units of 10 ms
        self._glare = self.layer.start(wait, self, "glare")

    def fire(self, _name: str) -> None:
        """Tell the owner that the wait after 491 is over."""
        self._glare = None
        self.layer.events.append(ReInviteRetry(self))

    def close(self) -> None:
        """Leave the tables; an INVITE of ours is cancelled, one of the peer's gets 487 (15.1.2)."""
        self.state = ENDED
        self._bye_due = None
        self.layer.legs.pop(self.id, None)
        if self.outgoing is not None:
            outgoing, self.outgoing = self.outgoing, None
            outgoing.cancel()
        if self._glare is not None:
            self._glare.cancel()
            self._glare = None
        if self.incoming is not None:
            if self.incoming.answered:
                self.incoming.stop()
            else:
                self.incoming.respond(487, "", "", b"", "")
            self.incoming = None


class Farewell:
    """The owner of the BYE that ended a leg: its answer takes the leg out of the table."""

    __slots__ = ("_leg",)

    def __init__(self, leg: Leg) -> None:
        self._leg = leg

    def on_response(self, response: Response) -> None:
        """Forget the leg."""
        if response.status >= 200:
            self.on_failure(response.status, "")

    def on_failure(self, _status: int, _sentence: str) -> None:
        """Forget the leg: nobody is there any more."""
        self._leg.layer.legs.pop(self._leg.id, None)
