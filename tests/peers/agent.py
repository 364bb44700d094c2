"""A scripted user agent on plain sockets: it says exactly what a test tells it to, also what no standard allows.

It never retransmits, acknowledges or ends anything by itself, so a test loses a 200 by not answering it, crosses BYEs
by sending one before reading, forks by replying with two tags. The one thing it does alone is to answer OPTIONS.

    left, right = Agent(...), Agent(...)
    call = left.invite("sip:bob@example.net", (edge, 5060), body=offer)
    invite = right.expect("INVITE")
    right.reply(invite, 200, body=answer)
    left.ack(call, left.expect(200))
"""

from __future__ import annotations

import itertools
import os
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.peers import message as sip
from tests.peers.host import Host, hostport
from tests.peers.message import Message
from tests.peers.wires import Place, Transport, Wire, open_wire

PATIENCE = 5.0
"""Seconds until an expected message counts as missing."""

NOWHERE = "df7jal23ls0d.invalid"

Fields = Sequence[tuple[str, str]]

_numbers = itertools.count(1)


@dataclass(slots=True)
class Dialog:
    """One dialog as one side holds it: the header values of its own requests, and the INVITE it began with."""

    call_id: str
    local: str
    remote: str
    target: str
    hop: Place
    cseq: int
    invite: Message


