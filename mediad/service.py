"""The service: one epoll loop for the control socket and every socket of media and floors.

The control socket is SOCK_SEQPACKET: one message a packet, descriptors beside it. One `gatewayd` speaks at a time; a
new connection replaces the one before it, because a `gatewayd` that was restarted may come before the end of its
predecessor is seen. Streams live on without any connection: the kernel closes what nobody renews.
"""

from __future__ import annotations

import logging
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from mediad import handover
from mediad.errors import MediadError, PacketError, RelayError
from mediad.floor import Floor
from mediad.handover import Packet
from mediad.relay import Path as DataPath
from mediad.relay import Table
from vdx.relay import (
    FromMediad,
    ListRelays,
    MediadCodec,
    Relay,
    RelayOk,
    RelayRefused,
    Relays,
    Retarget,
    Stop,
    ToMediad,
)
from vdx.wire import WireError

log = logging.getLogger("mediad")

EVENTS = 256
"""Sockets served between two looks at the clock: about 2 ms of work."""

ORDERS = 32
"""Messages of `gatewayd` carried out before media is: it tells a remote before it lets the call go on, so what the new
remote is sent or sends must not be looked at first. More than these, 2 ms of work, must not hold up media."""

SEND_BUFFER = 512 * 1024
"""A listing of 1,000 streams takes 300 kB and leaves in one packet; the kernel grants what its `wmem_max` allows."""

BACKLOG = 4


