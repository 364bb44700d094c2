"""The other side of `mediad`'s socket as tests need it, and far ends that send and receive on loopback."""

from __future__ import annotations

import itertools
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mediad.service import Service
from vdx.pinhole import Remote
from vdx.relay import FromMediad, MediadClientCodec

PATIENCE = 5.0  # seconds until a datagram or an answer counts as lost
SILENCE = 0.05  # seconds of quiet that count as nothing sent, on loopback where delivery is immediate
LISTING = 1024 * 1024

LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


@dataclass(frozen=True, slots=True)
class Client:
    """A connection to `mediad`."""

    connection: socket.socket

    @classmethod
    def connect(cls, path: Path) -> Client:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(PATIENCE)
        connection.connect(str(path))
        return cls(connection)

    def ask(self, message: msgspec.Struct, sockets: Sequence[socket.socket] = ()) -> FromMediad:
        return self.ask_raw(MediadClientCodec.encode(message), [one.fileno() for one in sockets])

    def ask_raw(self, data: bytes, descriptors: Sequence[int] = ()) -> FromMediad:
        socket.send_fds(self.connection, [data], list(descriptors))
        answer = self.connection.recv(LISTING)
        assert answer, "mediad closed the connection"
        return MediadClientCodec.decode(answer)

    def closed(self) -> bool:
        """Tell whether mediad closes this connection, within `PATIENCE`."""
        try:
            return self.connection.recv(LISTING) == b""
        except ConnectionResetError:
            return True


@contextmanager
def running(
    path: Path, *, table_size: int = 64, user: int | None = None, first: Callable[[], None] = lambda: None
) -> Iterator[Service]:
    """Run the service in a thread of this process; `first` is done when it listens and before it serves."""
    wake, trigger = socket.socketpair()
    with wake, trigger:
        allowed = os.getuid() if user is None else user
        service = Service(path, table_size=table_size, user=allowed, wake=wake)
        thread = threading.Thread(target=service.run)
        first()
        thread.start()
        try:
            yield service
        finally:
            trigger.close()
            thread.join(PATIENCE)
            service.close()
        assert not thread.is_alive()


def bound(family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """Return a UDP socket on a free port of the loopback address."""
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.bind((LOOPBACK[family], 0))
    one.settimeout(PATIENCE)
    return one


def remote(one: socket.socket) -> Remote:
    """Return where a socket is, as SDP would name it."""
    address, port, *_ = one.getsockname()
    return Remote(address, port)


def quiet(one: socket.socket) -> bool:
    """Tell whether nothing waits at a socket."""
    one.settimeout(SILENCE)
    try:
        one.recv(65536)
    except TimeoutError:
        return True
    finally:
        one.settimeout(PATIENCE)
    return False


@dataclass(frozen=True, slots=True)
class Pair:
    """One pipe seen from outside: our sockets as gatewayd makes them, and the far ends `left` and `right`."""

    a: socket.socket
    b: socket.socket
    left: socket.socket
    right: socket.socket

    def from_left(self, data: bytes) -> tuple[bytes, object]:
        """Send from the left far end; return what the right one receives, and from where."""
        self.left.sendto(data, self.a.getsockname())
        return self.right.recvfrom(65536)

    def from_right(self, data: bytes) -> tuple[bytes, object]:
        self.right.sendto(data, self.b.getsockname())
        return self.left.recvfrom(65536)


@contextmanager
def pair(left: socket.AddressFamily = socket.AF_INET, right: socket.AddressFamily = socket.AF_INET6) -> Iterator[Pair]:
    """Make the four sockets of a pipe."""
    with ExitStack() as stack:
        yield Pair(*(stack.enter_context(bound(family)) for family in (left, right, left, right)))


_numbers = itertools.count(1)


def lease() -> str:
    """Return a lease that no other test has."""
    return f"aaaaaaaaaaaaa.{next(_numbers) % 1000}"


def open_files() -> int:
    """Count the descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))