@dataclass(slots=True)
class Agent:
    """A user agent at one address of one host; close it, or use it with ``with``. `ready` is a wire made before."""

    host: Host
    address: str
    port: int = 0
    transport: Transport = "udp"
    user: str = "peer"
    ready: Wire | None = None
    wire: Wire = field(init=False)
    received: list[Message] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    copies: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.wire = self.ready or open_wire(self.host, self.transport, self.address, self.port)
        self.port = self.wire.port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None:
            error.add_note(self.transcript())
        self.wire.close()

    # Requests

    def invite(
        self, to: str, hop: Place, *, body: str = "", tag: str = "", caller: str = "", more: Fields = ()
    ) -> Dialog:
        """Send an INVITE to `to` by way of `hop`; the dialog is complete when `ack` gets its 200.

        `caller` replaces the URI in From; `more` are further header fields.
        """
        local = f"<{caller or self._uri()}>;tag={tag or _token()}"
        call = Dialog(f"{_token()}@{self.user}", local, f"<{to}>", to, hop, 0, Message("", []))
        call.invite = self.request(call, "INVITE", body=body, more=more)
        return call

    def request(self, call: Dialog, method: str, *, body: str = "", more: Fields = ()) -> Message:
        """Send the next request of a dialog and return it."""
        call.cseq += 1
        return self.send(self._request(call, method, call.cseq, _branch(), body, more), call.hop)

    def ack(self, call: Dialog, final: Message, *, body: str = "") -> Message:
        """Acknowledge a final answer; a 2xx also completes the dialog (RFC 3261 12.1.2, 13.2.2.4, 17.1.1.3)."""
        call.remote = final["To"]
        branch = final.branch
        if final.status < 300:
            call.target = final.contact
            call.hop = place(final.contact)
            branch = _branch()
        number = int(final["CSeq"].split()[0])
        made = self._request(call, "ACK", number, branch, body, ())
        if final.status >= 300:
            made.start = f"ACK {call.invite.uri} SIP/2.0"
        return self.send(made, call.hop)

    def cancel(self, call: Dialog) -> Message:
        """Cancel the INVITE of a dialog (RFC 3261 section 9.1)."""
        made = self._request(call, "CANCEL", call.cseq, call.invite.branch, "", ())
        made.start = f"CANCEL {call.invite.uri} SIP/2.0"
        return self.send(made, call.hop)

    def bye(self, call: Dialog) -> Message:
        """Send a BYE."""
        return self.request(call, "BYE")

    # Answers

    def accept(self, invite: Message, tag: str = "") -> Dialog:
        """Hold the dialog of an INVITE that came here; replies to it then carry its tag."""
        local = f"{invite['To']};tag={tag or _token()}"
        return Dialog(invite["Call-ID"], local, invite["From"], invite.contact, place(invite.contact), 0, invite)

    def reply(
        self, request: Message, status: int, *, call: Dialog | None = None, body: str = "", more: Fields = ()
    ) -> Message:
        """Answer a request; the To tag is that of `call`, if given."""
        return self.send(self.response(request, status, call=call, body=body, more=more), request.source)

    def response(
        self, request: Message, status: int, *, call: Dialog | None = None, body: str = "", more: Fields = ()
    ) -> Message:
        """Make an answer without sending it."""
        to = call.local if call is not None and not request.tag("To") else request["To"]
        fields = [(name, value) for name in ("Via", "Record-Route") for value in request.all(name)]
        fields += [("From", request["From"]), ("To", to), ("Call-ID", request["Call-ID"]), ("CSeq", request["CSeq"])]
        if 100 < status < 300 and request.method == "INVITE":
            fields.append(("Contact", f"<{self._uri()}>"))
        return Message(f"SIP/2.0 {status} {'OK' if status < 300 else 'No'}", _typed([*fields, *more], body), body)

    # What comes

    def expect(self, what: str | int, *, within: float = PATIENCE) -> Message:
        """Return the next message, which must be that request ("BYE") or that status (180).

        Retransmissions and 100 are counted and passed over; OPTIONS are answered. Anything else fails the test.
        """
        got = self._next(within)
        assert got is not None, f"{self.user} expected {what}, nothing came within {within} s"
        assert got.name.split()[0] == str(what), f"{self.user} expected {what}, got:\n{got}"
        return got

    def expect_one_of(self, *what: str | int, within: float = PATIENCE) -> Message:
        """Return the next message, which must be one of `what`: where the standard leaves a choice."""
        got = self._next(within)
        assert got is not None, f"{self.user} expected one of {what}, nothing came within {within} s"
        assert got.name.split()[0] in map(str, what), f"{self.user} expected one of {what}, got:\n{got}"
        return got

    def expect_each(self, *what: str | int, within: float = PATIENCE) -> list[Message]:
        """Return one message for each of `what`, which may come in any order: crossing requests do."""
        left = [str(one) for one in what]
        found: dict[str, Message] = {}
        while left:
            got = self._next(within)
            assert got is not None, f"{self.user} expected {' and '.join(left)}, nothing came within {within} s"
            kind = got.name.split()[0]
            assert kind in left, f"{self.user} expected {' and '.join(left)}, got:\n{got}"
            left.remove(kind)
            found[kind] = got
        return [found[str(one)] for one in what]

    def expect_copies(self, of: Message, count: int, *, within: float = PATIENCE) -> None:
        """Wait until a message was received `count` times in all."""
        deadline = time.monotonic() + within
        while self.copies[_print(of)] < count:
            got = self._read(deadline)
            assert got is not None, f"{self.copies[_print(of)]} copies of {of.name}, not {count}"
            known = self.copies[_print(got)] > 1 or got.status == 100
            assert known, f"{self.user} expected a copy of {of.name}, got:\n{got}"

    def expect_nothing(self, seconds: float = 0.5) -> None:
        """Fail if anything new comes for a while; retransmissions are passed over."""
        got = self._take(time.monotonic() + seconds)
        assert got is None, f"{self.user} expected nothing, got:\n{got}"

    def send(self, message: Message, to: Place) -> Message:
        """Send a message as it is and return it."""
        self.sent.append(message)
        self.wire.send(message.write(), to)
        return message

    def send_raw(self, data: bytes, to: Place) -> None:
        """Send bytes, whatever they are."""
        self.wire.send(data, to)

    def transcript(self) -> str:
        """Return everything that was received and sent, as text."""
        parts = [f"--- {self.user} received\n{one}" for one in self.received]
        return "\n".join([*parts, *(f"--- {self.user} sent\n{one}" for one in self.sent)])

    def _next(self, within: float) -> Message | None:
        """Return the next message that a test is about."""
        deadline = time.monotonic() + within
        while (got := self._take(deadline)) is not None:
            if got.method == "OPTIONS" and not got.status:
                self.reply(got, 200)
            elif got.status != 100:
                return got
        return None

    def _take(self, deadline: float) -> Message | None:
        """Return the next message that was not received before."""
        while (got := self._read(deadline)) is not None:
            if self.copies[_print(got)] == 1:
                return got
        return None

    def _read(self, deadline: float) -> Message | None:
        """Return the next message, counted."""
        came = self.wire.receive(deadline)
        if came is None:
            return None
        got = sip.read(*came)
        self.copies[_print(got)] += 1
        self.received.append(got)
        return got

    def _request(self, call: Dialog, method: str, number: int, branch: str, body: str, more: Fields) -> Message:
        sent_by = NOWHERE if self.transport == "wss" else hostport(self.address, self.port)
        fields = [
            ("Via", f"SIP/2.0/{self.transport.upper()} {sent_by};branch={branch};rport"),
            ("Max-Forwards", "70"),
            ("From", call.local),
            ("To", call.remote),
            ("Call-ID", call.call_id),
            ("CSeq", f"{number} {method}"),
        ]
        if method in ("INVITE", "UPDATE"):
            fields.append(("Contact", f"<{self._uri()}>"))
        return Message(f"{method} {call.target} SIP/2.0", _typed([*fields, *more], body), body)

    def _uri(self) -> str:
        if self.transport == "wss":
            return f"sip:{self.user}@{NOWHERE};transport=ws"  # RFC 7118 5: a browser has no address
        suffix = "" if self.transport == "udp" else f";transport={self.transport}"
        return f"sip:{self.user}@{hostport(self.address, self.port)}{suffix}"


def place(uri: str) -> Place:
    """Return the literal address and port of a SIP URI."""
    found = re.fullmatch(r"sips?:(?:[^@]*@)?(?:\[([^\]]+)\]|([^:;?]+))(?::(\d+))?(?:[;?].*)?", uri)
    assert found, f"not a SIP URI: {uri}"
    return found[1] or found[2], int(found[3] or 5060)


def _typed(fields: list[tuple[str, str]], body: str) -> list[tuple[str, str]]:
    named = any(name == "Content-Type" for name, _ in fields)
    return [*fields, ("Content-Type", "application/sdp")] if body and not named else fields


def _print(message: Message) -> tuple[str, str]:
    """Return what tells a retransmission from a new message: its first line, transaction and tag."""
    return message.start, f"{message.branch} {message['CSeq']} {message.tag('To')} {message.body}"


def _token() -> str:
    return f"{os.urandom(4).hex()}{next(_numbers)}"


def _branch() -> str:
    return f"z9hG4bK{_token()}"  # RFC 3261 section 8.1.1.7
