"""Cuts a byte stream into messages by Content-Length (RFC 3261 18.3, keepalives of RFC 5626 4.4.1)."""

from __future__ import annotations

from b2bua.sip.errors import ParseError, TooLarge
from b2bua.sip.limits import MAX_HEAD, MAX_MESSAGE
from b2bua.sip.parser import END_OF_HEAD, content_length, parse_head

PING = b"\r\n\r\n"
PONG = b"\r\n"


class StreamFramer:
    """Collects one connection's octets; holds at most one unfinished message.

    After an error the stream has no message borders any more: the connection has to be closed.
    """

    __slots__ = ("_asked", "_buffer", "_need", "_scanned", "pings", "pongs")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._need = 0
        self._scanned = 0
        self.pings = 0
        """Keepalive pings not answered yet; the owner sends PONG for each and sets this back to 0."""
        self.pongs = 0
        """Answers to our own pings, for the owner to set back to 0."""
        self._asked = False

    def feed(self, data: bytes) -> list[bytes]:
        """Add octets and give the messages that are complete.

        Raises ParseError if the stream is no SIP, TooLarge (413) if a message is over MAX_MESSAGE.
        """
        self._buffer += data
        messages: list[bytes] = []
        while self._buffer:
            if not self._need and not self._measure():
                break
            if len(self._buffer) < self._need:
                break
            messages.append(bytes(self._buffer[: self._need]))
            del self._buffer[: self._need]
            self._need = 0
        return messages

    def await_pong(self) -> None:
        """Note that we sent a ping: a line end alone is its answer now, not half a ping."""
        self._asked = True

    def _measure(self) -> bool:
        """Find the length of the message at the front; False if its head is not complete."""
        self._skip_keepalives()
        buffer = self._buffer
        end = buffer.find(END_OF_HEAD, max(0, self._scanned - 3))
        if end < 0:
            self._scanned = len(buffer)
            if len(buffer) > MAX_HEAD:
                raise TooLarge(f"the headers are over {MAX_HEAD} octets")
            return False
        self._scanned = 0
        try:
            length = content_length(parse_head(bytes(buffer[:end])))
        except ParseError as error:
            length = None
            if error.request is not None:
                length = content_length(error.request)  # the receiver answers 400; the border is still known
            if length is None:
                raise
        if length is None:
            raise ParseError("on a stream every message needs a Content-Length (RFC 3261 20.14)")
        self._need = end + len(END_OF_HEAD) + length
        if self._need > MAX_MESSAGE:
            raise TooLarge(f"the message is over {MAX_MESSAGE} octets", 413)
        return True

    def _skip_keepalives(self) -> None:
        buffer = self._buffer
        while buffer.startswith(PING):
            del buffer[: len(PING)]
            self.pings += 1
            self._scanned = 0
        if self._asked and buffer.startswith(PONG) and buffer[2:3] != b"\r":
            del buffer[: len(PONG)]
            self._asked = False
            self.pongs += 1
            self._scanned = 0
        # A lone CRLF before a start line is skipped (7.5); its second half may still be under way
        while len(buffer) > 2 and buffer.startswith(PONG) and not buffer.startswith(b"\r\n\r"):
            del buffer[: len(PONG)]
            self._scanned = 0
