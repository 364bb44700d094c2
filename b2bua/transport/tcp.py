"""SIP over TCP: connections that are framed, bounded and reused (RFC 3261 18)."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

from b2bua.sip import Flow, Outgoing, SipError, StreamFramer
from b2bua.sip.stream import PONG
from b2bua.transport.errors import ListenError
from b2bua.transport.limits import FIRST_MESSAGE_SECONDS, IDLE_SECONDS, MAX_WAITING, MAX_WRITE_QUEUE
from b2bua.transport.listener import Listener


class Owner(Protocol):
    """What a connection needs of the shell."""

    def opened(self, connection: Connection, remote: str) -> bool:
        """Register a connection from or to a host; False if there is no room for it."""
        ...

    def received(self, data: bytes, flow: Flow) -> None:
        """Take one message."""
        ...

    def flush(self) -> None:
        """Let out what the messages caused."""
        ...

    def undelivered(self, outgoing: Outgoing, sentence: str) -> None:
        """Tell that a message never left."""
        ...

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        ...


class Connection(asyncio.Protocol):
    """One connection, accepted or opened by us. Messages wait until it is open; a reader too slow loses it."""

    def __init__(self, owner: Owner, listener: Listener, ident: int, *, accepted: bool) -> None:
        self.listener = listener
        self.id = ident
        self.accepted = accepted
        self.flow: Flow | None = None
        self._owner = owner
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None
        self._waiting: list[Outgoing] = []
        self._loop = asyncio.get_running_loop()
        self._deadline: asyncio.TimerHandle | None = None
        self._due = 0.0  # when to give up an accepted connection, unless something comes
        self._spoke = False  # whether a whole message has come

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the open connection and send what waited for it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio makes a stream transport for a stream
        self._transport = transport
        peer = transport.get_extra_info("peername")
        if peer is None:  # it was reset before we looked
            transport.abort()
            return
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listener = self.listener
        remote = peer[:2]
        local = (listener.address, listener.port)
        self.flow = Flow(listener.transport, local, remote, listener.zone, self.id, listener.sent_by)
        if not self._owner.opened(self, remote[0]):
            transport.abort()
            return
        if self.accepted:
            self._due = self._loop.time() + FIRST_MESSAGE_SECONDS
            self._watch()
        waiting, self._waiting = self._waiting, []
        for outgoing in waiting:
            self.send(outgoing)

    def data_received(self, data: bytes) -> None:
        """Cut octets into messages; a stream that is no SIP is closed."""
        flow, transport = self.flow, self._transport
        if flow is None or transport is None:
            return
        try:
            messages = self._framer.feed(data)
        except SipError:
            transport.close()
            return
        self._spoke = self._spoke or bool(messages)
        if self._spoke:
            self._due = self._loop.time() + IDLE_SECONDS
        if self._framer.pings:
            transport.write(PONG * self._framer.pings)
            self._framer.pings = 0
        if not messages:
            return
        for message in messages:
            self._owner.received(message, flow)
        self._owner.flush()

    def _watch(self) -> None:
        """Close a connection that was silent for too long; the timer moves when it fires, not with every message."""
        if self._due <= self._loop.time():
            self.close()
        else:
            self._deadline = self._loop.call_at(self._due, self._watch)

    def send(self, outgoing: Outgoing) -> None:
        """Write a message, or keep it until the connection is open."""
        transport = self._transport
        if transport is None:
            if len(self._waiting) >= MAX_WAITING:
                self._owner.undelivered(outgoing, "too many messages wait for the connection")
            else:
                self._waiting.append(outgoing)
        elif transport.is_closing():
            self._owner.undelivered(outgoing, "the connection is closed")
        elif transport.get_write_buffer_size() + len(outgoing.data) > MAX_WRITE_QUEUE:
            transport.abort()
            self._owner.undelivered(outgoing, "the peer reads too slowly")
        else:
            transport.write(outgoing.data)

    def fail(self, sentence: str) -> None:
        """Give up a connection, with what still waits for it to open."""
        waiting, self._waiting = self._waiting, []
        for outgoing in waiting:
            self._owner.undelivered(outgoing, sentence)
        self._owner.closed(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell everybody that the connection is gone."""
        if self._deadline is not None:
            self._deadline.cancel()
        self.fail("the connection is closed")

    def close(self) -> None:
        """Close without waiting for the peer."""
        if self._transport is not None:
            self._transport.abort()


def listen(listener: Listener) -> socket.socket:
    """Bind and listen. Raises ListenError."""
    family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((listener.address, listener.port))
        bound.listen(socket.SOMAXCONN)
    except OSError as error:
        bound.close()
        raise ListenError(listener, error) from error
    return bound
