"""One SIP element: bytes in, events out; every leg of a gateway shares it (RFC 3261 17, 18, RFC 3581).

The owner calls `receive`, `on_timer` and the commands of legs, then drains `events()` and `to_send()` and sets its one
timer to `next_timer()`. Nothing here reads a clock or a socket.
"""

from __future__ import annotations

import itertools
import zlib
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from b2bua.sip.dialog import Dialog, Local
from b2bua.sip.errors import InjectionError, ParseError, Refusal, Silence, SipError
from b2bua.sip.events import IncomingInvite, RequestReceived
from b2bua.sip.flow import Flow, Target
from b2bua.sip.grammar import refuse_injection
from b2bua.sip.headers import parse_name_addr
from b2bua.sip.invite_client import ClientInvite
from b2bua.sip.invite_server import ServerInvite
from b2bua.sip.large import Beside, Large
from b2bua.sip.layer import Ids, Layer, Settings
from b2bua.sip.leg import Leg
from b2bua.sip.limits import MAX_NEW_REQUESTS
from b2bua.sip.login import Login
from b2bua.sip.message import Fields, Response
from b2bua.sip.offer import negotiate
from b2bua.sip.parser import parse
from b2bua.sip.reliable import parse_rack
from b2bua.sip.request import Challenged, ClientRequest, ServerRequest
from b2bua.sip.routing import answer_path, answer_via, same_path, transaction_key
from b2bua.sip.session_timer import check_interval
from b2bua.sip.standing import path_of
from b2bua.sip.states import CALLED
from b2bua.sip.transaction import ClientTransaction, ServerTransaction
from b2bua.sip.uri import parse_uri, user_of
from b2bua.sip.validate import check_contact, check_encoding, check_extensions, check_hops, check_method, check_shape
from b2bua.sip.within import receive_ack, receive_within
from b2bua.sip.write import Head, content, echo, fields_text, request_head, status_line

if TYPE_CHECKING:
    from b2bua.sip.events import Event
    from b2bua.sip.flow import Outgoing
    from b2bua.sip.message import Request


class Invitation(NamedTuple):
    """An INVITE, or another request outside dialogs, to send.

    `from_` and `to` are name-addrs without tag; `sent_by` host and port for Via; `contact` a whole value, "" for a bare
    one made from `sent_by` and the user of `from_`; `route` the values of a preloaded Route; no body means that the
    peer is to offer. `login` answers the challenges that it, and what follows in its dialog, meets; without `reliable`
    the peer hears nothing of 100rel (RFC 3262): an offer in a reliable response could not be answered.
    """

    destination: Flow | Target
    uri: str
    from_: str
    to: str
    sent_by: tuple[str, int]
    contact: str = ""
    route: tuple[str, ...] = ()
    headers: Fields = ()
    body: bytes = b""
    content_type: str = "application/sdp"
    max_forwards: int = 70
    login: Login | None = None
    reliable: bool = True