class Service:
    """Serve the control socket at `path` to root and one user, and relay; `run` until the `wake` socket is readable.

    `tick` is called about every `tick_seconds`, and never while the loop is stuck.
    """

    def __init__(
        self,
        path: Path,
        *,
        table_size: int,
        user: int,
        wake: socket.socket,
        tick: Callable[[], None] | None = None,
        tick_seconds: float = 1.0,
    ) -> None:
        self._path = path
        self._user = user
        self._wake = wake
        self._tick = tick or (lambda: None)
        self._tick_seconds = tick_seconds
        self._epoll = select.epoll()
        self._table = Table(self._epoll, capacity=table_size)
        self._floor = Floor(self._epoll)
        self._data = DataPath()
        self._control: socket.socket | None = None
        try:
            self._listener = _listen(path)
        except BaseException:
            self._epoll.close()
            raise
        self._epoll.register(self._listener, select.EPOLLIN)
        self._epoll.register(wake, select.EPOLLIN)

    def run(self) -> None:
        """Serve until the `wake` socket is readable."""
        sides, wires = self._table.sides, self._floor.wires
        forward = self._data.forward
        poll = self._epoll.poll
        clock = time.monotonic
        stop, listener = self._wake.fileno(), self._listener.fileno()
        due, orders = clock(), 0
        while True:
            if (now := clock()) >= due:
                self._tick()
                due = now + self._tick_seconds
            retry = wires.next_timer()
            if retry is not None and retry <= now:
                wires.on_timer(now)
                continue
            until = due if retry is None else min(due, retry)
            ready = poll(until - now if until > now else 0.0, EVENTS)
            if orders < ORDERS and self._ordered(ready):
                orders += 1
                continue
            orders = 0
            for fd, events in ready:
                side = sides.get(fd)
                if side is not None:
                    forward(side)
                elif fd in wires.ends:
                    wires.ready(fd, events, clock())
                elif fd == stop:
                    return
                elif fd == listener:
                    self._accept()

    def close(self) -> None:
        """Close every socket and remove the one at `path`."""
        self._hang_up("closing")
        self._table.close()
        self._floor.close()
        self._listener.close()
        self._path.unlink(missing_ok=True)
        self._epoll.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError as error:  # gone again before we looked
            log.warning("control.lost error=%s", error)
            return
        user = _user(connection)
        if user not in (0, self._user):
            log.warning("control.refused user=%d allowed=%d", user, self._user)
            connection.close()
            return
        self._hang_up("replaced")
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._control = connection
        self._epoll.register(connection, select.EPOLLIN)
        log.info("control.connected user=%d leases=%d", user, len(self._table) + len(self._floor))

    def _hang_up(self, why: str) -> None:
        if self._control is not None:
            self._epoll.unregister(self._control)
            self._control.close()
            self._control = None
            log.info("control.closed why=%s leases=%d", why, len(self._table) + len(self._floor))

    def _ordered(self, ready: Iterable[tuple[int, int]]) -> bool:
        """Carry out a message of `gatewayd`, where one is there; the sockets that are `ready` may be others then."""
        control = self._control
        if control is None or all(fd != control.fileno() for fd, _ in ready):
            return False
        self._serve(control)
        return True

    def _serve(self, connection: socket.socket) -> None:
        """Answer one message."""
        try:
            packet = handover.receive(connection)
            if packet is None:
                self._hang_up("end")
                return
            self._send(connection, self._answer(packet))
        except BlockingIOError:
            return
        except (PacketError, WireError, OSError) as error:
            self._hang_up(f'"{error}"')

    def _answer(self, packet: Packet) -> FromMediad:
        """Do what a message asks for; its descriptors are in the table or closed afterwards, whatever it was."""
        try:
            message = MediadCodec.decode(packet.data)
        except WireError:
            handover.close(packet.descriptors)
            raise
        try:
            return self._act(message, _sockets(message, packet))
        except RelayError as error:
            log.warning("message.refused reason=%r", str(error))
            return RelayRefused(message.id, str(error))

    def _act(self, message: ToMediad, sockets: Sequence[socket.socket]) -> FromMediad:
        match message:
            case Relay():
                try:
                    self._open(message, sockets)
                except RelayError:
                    handover.discard(sockets)
                    raise
                log.info("relay.opened lease=%s", message.lease)
            case Retarget():
                if message.lease in self._floor:
                    self._floor.retarget(message.lease, message.pipes, time.monotonic())
                else:
                    self._table.retarget(message.lease, message.pipes)
                log.info("relay.retargeted lease=%s", message.lease)
            case Stop():
                for lease in message.leases:
                    if message.pipe is None:
                        self._stop(lease)
                    else:
                        self._table.stop_pipe(lease, message.pipe)
            case ListRelays():
                return Relays(message.id, self._table.listing() + self._floor.listing())
        return RelayOk(message.id)

    def _open(self, message: Relay, sockets: Sequence[socket.socket]) -> None:
        if any(pipe.tcp for pipe in message.pipes):
            self._floor.open(message.lease, message.pipes, sockets, time.monotonic())
        else:
            self._table.open(message.lease, message.pipes, sockets)

    def _stop(self, lease: str) -> None:
        ends = self._floor.stop(lease)
        if ends:
            octets, errors = sum(end.octets for end in ends), sum(end.errors for end in ends)
            log.info("connection.stopped lease=%s octets=%d errors=%d", lease, octets, errors)
        sides = self._table.stop(lease)
        if sides:
            log.info(
                "relay.stopped lease=%s packets=%d unaddressed=%d failed=%d errors=%d",
                lease,
                sum(side.packets for side in sides),
                sum(side.unaddressed for side in sides),
                sum(side.failed for side in sides),
                sum(side.errors for side in sides),
            )

    @staticmethod
    def _send(connection: socket.socket, message: FromMediad) -> None:
        """Send an answer at once; a reader that does not read loses its connection."""
        try:
            connection.send(MediadCodec.encode(message))
        except BlockingIOError as error:
            raise PacketError("the other side does not read its answers") from error


def _sockets(message: ToMediad, packet: Packet) -> Sequence[socket.socket]:
    """Return the sockets that came with a message; raises `RelayError` (all are closed) where they do not fit it."""
    if packet.cut:
        handover.close(packet.descriptors)
        raise RelayError(f"more than {handover.MAX_DESCRIPTORS} descriptors, or more than may be open here")
    if packet.descriptors and not isinstance(message, Relay):
        handover.close(packet.descriptors)
        raise RelayError("descriptors came with a message that takes none")
    return handover.adopt(packet.descriptors)


def _user(connection: socket.socket) -> int:
    """Return the user at the other end, as the kernel vouches for it (SO_PEERCRED, unix(7))."""
    size = struct.calcsize("3i")
    _pid, user, _group = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(user)


def _listen(path: Path) -> socket.socket:
    """Listen at `path`; a socket file left by a dead program is replaced, a living one raises `MediadError`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        try:
            probe.connect(str(path))
        except FileNotFoundError:
            pass
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise MediadError(f"{path} cannot be used: {error.strerror}") from error
        else:
            raise MediadError(f"another mediad already listens at {path}: stop it first")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    try:
        listener.bind(str(path))
        path.chmod(0o666)  # who may speak is for SO_PEERCRED to say: gatewayd and mediad share no group
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise MediadError(f"cannot listen at {path}: {error.strerror}") from error
    return listener
