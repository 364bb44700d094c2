"""The I/O shell around an element of `b2bua.sip`: its sockets, its way out and its one timer.

The listener of a zone picks the route: what leaves for a zone leaves from an address of that zone, so no mark and no
privilege is needed.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import itertools
import logging
import math
import socket
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from b2bua.sip import Flow, Outgoing, Target, Wanted
from b2bua.transport.connection import Connection
from b2bua.transport.credentials import Credentials
from b2bua.transport.datagrams import Datagrams
from b2bua.transport.errors import TlsError
from b2bua.transport.framing import StreamFraming
from b2bua.transport.limits import CONNECT_SECONDS, TICK
from b2bua.transport.listener import Listener
from b2bua.transport.places import Places
from b2bua.transport.pool import Pool
from b2bua.transport.tcp import listen
from b2bua.transport.udp import UdpSocket
from b2bua.transport.websocket import WebSocket

log = logging.getLogger(__name__)


class Sink(Protocol):
    """The sans-IO side: an `Endpoint`, or a gateway around one."""

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """Take one message."""
        ...

    def send_failed(self, outgoing: Outgoing, sentence: str, now: float) -> None:
        """Hear that a message could not be delivered."""
        ...

    def flow_closed(self, flow: Flow, now: float) -> None:
        """Hear that a connection is gone."""
        ...

    def to_send(self) -> list[Outgoing]:
        """Give what is to be sent."""
        ...

    def next_timer(self) -> float | None:
        """Give when `on_timer` is due."""
        ...

    def on_timer(self, now: float) -> None:
        """Do what is due."""
        ...


@functools.lru_cache(maxsize=4096)
def family(host: str) -> int:
    """Give 4 or 6 for an address, 0 for a name: looking names up is not the sockets' work."""
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return 0


