"""Requests other than INVITE, both ways: OPTIONS, BYE, INFO, UPDATE and whatever comes (RFC 3261 8, 12.2).

A request of ours that is challenged goes out again with credentials, as another transaction (22.2, 22.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.sip.dialog import dialog_of
from b2bua.sip.events import RequestAnswered
from b2bua.sip.grammar import refuse_injection
from b2bua.sip.login import Attempt
from b2bua.sip.offer import STABLE
from b2bua.sip.session_timer import granted, granted_lines
from b2bua.sip.states import UP
from b2bua.sip.transaction import ClientTransaction
from b2bua.sip.write import REASONS, content, fields_text, request_head, status_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from b2bua.sip.dialog import Dialog
    from b2bua.sip.flow import Flow, Target
    from b2bua.sip.layer import Layer
    from b2bua.sip.leg import Leg
    from b2bua.sip.login import Login
    from b2bua.sip.message import Fields, Request, Response
    from b2bua.sip.transaction import ClientOwner, ServerTransaction
    from b2bua.sip.write import Head

WITH_CONTACT = frozenset({"UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"})
"""Methods that refresh the target, or begin a dialog of their own (RFC 3261 12.2.1.1, RFC 6665)."""


class ServerRequest:
    """A request that waits for the owner's answer.

    Once it is answered, or nobody listens any more (after 64*T1), `respond` does nothing.
    """

    __slots__ = ("answered", "layer", "leg", "request", "transaction")

    def __init__(self, layer: Layer, transaction: ServerTransaction, request: Request, leg: Leg | None) -> None:
        self.layer = layer
        self.transaction = transaction
        self.request = request
        self.leg = leg
        self.answered = False

    def respond(
        self,
        now: float,
        status: int = 200,
        reason: str = "",
        headers: Fields = (),
        body: bytes = b"",
        content_type: str = "application/sdp",
        contacts: Sequence[str] = (),
    ) -> None:
        """Answer; `contacts` are values of Contact, from a registrar. Raises InjectionError for the unwritable."""
        self.layer.now = now
        if self.answered:
            return  # the leg ended, and with it what was asked
        lines = fields_text(headers)
        for contact in contacts:
            refuse_injection(contact)
            lines += f"Contact: {contact}\r\n"
        refuse_injection(content_type)
        self.answered = status >= 200
        if self.leg is not None:
            lines += self._lines(self.leg, status)
        self.transaction.send(
            status,
            (status_line(status, reason) + self.transaction.lines).encode() + content(lines, body, content_type),
        )

    def _lines(self, leg: Leg, status: int) -> str:
        """Settle what the answer means for the leg; gives the lines that it has to carry."""
        if status >= 200 and leg.offered is self:
            leg.offered = None
            leg.negotiation = STABLE
        method = self.request.method
        if status >= 300 or method not in WITH_CONTACT:
            return ""
        lines = f"Contact: {leg.who.contact}\r\n"
        if method == "UPDATE" and status >= 200:
            dialog = dialog_of(leg, self.request)
            if dialog is not None:
                dialog.refresh(self.request)
            lines += self.layer.abilities
            if leg.state == UP:
                interval = granted(self.request, self.layer.settings)
                lines += granted_lines(interval)
                leg.timer.begin(leg, interval, ours=interval is not None and interval.refresher == "uas")
        return lines


def refuse(transaction: ServerTransaction, status: int, extra: str = "") -> None:
    """Answer a request of the peer without asking the owner."""
    transaction.send(status, (status_line(status, "") + transaction.lines).encode() + content(extra, b"", ""))


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
        # A NOTIFY that nobody wants ends its subscription, not the call beside it (RFC 5057 5.1)
        if self.leg is not None and response.status in {408, 481} and self.method != "NOTIFY":
            self.leg.lose(response.status, f"{self.method} in the dialog met {response.status}")

    def refuse(self, status: int) -> None:
        """Tell the owner of an end without a response."""
        self.layer.events.append(RequestAnswered(self, status, REASONS[status], None))

    def on_failure(self, status: int, _sentence: str) -> None:
        """Tell the owner that there was no answer."""
        self.refuse(status)
        if self.leg is not None and status == 408 and self.method != "NOTIFY":
            self.leg.lose(408, f"{self.method} in the dialog was not answered")


class Unwatched:
    """The owner of requests whose answer changes nothing: BYE and CANCEL."""

    def on_response(self, response: Response) -> None:
        """Do nothing."""

    def on_failure(self, status: int, sentence: str) -> None:
        """Do nothing."""


UNWATCHED = Unwatched()


class Challenged:
    """A request to a peer that may challenge it; stands before its owner, who hears of the last answer only."""

    __slots__ = (
        *("_attempt", "_body", "_head", "_layer", "_lines", "_login", "_max_forwards", "_method", "_owner", "_type"),
    )

    def __init__(  # noqa: PLR0913, PLR0917 - all of a request, to write it again
        self,
        layer: Layer,
        login: Login,
        method: str,
        head: Callable[[], tuple[Head, Flow | Target]],
        lines: str,
        body: bytes,
        content_type: str,
        owner: ClientOwner,
        max_forwards: int = 70,
    ) -> None:
        self._layer = layer
        self._login = login
        self._method = method
        self._head = head
        self._lines = lines
        self._body = body
        self._type = content_type
        self._owner = owner
        self._max_forwards = max_forwards
        self._attempt = Attempt()

    def send(self) -> None:
        """Send it, with what the peer has asked for so far."""
        head, to = self._head()
        known = fields_text(self._login.fields(self._method, head.uri, self._body))
        transaction = ClientTransaction(self._layer, self._method, head, to, self)
        transaction.send(
            request_head(self._method, head, self._max_forwards) + content(known + self._lines, self._body, self._type)
        )

    def on_response(self, response: Response) -> None:
        """Answer a challenge, or hand the response over."""
        if self._login.challenged(response, self._attempt):
            self.send()
            return
        if 200 <= response.status < 300:
            self._login.welcomed(response)
        self._owner.on_response(response)

    def on_failure(self, status: int, sentence: str) -> None:
        """Hand the failure over."""
        self._owner.on_failure(status, sentence)


def send_in_dialog(
    leg: Leg, dialog: Dialog, method: str, lines: str, body: bytes, content_type: str, owner: ClientOwner
) -> None:
    """Send a request in a dialog of the leg; `lines` are whole ones."""
    layer = leg.layer
    if leg.login is not None:
        again = lambda: dialog.head(layer.ids.token())  # noqa: E731 - one line says it
        Challenged(layer, leg.login, method, again, lines, body, content_type, owner).send()
        return
    head, to = dialog.head(layer.ids.token())
    transaction = ClientTransaction(layer, method, head, to, owner)
    transaction.send(request_head(method, head) + content(lines, body, content_type))
