"""A leg: one dialog with one peer, from its INVITE to its end (RFC 3261 12 to 15).

States: `calling` (we invited), `called` (they did), `answered` (our 2xx waits for its ACK), `up`, `ended`. Commands on
an ended leg do nothing: the event that tells of its end is on its way to the owner. What the peer asks inside the
dialog is taken in `within.py`, a session description by UPDATE in `update.py`, by PRACK in `prack.py`; how a leg ends
stands in `farewell.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from b2bua.sip import glare
from b2bua.sip.dialog import NO_FORKS
from b2bua.sip.errors import StateError
from b2bua.sip.events import Lost
from b2bua.sip.farewell import close, farewell
from b2bua.sip.grammar import refuse_injection
from b2bua.sip.headers import methods
from b2bua.sip.invite_client import ClientInvite
from b2bua.sip.invite_server import ServerInvite, answerable
from b2bua.sip.offer import STABLE, THEIRS, negotiate
from b2bua.sip.request import WITH_CONTACT, ClientRequest, send_in_dialog
from b2bua.sip.session_timer import SessionTimer
from b2bua.sip.states import ANSWERED, CALLED, CALLING, ENDED, UP
from b2bua.sip.update import ClientUpdate, may_update, refresh
from b2bua.sip.write import fields_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from b2bua.sip.dialog import Dialog, Local
    from b2bua.sip.layer import Layer, Timer
    from b2bua.sip.login import Login
    from b2bua.sip.message import Fields, Message
    from b2bua.sip.prack import Prack
    from b2bua.sip.request import ServerRequest


class Leg:
    """One side of a call. `id` is our tag; `owner` is a place for whoever bridges the leg.

    `login` answers the challenges that our requests meet, None where we have nothing to show. `allows` are the methods
    that the peer says it takes; `offered` is its UPDATE or PRACK that waits for our answer, `updating` our UPDATE.
    `bye_due` is a BYE that waits for the peer's ACK: the leg is over for the owner then.
    """

    __slots__ = (
        *("ack_owed", "allows", "bye_due", "call_id", "called", "dialog", "forks", "glare", "id", "incoming"),
        *("layer", "login", "negotiation", "offered", "outgoing", "owner", "prack_owed", "state", "timer", "updating"),
        *("who", "zone"),
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
        self.forks: Mapping[str, Dialog] = NO_FORKS
        self.outgoing: ClientInvite | None = None
        self.incoming: ServerInvite | None = None
        self.negotiation = STABLE
        self.ack_owed = False
        self.prack_owed: Prack | None = None
        self.offered: ServerRequest | None = None
        self.updating: ClientUpdate | None = None
        self.allows: frozenset[str] = frozenset()
        self.login: Login | None = None
        self.timer = SessionTimer()
        self.bye_due: Fields | None = None
        self.glare: Timer | None = None  # the wait after 491

    def __repr__(self) -> str:
        return f"<Leg {self.id} {self.zone} {self.state}>"

    @property
    def proceeding(self) -> bool:
        """Whether the peer has said anything to our INVITE, if only 100."""
        return self.outgoing is not None and self.outgoing.proceeding

    @property
    def ended(self) -> bool:
        """Whether the leg is over."""
        return self.state == ENDED

    # What the owner asks for: answers to the peer's INVITE

    @property
    def takes_reliable(self) -> bool:
        """Whether `ring` may carry a description that counts: the peer confirms it by PRACK (RFC 3262)."""
        return self.incoming is not None and self.incoming.initial and self.incoming.takes_reliable

    @property
    def is_settled(self) -> bool:
        """Whether the peer's INVITE has had its answer, or its offer, in a reliable response."""
        return self.incoming is not None and self.incoming.described

    def ring(
        self,
        now: float,
        status: int = 180,
        reason: str = "",
        headers: Fields = (),
        body: bytes = b"",
        content_type: str = "application/sdp",
    ) -> None:
        """Send 101 to 199: with a body an early answer, or the offer if the INVITE had none.

        It is sent reliably where the peer requires that, and with a body where the peer supports it; an offer goes only
        so, and Acknowledged brings its answer. Raises StateError, InjectionError.
        """
        invite = answerable(self, now, (101, 199), status, content_type)
        if invite is None:
            return
        if body and self.negotiation == STABLE and not invite.described and not invite.takes_reliable:
            raise StateError("an offer needs a reliable response, which the peer does not take")
        settled = invite.described
        invite.ring(status, reason, fields_text(headers), body, content_type)
        if invite.described and not settled:
            negotiate(self, "send reliable", body)

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

        A body is left out where a reliable response carried it before; the 2xx waits until that is acknowledged.
        Raises StateError, also if an offer gets no answer; InjectionError.
        """
        if self.negotiation == THEIRS and not body and not self.is_settled:
            raise StateError("the peer's offer needs an answer")
        invite = answerable(self, now, (200, 299), status, content_type)
        if invite is not None:
            invite.accept(status, reason, fields_text(headers), body, content_type)

    def reject(self, now: float, status: int, reason: str = "", headers: Fields = ()) -> None:
        """Refuse the INVITE, which ends the leg, or the re-INVITE, which does not. Raises like `answer`."""
        lines = fields_text(headers)
        invite = answerable(self, now, (300, 699), status)
        if invite is None:
            return
        invite.refuse(status, reason, lines)
        self.negotiation = STABLE
        self.incoming = None
        if invite.initial:
            close(self)

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

    def cancel(self, now: float, headers: Fields = ()) -> None:
        """Take our INVITE back; the leg is over for the owner.

        Raises StateError if it was answered, InjectionError.
        """
        self.layer.now = now
        if self.state == ENDED:
            return
        if self.state != CALLING or self.outgoing is None:
            raise StateError("there is no INVITE of ours to cancel on this leg")
        close(self, headers)

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
            self.bye_due = headers
            self.state = ENDED
            return
        if self.ack_owed and self.outgoing is not None:
            self.ack_owed = False
            self.outgoing.ack()
        farewell(self, self.dialog, headers)

    def end(self, now: float, status: int = 480, reason: str = "", headers: Fields = ()) -> None:
        """End the leg whatever its state: refuse with `status`, CANCEL or BYE. Never raises for the state."""
        if self.state == CALLED:
            self.reject(now, status, reason, headers)
        elif self.state == CALLING:
            self.cancel(now, headers)
        elif self.state != ENDED:
            self.bye(now, headers)

    @property
    def can_reinvite(self) -> bool:
        """Whether no INVITE is under way in either direction (14.1)."""
        return self.state == UP and self.outgoing is None and self.incoming is None and self.glare is None

    def reinvite(
        self, now: float, headers: Fields = (), body: bytes = b"", content_type: str = "application/sdp"
    ) -> None:
        """Offer a changed session; without a body ask the peer for an offer. Raises StateError, InjectionError."""
        self.layer.now = now
        if self.state == ENDED:
            return
        if self.dialog is None or not self.can_reinvite:
            raise StateError("another INVITE is under way on this leg")
        lines = f"Contact: {self.who.contact}\r\n{fields_text(headers)}"
        refuse_injection(content_type)
        head, to = self.dialog.head(self.layer.ids.token())
        self.outgoing = ClientInvite(self, head, to, initial=False, reliable=False)  # nobody rings: the answer comes
        negotiate(self, "send invite", body)
        self.outgoing.send(lines, body, content_type)

    @property
    def one_dialog(self) -> Dialog | None:
        """The dialog, or the early one where no other fork was heard of."""
        if self.dialog is not None or len(self.forks) != 1:
            return self.dialog
        return next(iter(self.forks.values()))

    @property
    def can_update(self) -> bool:
        """Whether an offer may go in an UPDATE: the peer takes it and no other offer is open (RFC 3311 5.1).

        Before the answer that is so once a reliable response has settled the session of the INVITE.
        """
        return may_update(self)

    def update(
        self, now: float, headers: Fields = (), body: bytes = b"", content_type: str = "application/sdp"
    ) -> None:
        """Offer a changed session by UPDATE; ReInviteAnswered or ReInviteFailed tells. Raises like `reinvite`."""
        self.layer.now = now
        if self.state == ENDED:
            return
        dialog = self.one_dialog
        if dialog is None or not body or not self.can_update:
            raise StateError("no offer can go in an UPDATE on this leg in this state")
        refuse_injection(content_type)
        ClientUpdate(self).send(dialog, fields_text(headers), body, content_type)

    def refresh(self) -> None:
        """Refresh the session (RFC 4028 7.4): by UPDATE where the peer takes it, else by a re-INVITE of the owner."""
        refresh(self)

    def cancel_reinvite(self, now: float) -> None:
        """Take our re-INVITE back, if one is under way; the call goes on. ReInviteFailed tells when it is over.

        ReInviteAnswered comes instead where the peer accepted before it heard of it (9.1).
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
        if dialog is None or method in {"INVITE", "ACK", "CANCEL", "PRACK", "UPDATE"}:
            raise StateError(f"{method} cannot be sent on this leg in this state")
        lines = fields_text(headers)
        if method in WITH_CONTACT:
            lines = f"Contact: {self.who.contact}\r\n{lines}"
        send_in_dialog(self, dialog, method, lines, body, content_type, handle)
        return handle

    def prack(self, now: float, body: bytes, content_type: str = "application/sdp") -> None:
        """Send the PRACK that a Provisional with `prack_owed` asked for; `body` is the answer. Raises StateError."""
        self.layer.now = now
        if self.state == ENDED:
            return
        if self.prack_owed is None:
            raise StateError("no PRACK is owed on this leg")
        prack, self.prack_owed = self.prack_owed, None
        self.negotiation = STABLE
        prack.send(body, content_type)

    # What the INVITEs of this leg report

    def allow(self, message: Message) -> None:
        """Note which methods the peer says it takes (20.5)."""
        if "allow" in message.index:
            self.allows = methods(", ".join(message.all("allow")))

    def lose(self, status: int, sentence: str, reason: str = "") -> None:
        """End a dialog that the peer seems to have lost; BYE in case it has not (12.2.1.2).

        `reason` is what the BYE says of it (RFC 3326).
        """
        if self.state == ENDED:
            return
        if self.dialog is None or self.state == CALLED:
            close(self)
        else:
            farewell(self, self.dialog, [("Reason", f'SIP;cause={status};text="{reason}"')] if reason else ())
        self.layer.events.append(Lost(self, status, sentence))

    def fire(self, name: str) -> None:
        """Act on the session timer, or tell the owner that the wait after 491 is over."""
        if name == glare.GLARE:
            glare.fire(self)
        else:
            self.timer.fire(self, name)
