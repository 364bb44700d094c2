"""Endpoints behind real sockets on the loopback, with what tests of transports ask of them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TypeVar

from b2bua.sip import Endpoint, Event, Invitation, Target, Wanted
from b2bua.sip.uri import bracket
from b2bua.transport import Credentials, Listener, RandomIds, Shell
from lab.authority import Pair
from vdx.control import ListenerTls, PeerTls, SipListener, SipPeer

T = TypeVar("T", bound=Event)
LOOPBACK = "127.0.0.1"
PATIENCE = 20.0


class Station:
    """An endpoint behind real sockets; events wait in a queue."""

    def __init__(self) -> None:
        self.endpoint = Endpoint(RandomIds())
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.credentials = Credentials()
        self.shell = Shell(self.endpoint, self._collect, self.credentials)

    def _collect(self) -> None:
        for event in self.endpoint.events():
            self.events.put_nowait(event)

    async def take(self, kind: type[T]) -> T:
        event = await asyncio.wait_for(self.events.get(), PATIENCE)
        assert isinstance(event, kind), (kind.__name__, event)
        return event

    def listener(self, transport: str) -> Listener:
        return next(one for one in self.shell.listeners if one.transport == transport)

    def invitation(self, other: Listener, wanted: Wanted | None = None) -> Invitation:
        own = self.listener(other.transport)
        return Invitation(
            Target(other.zone, other.transport, other.address, other.port, wanted=wanted),
            f"sip:room@{bracket(other.address)}",
            "<sip:ann@example.org>",
            "<sip:room@example.org>",
            own.sent_by,
            body=b"v=0\r\n",
        )

    def do(self, command: Callable[[float], object]) -> None:
        command(self.shell.now)
        self.shell.flush()

    async def listen(self, transport: str, tls: ListenerTls, *peers: PeerTls, address: str = LOOPBACK) -> Listener:
        """Open a listener with certificates on a port of its own."""
        port = free_port(address)
        known = [SipPeer(f"peer{number}", "lan", (), 4, tls=one) for number, one in enumerate(peers)]
        site = SipListener("lan", transport, address, port, address, port, tls)  # type: ignore[arg-type]
        assert self.credentials.prepare([site], known) == ()
        self.credentials.activate()
        listener = Listener("lan", transport, address, port)
        await self.shell.open([listener])
        return listener


def free_port(address: str = LOOPBACK) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def mutual(pair: Pair, trust: str, **more: object) -> ListenerTls:
    """Give the settings of a listener that asks everybody for a certificate."""
    return ListenerTls((pair.texts,), trust, **{"clients": "required", **more})  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that no event tells of."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the other end is a socket
            await asyncio.sleep(0.01)
