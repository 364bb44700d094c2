"""BFCP over TCP at one place of one host: it opens a connection, or waits for one (RFC 8856 section 8, RFC 4145)."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.peers.bfcp import HEADER, Message
from tests.peers.host import Host, family

PATIENCE = 10.0
"""Seconds until something counts as missing: longer than a lost SYN takes to be sent again, twice."""

Place = tuple[str, int]


@dataclass(slots=True)
class Floor:
    """One end of a floor control connection; close it, or use it with ``with``."""

    connection: socket.socket
    source: Place

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def say(self, message: Message) -> None:
        """Send a message."""
        self.connection.sendall(message.write())

    def hear(self) -> Message:
        """Return the next message; raises TimeoutError, or EOFError where the other side has ended."""
        head = self._exactly(HEADER.size)
        words = HEADER.unpack(head)[2]
        return Message.read(head + self._exactly(4 * words))

    def ended(self) -> bool:
        """Tell whether the other side ends the connection."""
        try:
            return self.connection.recv(1) == b""
        except ConnectionResetError:
            return True

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.connection.recv(size - len(data))
            if not more:
                raise EOFError(f"the connection ended after {len(data)} of {size} octets")
            data += more
        return data


class Waiting:
    """A place where a connection is waited for."""

    def __init__(self, host: Host, address: str, port: int) -> None:
        self.socket = host.socket(family(address), socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, port))
        self.socket.listen(1)
        self.socket.settimeout(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def accept(self) -> Floor:
        """Return the connection that comes; raises TimeoutError."""
        connection, source = self.socket.accept()
        connection.settimeout(PATIENCE)
        return Floor(connection, source[:2])


def connect(host: Host, address: str, to: Place, *, within: float = PATIENCE) -> Floor:
    """Open a connection from an address of a host; raises TimeoutError where nobody answers."""
    one = host.socket(family(address), socket.SOCK_STREAM)
    try:
        one.bind((address, 0))
        one.settimeout(within)
        one.connect(to)
    except OSError:
        one.close()
        raise
    one.settimeout(PATIENCE)
    return Floor(one, one.getsockname()[:2])