class Endpoint:
    """A SIP element. `dropped` counts what was turned away without an event, by reason.

    `admit` judges the sender of a request outside dialogs before anything is kept for it: it raises Refusal, which is
    answered without state, or Silence. None admits everybody.
    """

    def __init__(
        self,
        ids: Ids,
        settings: Settings | None = None,
        admit: Callable[[Request, Flow, float], None] | None = None,
    ) -> None:
        self._layer = Layer(settings or Settings(), ids)
        self._admit = admit
        self.dropped: Counter[str] = Counter()

    # What the owner drains

    def events(self) -> list[Event]:
        """Give the events since the last call, oldest first."""
        events, self._layer.events = self._layer.events, []
        return events

    def to_send(self) -> list[Outgoing]:
        """Give what is to be sent since the last call, in order."""
        outbox, self._layer.outbox = self._layer.outbox, []
        return outbox

    def next_timer(self) -> float | None:
        """Give the time, in seconds, at which `on_timer` is due; None if no timer is set."""
        return self._layer.next_timer()

    def on_timer(self, now: float) -> None:
        """Fire every timer due by `now`."""
        self._layer.on_timer(now)

    @property
    def sizes(self) -> dict[str, int]:
        """How much is held: legs, client and server transactions, timers. All 0 when nothing is going on."""
        layer = self._layer
        return {
            "legs": len(layer.legs),
            "clients": len(layer.clients),
            "servers": len(layer.servers),
            "merged": sum(map(len, layer.merged.values())),
            "standing": len(layer.standing),
            "timers": layer.timers,
        }

    def leg(self, tag: str) -> Leg | None:
        """Give the leg that has this tag of ours."""
        return self._layer.legs.get(tag)

    def widen(self, beside: Callable[[Flow | Target], Beside | None]) -> None:
        """Say which way over TCP stands beside one over UDP, for requests too large for a datagram (18.1.1)."""
        self._layer.large = Large(beside)

    # What the owner starts

    def invite(self, invitation: Invitation, now: float) -> Leg:
        """Call somebody.

        Raises InjectionError for values that cannot be written, HeaderError or UriError for broken ones.
        """
        layer = self._layer
        layer.now = now
        tag = layer.ids.token()
        head, who = self._head(invitation, tag)
        lines = f"Contact: {who.contact}\r\n{fields_text(invitation.headers)}"
        refuse_injection(invitation.content_type)
        leg = Leg(layer, invitation.destination.zone, who, head.call_id, tag)
        layer.legs[tag] = leg
        leg.login = invitation.login
        leg.outgoing = ClientInvite(leg, head, invitation.destination, initial=True, reliable=invitation.reliable)
        negotiate(leg, "send invite", invitation.body)
        leg.outgoing.send(lines, invitation.body, invitation.content_type, invitation.max_forwards)
        return leg

    def request(self, method: str, invitation: Invitation, now: float) -> ClientRequest:
        """Send another request outside dialogs, such as OPTIONS. Raises like `invite`."""
        layer = self._layer
        layer.now = now
        head, who = self._head(invitation, layer.ids.token())
        lines = fields_text(invitation.headers)
        handle = ClientRequest(layer, method)
        if invitation.login is None:
            transaction = ClientTransaction(layer, method, head, invitation.destination, handle)
            rest = content(lines, invitation.body, invitation.content_type)
            transaction.send(request_head(method, head, invitation.max_forwards) + rest)
            return handle
        numbers = itertools.count(head.number)
        Challenged(
            layer,
            invitation.login,
            method,
            lambda: (head._replace(via=who.via(layer.ids.token()), number=next(numbers)), invitation.destination),
            lines,
            invitation.body,
            invitation.content_type,
            handle,
            invitation.max_forwards,
        ).send()
        return handle

    def _head(self, invitation: Invitation, tag: str) -> tuple[Head, Local]:
        for value in (invitation.uri, invitation.from_, invitation.to, invitation.contact, *invitation.route):
            refuse_injection(value)
        scheme = parse_uri(invitation.uri).scheme
        parse_name_addr(invitation.to)
        caller = parse_name_addr(invitation.from_)
        if caller.tag:
            raise InjectionError("the tag of From is ours to choose")
        ids = self._layer.ids
        transport, user = invitation.destination.transport, user_of(caller.uri)
        who = Local.of(transport, invitation.sent_by, user, invitation.contact, scheme)
        route = "".join(f"Route: {value}\r\n" for value in invitation.route)
        from_ = f"{_bracketed(invitation.from_)};tag={tag}"
        to = _bracketed(invitation.to)
        return Head(invitation.uri, who.via(ids.token()), route, from_, to, ids.token(), 1), who

    # What the transport reports

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """Take one datagram or one framed message. Never raises: what cannot be used is answered or counted."""
        layer = self._layer
        layer.now = now
        if data[:1] < b"!":  # keepalives (RFC 5626 4.4.1) and STUN are no SIP
            data = data.lstrip(b"\r\n")
            if data[:1] < b"!":
                self.dropped["keepalive"] += 1
                return
        try:
            message = parse(data)
        except ParseError as error:
            if error.request is None:
                self.dropped["unparsable"] += 1
            else:
                self._refuse(error.request, error, flow)
            return
        message.flow = flow
        if isinstance(message, Response):
            self._on_response(message)
            return
        try:
            self._on_request(message, flow)
        except SipError as error:
            self._refuse(message, error, flow)

    def send_failed(self, outgoing: Outgoing, _sentence: str, now: float) -> None:
        """Take the transport's word that it could not deliver (18.4): its client transaction ends with 503."""
        self._layer.now = now
        self.dropped["undelivered"] += 1
        transaction = self._layer.clients.get(outgoing.key)
        if transaction is not None:
            transaction.lost()

    def flow_closed(self, flow: Flow, now: float) -> None:
        """Take the end of a connection: what waits on it fails, dialogs will open a new one."""
        layer = self._layer
        layer.now = now
        for leg in layer.standing.legs(path_of(flow)):
            if leg.dialog is not None:
                leg.dialog.leave(flow)
        for transaction in layer.standing.clients(flow):
            if same_path(transaction.to, flow):
                transaction.lost()

    def take_over(self, before: Flow, flow: Flow, user: str) -> None:
        """Let dialogs go on over `flow` whose connection was `before`: the same device has come back (RFC 5626).

        Only those with `user`, in lower case: a border element has the dialogs of many on one connection. Whoever calls
        this has made sure that it is the same device.
        """
        for leg in self._layer.standing.legs(path_of(before)):
            dialog = leg.dialog
            if dialog is None or not dialog.stood_on(before) or not dialog.admits(flow):
                continue
            if user_of(parse_name_addr(dialog.remote).uri).lower() == user:
                dialog.to = flow
                self._layer.standing.note_leg(leg)

    # Responses

    def _on_response(self, response: Response) -> None:
        """Match a response (17.1.3); without a match, or broken, it is dropped."""
        try:
            via = response.via
            cseq = response.cseq
            transaction = self._layer.clients.get(f"{via.branch} {cseq.method}")
            if transaction is None or not self._is_ours(transaction, response):
                self.dropped["response without request"] += 1
                return
            _ = response.to, response.call_id
            if transaction.method in {"INVITE", "UPDATE"} and response.status < 400:
                _ = response.contacts, response.record_routes
        except SipError:
            self.dropped["unparsable"] += 1
            return
        kind = "final"
        if response.status < 200:
            kind = "1xx"
        elif response.status < 300 and transaction.method == "INVITE":
            kind = "2xx"
        try:
            transaction.handle(kind, response)
        except SipError:  # a field that only its owner reads
            self.dropped["unparsable"] += 1

    @staticmethod
    def _is_ours(transaction: ClientTransaction, response: Response) -> bool:
        """Whether the one Via is the one we wrote (18.1.2) and the answer comes from the zone we asked."""
        head = transaction.head
        start = head.via.partition(";")[0]
        return (
            response.flow.zone == transaction.to.zone
            and response.call_id == head.call_id
            and (
                response.index["via"][0].startswith(start + ";")  # as we wrote it, or put in other words
                or response.via.sent_by == start.partition(" ")[2].lower()
            )
        )

    # Requests

    def _on_request(self, request: Request, flow: Flow) -> None:
        """Match a retransmission or ACK (17.2.3), validate anything else and dispatch it. Raises SipError."""
        layer = self._layer
        check_shape(request)
        method = request.method
        key = transaction_key(request, flow)
        known = layer.servers.get(key)
        if method == "ACK":
            self._on_ack(request, known)
            return
        if known is not None:
            if known.method == method:
                known.handle("request")
                return
            raise Refusal("two requests with one branch", 400)
        outside = method != "CANCEL" and not request.to.tag
        if outside and self._admit is not None:
            self._admit(request, flow, layer.now)
        check_method(request, layer.settings.allow)
        if outside:
            self._outside(request, key, flow)
        elif method == "CANCEL":
            self._on_cancel(request, key, flow)
        else:
            self._in_dialog(request, key, flow)

    def _open(self, request: Request, key: str, flow: Flow, tag: str) -> ServerTransaction:
        transaction = ServerTransaction(self._layer, request.method, key, flow, answer_path(request, flow))
        transaction.tag = tag
        transaction.lines = echo(request, answer_via(request, flow), f";tag={tag}" if tag else "")
        return transaction

    def _on_ack(self, request: Request, known: ServerTransaction | None) -> None:
        if known is not None and known.state != "accepted":
            known.handle("ack", request)
            return
        leg = self._layer.legs.get(request.to.tag)
        if leg is None or leg.zone != request.flow.zone:
            self.dropped["ack without dialog"] += 1
        else:
            receive_ack(leg, request)

    def _on_cancel(self, request: Request, key: str, flow: Flow) -> None:
        """Answer a CANCEL (9.2) and hand it to the INVITE it names."""
        invite = self._layer.servers.get(f"{key.removesuffix(' CANCEL')} INVITE")
        if invite is None or invite.flow.zone != flow.zone:
            raise Refusal("there is no INVITE to cancel", 481)
        transaction = self._open(request, key, flow, "" if request.to.tag else invite.tag)
        transaction.open()
        transaction.send(200, (status_line(200, "") + transaction.lines).encode() + content("", b"", ""))
        if isinstance(invite.owner, ServerInvite):
            invite.owner.on_cancel(request)

    def _in_dialog(self, request: Request, key: str, flow: Flow) -> None:
        leg = self._layer.legs.get(request.to.tag)
        if leg is None or leg.zone != flow.zone:
            raise Refusal("there is no such dialog", 481)
        check_extensions(request, self._layer.settings.supported)
        check_encoding(request)
        if request.method in {"INVITE", "UPDATE"}:
            check_contact(request)
            check_interval(request, self._layer.settings)
        elif request.method == "PRACK":
            parse_rack(request.get("rack"))
        transaction = self._open(request, key, flow, "")
        transaction.open()
        receive_within(leg, transaction, request, flow)

    def _outside(self, request: Request, key: str, flow: Flow) -> None:
        """Take a request that is new to us: a call, or something like OPTIONS."""
        layer = self._layer
        check_hops(request)
        merge_key = f"{request.call_id}\n{request.from_.tag}\n{request.get('cseq')}"
        merged = layer.merged[flow.zone]
        if merge_key in merged:
            raise Refusal("the same request came by another way (RFC 3261 8.2.2.2)", 482)
        if len(merged) >= MAX_NEW_REQUESTS:  # what ends calls (BYE, CANCEL) is never refused for want of room
            raise Refusal("there is no room for another transaction", 503, (("Retry-After", "10"),))
        check_extensions(request, layer.settings.supported)
        check_encoding(request)
        method = request.method
        if method == "INVITE":
            check_interval(request, layer.settings)
        if method in {"BYE", "PRACK", "UPDATE", "INFO"}:
            raise Refusal(f"{method} outside a dialog", 481)
        tag = layer.ids.token()
        if method == "INVITE":
            check_contact(request)
            called = request.parsed_uri
            who = Local.of(flow.transport, flow.sent_by, called.user, scheme=called.scheme)
            dialog = Dialog.from_request(who, request, tag, flow)
        transaction = self._open(request, key, flow, tag)
        transaction.merge_key = merge_key
        transaction.open()
        if method != "INVITE":
            transaction.expect_answer()
            handle = ServerRequest(layer, transaction, request, None)
            layer.events.append(RequestReceived(handle, request, flow, None))
            return
        leg = Leg(layer, flow.zone, who, request.call_id, tag)
        leg.called = True
        leg.allow(request)
        leg.state = CALLED
        leg.dialog = dialog
        leg.incoming = ServerInvite(leg, transaction, request, initial=True)
        transaction.owner = leg.incoming
        negotiate(leg, "receive invite", request.session)
        layer.legs[tag] = leg
        layer.standing.note_leg(leg)
        layer.events.append(IncomingInvite(leg, request, flow))

    def _refuse(self, request: Request, error: SipError, flow: Flow) -> None:
        """Answer without keeping state (8.2.7): a retransmission gets the same answer again, an ACK none."""
        if isinstance(error, Silence):
            self.dropped["ignored"] += 1
            return
        if request.method == "ACK" or "via" not in request.index:
            self.dropped["unanswerable"] += 1
            return
        try:
            to, via, tagged = answer_path(request, flow), answer_via(request, flow), bool(request.to.tag)
        except SipError:
            to, via, tagged = flow, "", ";tag=" in request.get("to").lower()
        tag = "" if tagged else f";tag={zlib.crc32((request.get('call-id') + request.get('cseq')).encode()):08x}"
        lines = fields_text(error.headers) if isinstance(error, Refusal) else ""
        answer = status_line(error.status, "") + echo(request, via, tag)
        self._layer.send(to, answer.encode() + content(lines, b"", ""))


def _bracketed(address: str) -> str:
    return address if "<" in address else f"<{address}>"