class Shell:
    """All sockets of one element. Time is the event loop's clock, in seconds.

    `after` runs whenever the sink may have something new to say, before its messages go out; `credentials` has the
    certificates of listeners for TLS and secure WebSocket.
    """

    def __init__(
        self, sink: Sink, after: Callable[[], None] = lambda: None, credentials: Credentials | None = None
    ) -> None:
        self._sink = sink
        self._after = after
        self._credentials = credentials or Credentials()
        self._loop = asyncio.get_running_loop()
        self._ids = itertools.count(1)
        self._datagrams = Datagrams(self.flush)
        self._servers: list[tuple[Listener, Listener, asyncio.Server]] = []  # as asked for, as bound
        self._ahead: list[asyncio.Server] = []
        self._pool = Pool()
        self._places = Places()
        self._connecting: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    @property
    def now(self) -> float:
        """The time to call the sink with."""
        return self._loop.time()

    async def open(self, listeners: Iterable[Listener], *, ahead: bool = False) -> None:
        """Bind every listener beside those that are open, or none of them: raises ListenError.

        With `ahead` they are bound and nothing more: what comes waits in the kernel until `begin`.
        """
        bound: list[Listener] = []
        try:
            for listener in listeners:
                if listener.transport == "udp":
                    self._datagrams.open(UdpSocket(listener, next(self._ids), self.received), ahead=ahead)
                else:
                    await self._open_stream(listener, ahead=ahead)
                bound.append(listener)
        except BaseException:
            await self.shut(bound)
            raise

    async def begin(self) -> None:
        """Serve those that were opened ahead, too."""
        self._datagrams.begin()
        begun, self._ahead = self._ahead, []
        for server in begun:
            await server.start_serving()

    async def shut(self, listeners: Iterable[Listener]) -> None:
        """Close these listeners; connections that came through them live on."""
        gone = set(listeners)
        self._datagrams.shut(gone.__contains__)
        closing = [server for asked, _, server in self._servers if asked in gone]
        self._servers = [entry for entry in self._servers if entry[0] not in gone]
        for server in closing:
            server.close()
        self._ahead = [server for server in self._ahead if server not in closing]

    async def _open_stream(self, listener: Listener, *, ahead: bool) -> None:
        bound = listen(listener)
        served = listener
        if not listener.port:
            port = bound.getsockname()[1]
            served = Listener(listener.zone, listener.transport, listener.address, port, listener.advertise)

        def accept() -> asyncio.Protocol:
            return self._accept(listener, served)

        backlog = socket.SOMAXCONN  # create_server listens again, with a hundred
        server = await self._loop.create_server(accept, sock=bound, backlog=backlog, start_serving=not ahead)
        self._servers.append((listener, served, server))
        if ahead:
            self._ahead.append(server)

    def _accept(self, asked: Listener, served: Listener) -> asyncio.Protocol:
        if served.transport == "tcp":
            return Connection(self, served, next(self._ids), StreamFraming())
        try:
            tls = self._credentials.accept(asked)
            web = self._credentials.web(asked) if served.transport == "wss" else None
        except TlsError as error:  # the site version of today has no certificate for it
            log.info("connection.refused: %s", error)
            return _Refused()
        framing = WebSocket(web.origins, web.path) if web else StreamFraming()
        return Connection(self, served, next(self._ids), framing, tls)

    @property
    def listeners(self) -> list[Listener]:
        """What is bound, with the ports that were given."""
        udp = [
            Listener(one.listener.zone, "udp", one.local[0], one.local[1], one.listener.advertise)
            for one in self._datagrams
        ]
        return udp + [served for _, served, _ in self._servers]

    @property
    def queued(self) -> int:
        """How many octets wait for peers that have not read them yet."""
        return sum(connection.queued for connection in self._pool)

    @property
    def connections(self) -> int:
        """How many connections are open or opening."""
        return len(self._pool) + len(self._connecting)

    async def close(self) -> None:
        """Close everything; the sink hears of every connection that ends."""
        self._datagrams.shut(lambda _listener: True)
        for task in list(self._connecting):
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        for _, _, server in self._servers:
            server.close()
        for connection in self._pool:
            connection.close()
        for _, _, server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        await asyncio.sleep(0)  # aborted connections tell of their end in the loop's next round
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Into the sink

    def received(self, data: bytes, flow: Flow) -> None:
        """Hand one message to the sink."""
        self._sink.receive(data, flow, self._loop.time())

    def _on_timer(self) -> None:
        self._timer = None
        # The loop may wake a clock tick early; the sink's timer is due all the same
        try:
            self._sink.on_timer(max(self._loop.time(), self._timer_at))
        finally:  # a fault in one timer must not keep the others from being set
            self.flush()

    def flush(self) -> None:
        """Send what the sink has to say and set the timer. To be called after every command given to it."""
        self._after()
        for outgoing in self._sink.to_send():
            try:
                self._send(outgoing)
            except Exception:  # a fault with one message must not lose those of other calls, nor the timer
                log.exception("message.unsent", extra={"to": repr(outgoing.to)})
        self._arm()

    def _arm(self) -> None:
        """Keep one timer, at the sink's earliest; an earlier one that is set already may fire for nothing.

        Timers fire together on the strokes of a slow clock: at a hundred calls a second, one by one they would wake
        the program more often than messages do.
        """
        due = self._sink.next_timer()
        if due is None or (self._timer is not None and self._timer_at <= due):
            return
        due = math.ceil(due / TICK) * TICK
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = due
        self._timer = self._loop.call_at(due, self._on_timer)

    # Out to the peers

    def _send(self, outgoing: Outgoing) -> None:
        to = outgoing.to
        if to.transport == "udp":
            problem = self._datagrams.send(outgoing.data, to, _fits)
            if problem:
                self.undelivered(outgoing, problem)
            return
        connection = self._pool.find(to)
        try:
            if connection is None:
                connection = self._connect(to)
        except TlsError as error:
            self.undelivered(outgoing, str(error))
        else:
            connection.send(outgoing)

    def _connect(self, to: Flow | Target) -> Connection:
        """Start a connection from the listener's address; messages to it wait.

        Raises TlsError where none can be opened: it is theirs to open, or there is no listener to leave from.
        """
        if isinstance(to, Flow):
            raise TlsError("the connection is closed")
        if to.transport == "wss":
            raise TlsError("the WebSocket is closed, and only its browser can open another one")
        asked, listener = next(((asked, one) for asked, one, _ in self._servers if _fits(one, to)), (None, None))
        if asked is None or listener is None:
            raise TlsError(f"zone {to.zone} has no {to.transport} listener for {to.host}")
        tls = None
        if to.transport == "tls":
            tls = self._credentials.connect(asked, to.wanted or Wanted(frozenset({to.host})))
        connection = Connection(self, listener, next(self._ids), StreamFraming(), tls, to)
        self._pool.opening(to, connection)
        task = self._loop.create_task(self._open_connection(connection, to))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return connection

    async def _open_connection(self, connection: Connection, to: Target) -> None:
        local = (connection.listener.address, 0)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._loop.create_connection(lambda: connection, to.host, to.port, local_addr=local)
        except TimeoutError:
            connection.fail(f"no connection within {CONNECT_SECONDS:g} s")
        except OSError as error:
            connection.fail(error.strerror or "no connection")
        else:
            return
        self.flush()

    # What connections report

    def connected(self, connection: Connection) -> bool:
        """Register a connection; False if the listener has no place for another one, or for one of this host."""
        place = connection.listener, connection.remote[0], connection.id
        if connection.accepted and not self._places.take(*place):
            return False
        self._pool.connected(connection)
        return True

    def opened(self, connection: Connection) -> None:
        """Note whose a connection is."""
        self._pool.opened(connection)

    def undelivered(self, outgoing: Outgoing, sentence: str) -> None:
        """Tell the sink that a message never left."""
        log.info("message.undelivered", extra={"to": repr(outgoing.to), "why": sentence})
        self._sink.send_failed(outgoing, sentence, self._loop.time())
        self._loop.call_soon(self.flush)

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        known = self._pool.closed(connection)
        self._places.leave(connection.listener, connection.remote[0], connection.id)
        if known and connection.flow is not None:
            self._sink.flow_closed(connection.flow, self._loop.time())
            for place in connection.served - {connection.remote}:
                self._sink.flow_closed(replace(connection.flow, remote=place), self._loop.time())
        self.flush()


class _Refused(asyncio.Protocol):
    """A connection that cannot be served: it is closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio makes a stream transport for a stream
        transport.abort()


def _fits(listener: Listener, to: Target) -> bool:
    """Whether a message to `to` may leave from this listener."""
    return (
        listener.zone == to.zone
        and listener.transport == to.transport
        and (not to.source or listener.address == to.source)
        and family(listener.address) == family(to.host)
    )
