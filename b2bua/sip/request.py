"""Requests other than INVITE, both ways: OPTIONS, BYE, INFO, UPDATE and whatever comes (RFC 3261 8, 12.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.sip.events import RequestAnswered
from b2bua.sip.write import REASONS, content, fields_text, status_line

if TYPE_CHECKING:
    from b2bua.sip.layer import Layer
    from b2bua.sip.leg import Leg
    from b2bua.sip.message import Fields, Request, Response
    from b2bua.sip.transaction import ServerTransaction


class ServerRequest:
    """A request that waits for the owner's answer. After 64*T1 nobody listens, then `respond` does nothing."""

    __slots__ = ("layer", "leg", "request", "transaction")

    def __init__(self, layer: Layer, transaction: ServerTransaction, request: Request, leg: Leg | None) -> None:
        self.layer = layer
        self.transaction = transaction
        self.request = request
        self.leg = leg

    def respond(
        self,
        now: float,
        status: int = 200,
        reason: str = "",
        headers: Fields = (),
        body: bytes = b"",
        content_type: str = "application/sdp",
    ) -> None:
        """Answer. Raises InjectionError for values that cannot be written."""
        self.layer.now = now
        lines = fields_text(headers)
        if self.leg is not None and status < 300 and self.request.method in {"UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"}:
            lines += f"Contact: {self.leg.who.contact}\r\n"
            if status >= 200 and self.request.method == "UPDATE" and self.leg.dialog is not None:
                self.leg.dialog.refresh(self.request)
        self.transaction.send(
            status,
            (status_line(status, reason) + self.transaction.lines).encode() + content(lines, body, content_type),
        )


class ClientRequest:
    """A request of ours that waits for its answer; `leg` is None outside dialogs."""

    __slots__ = ("layer", "leg", "method")

    def __init__(self, layer: Layer, method: str, leg: Leg | None = None) -> None:
        self.layer = layer
        self.method = method
        self.leg = leg

    def on_response(self, response: Response) -> None:
        """Tell the owner of a final answer; 408 and 481 end the dialog (12.2.1.2)."""
        if response.status < 200:
            return
        self.layer.events.append(RequestAnswered(self, response.status, response.reason, response))
        if self.leg is not None:
            if response.status in {408, 481}:
                self.leg.lose(response.status, f"{self.method} in the dialog met {response.status}")
            elif response.status < 300 and self.method == "UPDATE" and self.leg.dialog is not None:
                self.leg.dialog.refresh(response)

    def refuse(self, status: int) -> None:
        """Tell the owner of an end without a response."""
        self.layer.events.append(RequestAnswered(self, status, REASONS[status], None))

    def on_failure(self, status: int, _sentence: str) -> None:
        """Tell the owner that there was no answer."""
        self.refuse(status)
        if self.leg is not None and status == 408:
            self.leg.lose(408, f"{self.method} in the dialog was not answered")


class Unwatched:
    """The owner of requests whose answer changes nothing: BYE and CANCEL."""

    def on_response(self, response: Response) -> None:
        """Do nothing."""

    def on_failure(self, status: int, sentence: str) -> None:
        """Do nothing."""


UNWATCHED = Unwatched()
