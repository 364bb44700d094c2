"""One INVITE that we answer: provisional answers, the 2xx until its ACK, CANCEL (RFC 3261 13.3, 9.2, 6026, 3262)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from b2bua.sip.errors import StateError
from b2bua.sip.events import Cancelled, Confirmed
from b2bua.sip.farewell import close, send_due_bye
from b2bua.sip.grammar import refuse_injection
from b2bua.sip.offer import STABLE, negotiate
from b2bua.sip.reliable import Reliable, has_tag, takes_reliable
from b2bua.sip.session_timer import granted, granted_lines
from b2bua.sip.states import ANSWERED, ENDED, UP
from b2bua.sip.write import content, status_line

if TYPE_CHECKING:
    from b2bua.sip.layer import Timer
    from b2bua.sip.leg import Leg
    from b2bua.sip.message import Request
    from b2bua.sip.transaction import ServerTransaction


class Accepted(NamedTuple):
    """A 2xx that waits until a description in a provisional response is acknowledged (RFC 3262 3)."""

    status: int
    reason: str
    extra: str
    body: bytes
    content_type: str


class ServerInvite:
    """The transaction user of one INVITE, initial or inside the dialog.

    `accepted` once a 2xx was asked for, `answered` once it is sent; `described` once a reliable response has carried
    our description.
    """

    __slots__ = (
        *("_data", "_deadline", "_interval", "_reliable", "_repeat", "_waiting", "answered", "described", "initial"),
        *("leg", "request", "transaction"),
    )

    def __init__(self, leg: Leg, transaction: ServerTransaction, request: Request, *, initial: bool) -> None:
        self.leg = leg
        self.transaction = transaction
        self.request = request
        self.initial = initial
        self.answered = False
        self.described = False
        self._data = b""
        self._interval = 0.0
        self._repeat: Timer | None = None
        self._deadline: Timer | None = None
        self._reliable: Reliable | None = None
        self._waiting: Accepted | None = None

    @property
    def accepted(self) -> bool:
        """Whether a 2xx was sent or waits to be."""
        return self.answered or self._waiting is not None

    @property
    def takes_reliable(self) -> bool:
        """Whether the peer takes reliable provisional responses (RFC 3262 3)."""
        return "100rel" in self.leg.layer.settings.supported and takes_reliable(self.request)

    @property
    def in_doubt(self) -> bool:
        """Whether a description of ours waits for its PRACK."""
        return self._reliable is not None and self._reliable.describes

    def ring(self, status: int, reason: str, extra: str, body: bytes, content_type: str) -> None:
        """Send 101 to 199: reliably where the peer requires it, and where it carries a description it can confirm."""
        if self.described:
            body = b""  # RFC 3261 13.2.1: the answer stands in one response only
        known = "100rel" in self.leg.layer.settings.supported
        if not known or not (has_tag(self.request, "require", "100rel") or (body and self.takes_reliable)):
            self._send(status, reason, extra, body, content_type)
            return
        if self._reliable is None:
            self._reliable = Reliable(self)
        self.described = self.described or bool(body)
        leg = self.leg
        extra = f"Require: 100rel\r\n{leg.layer.abilities}{self._record_route()}Contact: {leg.who.contact}\r\n{extra}"
        head = (status_line(status, reason) + self.transaction.lines).encode()
        self._reliable.send(status, head, content(extra, body, content_type), described=bool(body))

    def accept(self, status: int, reason: str, extra: str, body: bytes, content_type: str) -> None:
        """Send a 2xx, or keep it until what was described before is acknowledged."""
        accepted = Accepted(status, reason, extra, b"" if self.described else body, content_type)
        if self._reliable is not None and self._reliable.describes:
            self._waiting = accepted
            return
        self._accept(accepted)

    def _accept(self, accepted: Accepted) -> None:
        leg = self.leg
        self._waiting = None
        self._stop_reliable()
        status, reason, extra, body, content_type = accepted
        interval = granted(self.request, leg.layer.settings)
        extra = leg.layer.abilities + granted_lines(interval) + extra
        self.answered = True
        self._data = self._send(status, reason, extra, body, content_type)
        settings = leg.layer.settings
        self._interval = settings.t1
        self._repeat = leg.layer.start(settings.t1, self, "repeat")
        self._deadline = leg.layer.start(settings.life, self, "deadline")
        if not self.initial and leg.dialog is not None:
            leg.dialog.refresh(self.request)
        self.transaction.owner = self
        leg.timer.begin(leg, interval, ours=interval is not None and interval.refresher == "uas")
        negotiate(leg, "send 2xx", body)
        if self.initial:
            leg.state = ANSWERED

    def refuse(self, status: int, reason: str = "", extra: str = "", body: bytes = b"", content_type: str = "") -> None:
        """Send 300 to 699."""
        self._waiting = None
        self._stop_reliable()
        data = (status_line(status, reason) + self.transaction.lines).encode() + content(extra, body, content_type)
        self.transaction.send(status, data)

    def _send(self, status: int, reason: str, extra: str, body: bytes, content_type: str) -> bytes:
        extra = f"{self._record_route()}Contact: {self.leg.who.contact}\r\n{extra}"
        data = (status_line(status, reason) + self.transaction.lines).encode() + content(extra, body, content_type)
        self.transaction.send(status, data)
        return data

    def _record_route(self) -> str:
        routes = self.request.index.get("record-route")
        return "".join(f"Record-Route: {value}\r\n" for value in routes) if routes else ""

    def fire(self, name: str) -> None:
        """Repeat the 2xx, up to every T2; give up after 64*T1 (13.3.1.4)."""
        layer = self.leg.layer
        if name == "deadline":
            self.stop()
            self._ack_missing()
            return
        layer.send(self.transaction.to, self._data)
        self._interval = min(self._interval * 2, layer.settings.t2)
        self._repeat = layer.start(self._interval, self, "repeat")

    def _ack_missing(self) -> None:
        """End the session: 64*T1 without an ACK (13.3.1.4)."""
        leg = self.leg
        if leg.incoming is self:
            leg.incoming = None
        if leg.bye_due is not None:
            send_due_bye(leg)
        else:
            leg.lose(408, "the peer never acknowledged the answer")

    def stop(self) -> None:
        """Cancel every timer."""
        if self._repeat is not None:
            self._repeat.cancel()
            self._repeat = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._stop_reliable()
        self.transaction.owner = None

    def _stop_reliable(self) -> None:
        if self._reliable is not None:
            self._reliable.stop()
            self._reliable = None

    # What the peer says of it

    def acknowledge(self, request: Request) -> bool:
        """Take a PRACK; tells whether it is for the provisional response under way. Raises HeaderError."""
        return self._reliable is not None and self._reliable.acknowledge(request)

    def go_on(self) -> None:
        """Send the 2xx that waited for a PRACK."""
        if self._waiting is not None and not (self._reliable is not None and self._reliable.describes):
            self._accept(self._waiting)

    def unacknowledged(self) -> None:
        """End the call: a provisional response met no PRACK in 64*T1 (RFC 3262 3)."""
        self.refuse(504)
        self.leg.incoming = None
        self.leg.lose(504, "the peer never acknowledged a reliable provisional response")

    def on_ack(self, request: Request) -> None:
        """Take the ACK to the 2xx."""
        leg = self.leg
        if leg.incoming is not self or not self.answered or request.cseq.number != self.request.cseq.number:
            return
        self.stop()
        self.transaction.data = b""  # nobody asks for the 2xx any more
        leg.negotiation = STABLE
        leg.incoming = None
        if self.initial and leg.state == ANSWERED:
            leg.state = UP
        send_due_bye(leg)
        if not leg.ended:
            leg.layer.events.append(Confirmed(leg, request, self.initial))

    def on_cancel(self, request: Request) -> None:
        """Take a CANCEL (9.2): after a final answer it has no effect."""
        leg = self.leg
        if self.answered or leg.incoming is not self or leg.ended:
            return
        self.refuse(487)
        leg.negotiation = STABLE
        leg.incoming = None
        leg.layer.events.append(Cancelled(leg, request, self.initial))
        if self.initial:
            close(leg)


def answerable(
    leg: Leg, now: float, allowed: tuple[int, int], status: int, content_type: str = ""
) -> ServerInvite | None:
    """Give the INVITE of a leg that its owner answers, None where nobody waits any more. Raises StateError."""
    leg.layer.now = now
    refuse_injection(content_type)
    if leg.state == ENDED:
        return None
    invite = leg.incoming
    if invite is None:
        if leg.state == UP:
            return None  # the peer cancelled its re-INVITE; the event is on its way
        raise StateError("there is no INVITE to answer on this leg")
    if invite.answered or (invite.accepted and status < 300) or not allowed[0] <= status <= allowed[1]:
        raise StateError(f"{status} cannot be sent in this state")
    return invite
