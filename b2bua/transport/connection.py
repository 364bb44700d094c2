"""One connection of SIP: framed, bounded, known by whose it is (RFC 3261 18, RFC 5626, RFC 7118).

    socket <-> TLS (or nothing) <-> framing <-> messages

What waits to be written is bounded; a peer that reads too slowly loses its connection and stalls nobody.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Protocol

from b2bua.sip import Flow, Outgoing, SipError, Target
from b2bua.transport.errors import FramingError, TlsError
from b2bua.transport.framing import Framing
from b2bua.transport.limits import LINGER_SECONDS, MAX_WAITING, MAX_WRITE_QUEUE
from b2bua.transport.listener import Listener
from b2bua.transport.mark import mark
from b2bua.transport.pulse import Pulse
from b2bua.transport.tls import TlsStream

log = logging.getLogger(__name__)


class Owner(Protocol):
    """What a connection needs of the shell."""

    def connected(self, connection: Connection) -> bool:
        """Register a connection from or to a host; False if there is no room for it."""
        ...

    def opened(self, connection: Connection) -> None:
        """Note that it is known whose the connection is: messages may come and go."""
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
    """One connection, accepted or opened by us to `target`. Messages wait until it is open."""

    def __init__(
        self,
        owner: Owner,
        listener: Listener,
        ident: int,
        framing: Framing,
        tls: TlsStream | None = None,
        target: Target | None = None,
    ) -> None:
        self.listener = listener
        self.id = ident
        self.target = target
        self.remote: tuple[str, int] = ("", 0)
        self.flow: Flow | None = None
        self.served: set[tuple[str, int]] = set()
        """Places whose requests went over it although it was opened to, or came from, another one."""
        self._owner = owner
        self._framing = framing
        self._tls = tls
        self._transport: asyncio.Transport | None = None
        self._waiting: list[Outgoing] = []
        self._why = "the connection is closed"
        self._loop = asyncio.get_running_loop()
        self._pulse = Pulse.of(listener.transport, self._loop.time(), accepted=target is None)
        self._timer: asyncio.TimerHandle | None = None

    @property
    def accepted(self) -> bool:
        """Whether the peer opened it."""
        return self.target is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connected socket; handshakes begin."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio makes a stream transport for a stream
        self._transport = transport
        peer = transport.get_extra_info("peername")
        if peer is None:  # it was reset before we looked
            transport.abort()
            return
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        mark(raw)
        self.remote = peer[:2]
        if not self._owner.connected(self):
            transport.abort()
            return
        self._write(b"")
        self._settle()
        if not transport.is_closing():
            self._watch()

    # From the network

    def data_received(self, data: bytes) -> None:
        """Turn octets into messages; what is neither TLS nor SIP where it should be is closed."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        try:
            messages = self._framing.feed(self._tls.receive(data) if self._tls else data)
        except TlsError as error:
            self._refuse(error)
            return
        except SipError:
            self._hang_up(transport)
            return
        self._write(self._framing.to_send())
        self._settle()
        pongs, self._framing.pongs = self._framing.pongs, 0
        self._pulse.heard(self._loop.time(), message=bool(messages), pong=bool(pongs))
        if messages and self.flow is not None:
            for message in messages:
                self._owner.received(message, self.flow)
            self._owner.flush()
        if self._framing.ended or (self._tls is not None and self._tls.ended):
            self._hang_up(transport)

    def _settle(self) -> None:
        """Once the handshakes are over: say whose the connection is, send what waited for it."""
        if self.flow is not None or not self._framing.ready or (self._tls is not None and not self._tls.ready):
            return
        one = self.listener
        identity = self._tls.identity if self._tls else None
        local = (one.address, one.port)
        self.flow = Flow(one.transport, local, self.remote, one.zone, self.id, one.sent_by, identity, self.target)
        self._pulse.opened(self._loop.time())
        if self._tls is not None:
            log.debug("connection.secured: %s with %s", self._tls.version, self.remote[0])
        self._owner.opened(self)
        waiting, self._waiting = self._waiting, []
        for outgoing in waiting:
            self.send(outgoing)

    def _refuse(self, error: TlsError) -> None:
        """Close a connection whose other end is not who it should be, or speaks no TLS we do."""
        self._why = str(error)
        log.log(
            logging.INFO if self.accepted else logging.WARNING,
            "connection.refused: %s %s in zone %s: %s",
            *("from" if self.accepted else "to", self.remote[0], self.listener.zone, error),
        )
        if self._transport is not None:
            if self._tls is not None:
                self._transport.write(self._tls.to_send())  # the alert says why
            self._hang_up(self._transport)

    # To the network

    @property
    def queued(self) -> int:
        """How many octets wait: for the connection to open, or for the peer to read."""
        waiting = sum(len(outgoing.data) for outgoing in self._waiting)
        return waiting + (self._transport.get_write_buffer_size() if self._transport is not None else 0)

    def send(self, outgoing: Outgoing) -> None:
        """Write a message, or keep it until the connection is open."""
        transport = self._transport
        closing = transport is not None and transport.is_closing()
        if closing or self._framing.ended:  # its other end may have said goodbye in the octets that are being read
            self._owner.undelivered(outgoing, self._why)
        elif transport is None or self.flow is None:
            if len(self._waiting) >= MAX_WAITING:
                self._owner.undelivered(outgoing, "too many messages wait for the connection")
            else:
                self._waiting.append(outgoing)
        elif transport.get_write_buffer_size() + len(outgoing.data) > MAX_WRITE_QUEUE:
            transport.abort()
            self._owner.undelivered(outgoing, "the peer reads too slowly")
        else:
            try:
                data = self._framing.wrap(outgoing.data)
            except FramingError as error:
                self._owner.undelivered(outgoing, str(error))
            else:
                self._write(data)

    def _write(self, data: bytes) -> None:
        transport, tls = self._transport, self._tls
        if transport is None or transport.is_closing():
            return
        if tls is not None:
            if data:
                try:
                    tls.send(data)
                except TlsError as error:
                    self._refuse(error)
                    return
            data = tls.to_send()
        if not data:
            return
        if transport.get_write_buffer_size() > MAX_WRITE_QUEUE:  # pongs to somebody who does not read them
            transport.abort()
        else:
            transport.write(data)

    # Life and end

    def _watch(self) -> None:
        """Ping or close when it is time; the timer moves when it fires, not with every message."""
        act = self._pulse.act(self._loop.time())
        if act == "close":
            self._why = "the peer was silent for too long"
            self.close()
            return
        if act == "ping":
            self._write(self._framing.ping())
        due = self._pulse.due
        if due != float("inf"):
            self._timer = self._loop.call_at(due, self._watch)

    def _hang_up(self, transport: asyncio.Transport) -> None:
        """Close once everything is written, or soon if it is not."""
        transport.close()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(LINGER_SECONDS, transport.abort)

    def fail(self, sentence: str) -> None:
        """Give up a connection, with what still waits for it to open."""
        waiting, self._waiting = self._waiting, []
        for outgoing in waiting:
            self._owner.undelivered(outgoing, sentence)
        self._owner.closed(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell everybody that the connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
        self.fail(self._why)

    def close(self) -> None:
        """Close without waiting for the peer."""
        if self._transport is not None:
            if self._tls is not None and not self._transport.is_closing():
                self._tls.finish()
                self._transport.write(self._tls.to_send())
            self._transport.abort()
