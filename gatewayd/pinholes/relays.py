"""Streams that the kernel cannot relay: sockets bound here, under the same leases, and handed over to `mediad`.

`gatewayd` may bind any address and set marks, `mediad` may do nothing but relay between sockets it is given. The copy
here is closed at once: when `mediad` ends, its sockets end, and after it came back new ones are handed over.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from gatewayd.errors import RefusalError
from gatewayd.pinholes.leases import Held, Kind, Leases
from gatewayd.trust import Trust
from nft import relay as kernel_relay
from vdx.pinhole import Remote
from vdx.relay import (
    FromMediad,
    ListRelays,
    MediadClientCodec,
    Pipe,
    Relay,
    RelayRefused,
    Relays,
    Retarget,
    Stop,
    ToMediad,
)
from vdx.wire import WireError, user_behind

RETRY_SECONDS = 0.5
"""Between attempts to reach `mediad`: shorter than a person takes for a broken picture."""

MAX_PACKET = 16 * 1024 * 1024
"""Bytes of one answer: the list of every stream that `mediad` may serve."""

BUFFER = 4 * 1024 * 1024
"""Bytes that may wait for `mediad`; a reader that falls behind further is connected anew."""

SOCKET_BUFFER = 512 * 1024
"""Bytes that wait at one media socket: a key frame of a second's worth of video."""

NAMES: dict[Kind, tuple[str, ...]] = {"rtp": ("rtp", "rtcp"), "bfcp": ("bfcp",), "tcp": ("bfcp",)}
"""Names of the components of a lease."""

ONE_CALL = 1
"""Connections that wait at a listener: a stream has one, and the kernel lets nobody in but its own peer."""

log = logging.getLogger(__name__)


class RelayLink:
    """The connection to `mediad` at `path`; `revoke` is called with leases that cannot be relayed, and why."""

    def __init__(
        self, path: Path, trust: Trust, leases: Callable[[], Leases], revoke: Callable[[list[Held], str], None]
    ) -> None:
        self._path = path
        self._trust = trust
        self._leases = leases
        self._revoke = revoke
        self._socket: socket.socket | None = None
        self._closed = asyncio.Event()
        self._sequence = 0
        self._asked: dict[int, str] = {}

    @property
    def connected(self) -> bool:
        """Whether `mediad` is there."""
        return self._socket is not None

    async def run(self) -> None:
        """Stay connected until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            if connected := self._connect():
                self._socket, self._closed = connected, asyncio.Event()
                loop.add_reader(connected, self._readable)
                self._send(ListRelays(self._next()))
                log.info("mediad.connected")
                try:
                    await self._closed.wait()
                finally:
                    loop.remove_reader(connected)
                    self._socket = None
                    connected.close()
                    self._asked.clear()
                log.warning("mediad.lost")
            await asyncio.sleep(RETRY_SECONDS)

    def serve(self, held: Held) -> None:
        """Bind the sockets of a lease and hand them over; raises `RefusalError`."""
        if self._socket is None:
            raise RefusalError("kernel", "mediad, which relays between families and what runs over TCP, is away")
        with ExitStack() as stack:
            ends = [end for bridge in held.bridges for end in (bridge.a, bridge.b)]
            sockets = [stack.enter_context(one) for end in ends for one in _sockets(end)]
            request = Relay(self._next(), held.lease, tuple(_pipes(held)))
            self._asked[request.id] = held.lease
            if not self._send(request, [one.fileno() for one in sockets]):
                raise RefusalError("kernel", "mediad does not take any more streams")

    def retarget(self, held: Held) -> None:
        """Tell new remotes; without a connection the hand-over after the next one does."""
        self._send(Retarget(self._next(), held.lease, tuple(_pipes(held))))

    def stop(self, leases: Iterable[str], pipe: str | None = None) -> None:
        """Close the sockets of leases, or of one of their pipes; without a connection the next listing does."""
        ended = tuple(leases)
        if ended:
            self._send(Stop(self._next(), ended, pipe))

    def _connect(self) -> socket.socket | None:
        one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            one.connect(str(self._path))
            if self._trust.admits(user_behind(one)):
                return one
        except OSError:
            pass  # it is not there yet
        one.close()
        return None

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def _send(self, message: ToMediad, descriptors: list[int] | None = None) -> bool:
        if self._socket is None:
            return False
        try:
            socket.send_fds(self._socket, [MediadClientCodec.encode(message)], descriptors or [])
        except OSError as error:
            log.warning("mediad.stuck: %s", error)
            self._closed.set()
            return False
        return True

    def _readable(self) -> None:
        if self._socket is None:
            return
        try:
            packet = self._socket.recv(MAX_PACKET)
            if not packet:
                self._closed.set()
                return
            self._take(MediadClientCodec.decode(packet))
        except BlockingIOError:
            return
        except (OSError, WireError) as error:
            log.warning("mediad.unusable: %s", error)
            self._closed.set()

    def _take(self, message: FromMediad) -> None:
        lease = self._asked.pop(message.id, None)
        if isinstance(message, Relays):
            self._reconcile({each.lease for each in message.leases})
        elif isinstance(message, RelayRefused):
            log.warning("mediad.refused lease=%s: %s", lease, message.reason)
            held = self._leases().get(lease) if lease else None
            if held:
                self._revoke([held], f"mediad does not relay it: {message.reason}")

    def _reconcile(self, served: set[str]) -> None:
        """Bring what `mediad` serves to what is leased."""
        wanted = {held.lease: held for held in self._leases() if held.in_user_space}
        self.stop(served - wanted.keys())
        for lease, held in wanted.items():
            if lease in served:
                continue
            try:
                self.serve(held)
            except RefusalError as refusal:
                self._revoke([held], str(refusal))


def _sockets(end: kernel_relay.End) -> Iterator[socket.socket]:
    """Bind the sockets of an end: one for datagrams; one that listens and one that may connect from the same port."""
    if not end.tcp:
        yield _bound(end, socket.SOCK_DGRAM)
        return
    listener = _bound(end, socket.SOCK_STREAM)
    yield listener
    yield _bound(end, socket.SOCK_STREAM)
    try:
        listener.listen(ONE_CALL)
    except OSError as error:
        raise _taken(end, error) from error


def _bound(end: kernel_relay.End, kind: socket.SocketKind) -> socket.socket:
    """Bind a socket at a pinhole. Its mark picks the zone's routes, its interface keeps it there."""
    address = end.address.address
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    one = socket.socket(family, kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, end.number)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, end.address.interface.encode() + b"\0")
        if kind is socket.SOCK_DGRAM:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        else:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the port may rest in TIME_WAIT
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind((str(address), end.port))
    except OSError as error:
        one.close()
        raise _taken(end, error) from error
    return one


def _taken(end: kernel_relay.End, error: OSError) -> RefusalError:
    return RefusalError("ports", f"port {end.port} of {end.address.address} cannot be opened: {error.strerror}")


def _pipes(held: Held) -> Iterator[Pipe]:
    for name, bridge in zip(NAMES[held.kind], held.bridges, strict=False):  # RTP may be alone, RTCP with it
        yield Pipe(name, _remote(bridge.a), _remote(bridge.b), held.kind == "tcp")


def _remote(end: kernel_relay.End) -> Remote | None:
    return Remote(str(end.remote[0]), end.remote[1]) if end.remote else None
