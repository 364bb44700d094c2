"""How messages stand in a connection's octets: one after the other with their lengths (RFC 3261 18.3), or in frames.

What a connection needs of either is one protocol; `b2bua.transport.websocket` has the other form.
"""

from __future__ import annotations

from typing import Protocol

from b2bua.sip import StreamFramer
from b2bua.sip.stream import PING, PONG


class Framing(Protocol):
    """Octets in, messages out, and back. `ready` tells whether messages may be sent, `ended` that there are no more."""

    ready: bool
    ended: bool
    pongs: int
    """Answers to our pings that came since the owner set this to 0."""

    def feed(self, data: bytes) -> list[bytes]:
        """Take octets and give the messages that are whole. Raises SipError where there are no borders any more."""
        ...

    def wrap(self, message: bytes) -> bytes:
        """Give a message as it goes over the wire. Raises FramingError where the framing is closing."""
        ...

    def ping(self) -> bytes:
        """Ask whether the other end is there; what it says is counted in `pongs`."""
        ...

    def to_send(self) -> bytes:
        """Give what is to be sent beside messages: handshakes, answers to pings, goodbyes."""
        ...


class StreamFraming:
    """SIP over TCP and TLS, kept alive by line ends (RFC 5626 3.5.1)."""

    def __init__(self) -> None:
        self.ready = True
        self.ended = False
        self.pongs = 0
        self._framer = StreamFramer()

    def feed(self, data: bytes) -> list[bytes]:
        """Take octets and give the messages that are whole. Raises SipError."""
        messages = self._framer.feed(data)
        self.pongs += self._framer.pongs
        self._framer.pongs = 0
        return messages

    def wrap(self, message: bytes) -> bytes:
        """Give the message: its Content-Length is its frame."""
        return message

    def ping(self) -> bytes:
        """Give two line ends; one comes back."""
        self._framer.await_pong()
        return PING

    def to_send(self) -> bytes:
        """Answer pings."""
        pings, self._framer.pings = self._framer.pings, 0
        return PONG * pings
