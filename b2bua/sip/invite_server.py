"""One INVITE that we answer: provisional answers, the 2xx until its ACK, CANCEL (RFC 3261 13.3, 9.2, RFC 6026)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.sip.events import Cancelled, Confirmed
from b2bua.sip.offer import STABLE
from b2bua.sip.write import content, status_line

if TYPE_CHECKING:
    from b2bua.sip.layer import Timer
    from b2bua.sip.leg import Leg
    from b2bua.sip.message import Request
    from b2bua.sip.transaction import ServerTransaction


class ServerInvite:
    """The transaction user of one INVITE, initial or inside the dialog."""

    __slots__ = ("_data", "_deadline", "_interval", "_repeat", "answered", "initial", "leg", "request", "transaction")

    def __init__(self, leg: Leg, transaction: ServerTransaction, request: Request, *, initial: bool) -> None:
        self.leg = leg
        self.transaction = transaction
        self.request = request
        self.initial = initial
        self.answered = False
        self._data = b""
        self._interval = 0.0
        self._repeat: Timer | None = None
        self._deadline: Timer | None = None

    def respond(self, status: int, reason: str, extra: str, body: bytes, content_type: str) -> None:
        """Send a response; `extra` are whole lines. A 2xx is repeated until its ACK (13.3.1.4)."""
        if status < 300:
            extra = f"{self._record_route()}Contact: {self.leg.who.contact}\r\n{extra}"
        data = (status_line(status, reason) + self.transaction.lines).encode() + content(extra, body, content_type)
        if 200 <= status < 300:
            self.answered = True
            self._data = data
            settings = self.leg.layer.settings
            self._interval = settings.t1
            self._repeat = self.leg.layer.start(settings.t1, self, "repeat")
            self._deadline = self.leg.layer.start(settings.life, self, "deadline")
            if not self.initial and self.leg.dialog is not None:
                self.leg.dialog.refresh(self.request)
            self.transaction.owner = self
        self.transaction.send(status, data)

    def _record_route(self) -> str:
        routes = self.request.index.get("record-route")
        return "".join(f"Record-Route: {value}\r\n" for value in routes) if routes else ""

    def fire(self, name: str) -> None:
        """Repeat the 2xx, up to every T2; give up after 64*T1 (13.3.1.4)."""
        layer = self.leg.layer
        if name == "deadline":
            self.stop()
            self.leg.ack_missing(self)
            return
        layer.send(self.transaction.to, self._data)
        self._interval = min(self._interval * 2, layer.settings.t2)
        self._repeat = layer.start(self._interval, self, "repeat")

    def stop(self) -> None:
        """Cancel both timers."""
        if self._repeat is not None:
            self._repeat.cancel()
            self._repeat = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self.transaction.owner = None

    def on_ack(self, request: Request) -> None:
        """Take the ACK to the 2xx."""
        leg = self.leg
        if leg.incoming is not self or not self.answered or request.cseq.number != self.request.cseq.number:
            return
        self.stop()
        leg.negotiation = STABLE
        leg.acknowledged(self)
        if not leg.ended:
            leg.layer.events.append(Confirmed(leg, request, self.initial))

    def on_cancel(self, request: Request) -> None:
        """Take a CANCEL (9.2): after a final answer it has no effect."""
        leg = self.leg
        if self.answered or leg.incoming is not self or leg.ended:
            return
        self.respond(487, "", "", b"", "")
        leg.negotiation = STABLE
        leg.incoming = None
        leg.layer.events.append(Cancelled(leg, request, self.initial))
        if self.initial:
            leg.close()
