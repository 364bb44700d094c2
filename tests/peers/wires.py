"""How a scripted peer sends and receives: one UDP socket, or a TCP listener and its connections."""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from typing import Literal, Protocol

from tests.peers.host import Host, family
from tests.peers.message import Stream

Transport = Literal["udp", "tcp", "tls", "wss"]
Place = tuple[str, int]

CONNECT_SECONDS = 5.0


class Wire(Protocol):
    """A bound place from which bytes go out and messages come in."""

    port: int

    def send(self, data: bytes, to: Place) -> None:
        """Send bytes to a place; over TCP on the connection with it, opened if there is none."""

    def receive(self, deadline: float) -> tuple[bytes, Place] | None:
        """Return the next message and where it came from, None when time.monotonic() reaches `deadline`."""

    def close(self) -> None:
        """Close every socket."""


class Udp:
    """One UDP socket."""

    def __init__(self, host: Host, address: str, port: int) -> None:
        self.socket = host.socket(family(address), socket.SOCK_DGRAM)
        _bind(self.socket, address, port)
        self.port: int = self.socket.getsockname()[1]

    def send(self, data: bytes, to: Place) -> None:
        """Send one datagram."""
        self.socket.sendto(data, to)

    def receive(self, deadline: float) -> tuple[bytes, Place] | None:
        """Return the next datagram; keep-alives are skipped."""
        while _readable([self.socket], deadline):
            data, source = self.socket.recvfrom(65536)
            if data.strip(b"\r\n\0"):
                return data, (source[0], source[1])
        return None

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


class Tcp:
    """A listener and the connections it has, in both directions.

    `receive_buffer` (octets) makes a peer that reads slowly: what it does not take soon stays with the sender.
    """

    def __init__(self, host: Host, address: str, port: int, receive_buffer: int | None = None) -> None:
        self._host = host
        self._address = address
        self._receive_buffer = receive_buffer
        self._streams: dict[socket.socket, Stream] = {}
        self._places: dict[Place, socket.socket] = {}
        self._waiting: list[tuple[bytes, Place]] = []
        self._listener = self._new()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(self._listener, address, port)
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]

    def send(self, data: bytes, to: Place) -> None:
        """Send on the connection with that place, opened if there is none."""
        self.connection(to).sendall(data)

    def connection(self, to: Place) -> socket.socket:
        """Return the connection with that place, opened if there is none."""
        if to not in self._places:
            opened = self._new()
            try:
                opened.settimeout(CONNECT_SECONDS)
                opened.bind((self._address, 0))
                opened.connect(to)
                opened = self._secured(opened, accepted=False)
            except BaseException:
                opened.close()
                raise
            self._keep(opened, to)
        return self._places[to]

    def receive(self, deadline: float) -> tuple[bytes, Place] | None:
        """Return the next whole message of any connection."""
        while not self._waiting:
            ready = _readable([self._listener, *self._streams], deadline)
            if not ready:
                return None
            for one in ready:
                self._take(one)
        return self._waiting.pop(0)

    def hang_up(self) -> None:
        """Close every connection and go on listening."""
        for one in tuple(self._streams):
            self._drop(one)

    def close(self) -> None:
        """Close every socket."""
        self.hang_up()
        self._listener.close()

    def _secured(self, one: socket.socket, *, accepted: bool) -> socket.socket:  # noqa: ARG002 - TLS asks
        """Return the connection as messages go over it."""
        return one

    def _read(self, one: socket.socket) -> bytes:
        """Read what is there; nothing at the end."""
        with suppress(ConnectionError):
            return one.recv(65536)
        return b""

    def _new(self) -> socket.socket:
        made = self._host.socket(family(self._address), socket.SOCK_STREAM)
        if self._receive_buffer is not None:  # inherited by accepted connections
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        return made

    def _take(self, one: socket.socket) -> None:
        if one is self._listener:
            connection, source = one.accept()
            with suppress(OSError):  # a handshake that fails is the end of it
                self._keep(self._secured(connection, accepted=True), (source[0], source[1]))
            return
        data = self._read(one)
        if not data:
            self._drop(one)
            return
        place = next(place for place, known in self._places.items() if known is one)
        self._waiting += [(message, place) for message in self._streams[one].feed(data)]

    def _keep(self, one: socket.socket, place: Place) -> None:
        self._streams[one] = Stream()
        self._places[place] = one

    def _drop(self, one: socket.socket) -> None:
        del self._streams[one]
        self._places = {place: known for place, known in self._places.items() if known is not one}
        one.close()


def open_wire(host: Host, transport: Transport, address: str, port: int) -> Udp | Tcp:
    """Return a wire of that transport; those that show a certificate are made with it."""
    if transport in {"tls", "wss"}:
        raise ValueError(f"{transport} needs certificates: make the wire and hand it to the agent")
    return Udp(host, address, port) if transport == "udp" else Tcp(host, address, port)


def _bind(one: socket.socket, address: str, port: int) -> None:
    try:
        one.bind((address, port))
    except OSError:
        one.close()
        raise


def _readable(sockets: list[socket.socket], deadline: float) -> list[socket.socket]:
    return select.select(sockets, [], [], max(0.0, deadline - time.monotonic()))[0]
