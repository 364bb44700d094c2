"""SIP over secure WebSocket, the server's side (RFC 7118 on the sans-IO core of `websockets`).

The page that opens it has to be of an allowed origin, speak the subprotocol `sip` and ask for the path we serve. Each
message is one WebSocket message; nothing is compressed, so sizes are known before anything is kept.
"""

from __future__ import annotations

import contextlib
import http
import logging
from collections.abc import Iterable

from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from b2bua.sip.limits import MAX_MESSAGE
from b2bua.sip.stream import PING, PONG
from b2bua.transport.errors import FramingError

MAX_HANDSHAKE = 16_384
"""Octets of the HTTP request that opens a WebSocket: cookies of a portal and a long path are some 6 kB."""

_SIP = Subprotocol("sip")
_quiet = logging.getLogger("b2bua.transport.websocket.core")
_quiet.setLevel(logging.WARNING)  # it would write cookies and tokens of the handshake into the log


class WebSocket:
    """One WebSocket that a browser opens; a `Framing`."""

    def __init__(self, origins: Iterable[str], path: str) -> None:
        self.ready = False
        self.ended = False
        self.pongs = 0
        self._path = path
        self._handshake = 0
        self._parts = bytearray()
        allowed = [Origin(each) for each in origins]
        self._core = ServerProtocol(origins=allowed, subprotocols=[_SIP], max_size=MAX_MESSAGE, logger=_quiet)

    def feed(self, data: bytes) -> list[bytes]:
        """Take octets and give the messages that are whole."""
        if self.ended:
            return []
        if not self.ready:
            self._handshake += len(data)
            if self._handshake > MAX_HANDSHAKE:
                self.ended = True
                return []
        self._core.receive_data(data)
        messages: list[bytes] = []
        for event in self._core.events_received():
            if isinstance(event, Request):
                self._answer(event)
            elif isinstance(event, Frame):
                messages += self._take(event)
        return messages

    def _answer(self, request: Request) -> None:
        if request.path.partition("?")[0] == self._path:
            response = self._core.accept(request)
        else:
            response = self._core.reject(http.HTTPStatus.NOT_FOUND, "There is nothing here.\n")
        self._core.send_response(response)
        self.ready = self._core.state is State.OPEN

    def _take(self, frame: Frame) -> list[bytes]:
        if frame.opcode is Opcode.PONG:
            self.pongs += 1
            return []
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            return []
        self._parts += frame.data  # MAX_MESSAGE bounds them, however many there are
        if not frame.fin:
            return []
        message = bytes(self._parts)
        self._parts.clear()
        if message == PING:  # some clients keep alive as on TCP
            with contextlib.suppress(InvalidState):  # a goodbye came along with it
                self._core.send_text(PONG)
        return [message] if message.strip(b"\r\n") else []

    def wrap(self, message: bytes) -> bytes:
        """Give a message in a frame: text, or binary where it is no UTF-8 (RFC 7118 4.2). Raises FramingError."""
        send = self._core.send_text
        try:
            message.decode()
        except UnicodeDecodeError:
            send = self._core.send_binary
        try:
            send(message)
        except InvalidState:
            raise FramingError("the WebSocket is closing") from None
        return self.to_send()

    def ping(self) -> bytes:
        """Give a ping (RFC 6455 5.5.2): browsers answer by themselves, and send none."""
        try:
            self._core.send_ping(b"")
        except InvalidState:
            return b""
        return self.to_send()

    def to_send(self) -> bytes:
        """Give what is to be sent beside messages."""
        parts = self._core.data_to_send()
        if b"" in parts or self._core.state in {State.CLOSING, State.CLOSED}:
            self.ended = True
        if self.ended:
            self.ready = False
        return b"".join(parts)
