from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest

from nft import relay
from nft.apply import apply
from nft.kernel import Kernel
from nft.relay import Bridge, End
from nft.schema import IPAddress
from tests.nft.topology import Network, address, inside, media, model, network

PAYLOAD = b"\x80\x08" + b"media" * 20
PORTS = itertools.count(40000, 2)  # no two tests of a run share a pinhole
REMOTE_PORTS = itertools.count(20000)


@pytest.fixture(scope="session")
def net() -> Iterator[Network]:
    with network() as made:
        with inside(made.names["gw"]):
            apply(model())
        yield made


@pytest.fixture
def kernel(net: Network) -> Iterator[Kernel]:
    with inside(net.names["gw"]):
        made = Kernel()
    yield made
    made.close()


@dataclass
class Bench:
    """A place to open bridges and send packets through them; everything is closed after the test."""

    net: Network
    kernel: Kernel
    version: int = 4
    bridges: list[Bridge] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)

    def udp(self, zone: str, host: int = 2, port: int = 0) -> socket.socket:
        made = self.net.udp(zone, host, port or next(REMOTE_PORTS), self.version)
        self.sockets.append(made)
        return made

    def end(self, zone: str, remote: socket.socket | None = None, *sources: int, local: bool = False) -> End:
        """Return an end on a new port, its remote at a socket, its sources the hosts of those numbers."""
        name = (address_of(remote), remote.getsockname()[1]) if remote else None
        learn = tuple(address(zone, host, self.version) for host in sources)
        return End(media(zone, self.version), next(PORTS), name, learn, local=local)

    def open(self, a: End, b: End, timeout: float = 30.0) -> Bridge:
        bridge = Bridge(f"test.{len(self.bridges)}", a, b)
        self.kernel.commit(relay.open([bridge], timeout))
        self.bridges.append(bridge)
        return bridge

    def rebind(self, old: Bridge, new: Bridge, *, rearm: bool = False) -> None:
        self.kernel.commit(relay.rebind(old, new, 30.0, rearm=rearm))
        self.bridges[self.bridges.index(old)] = new

    def close(self) -> None:
        for made in self.sockets:
            made.close()
        self.kernel.commit(relay.close(self.bridges))
        left = {name: listed for name, listed in self.kernel.elements().items() if name[:-1] not in ("out", "media")}
        assert not any(left.values()), left


def address_of(made: socket.socket) -> IPAddress:
    return ip_address(made.getsockname()[0])


def place(end: End) -> tuple[str, int]:
    return str(end.address.address), end.port


def reaches(
    sender: socket.socket, end: End, receiver: socket.socket, payload: bytes = PAYLOAD
) -> tuple[str, int] | None:
    """Send to a pinhole; return the source that the receiver sees, None where nothing comes."""
    sender.sendto(payload, place(end))
    try:
        got, source = receiver.recvfrom(65536)
    except TimeoutError:
        return None
    assert got == payload
    return source[0], source[1]


@pytest.fixture(params=(4, 6), ids=("ipv4", "ipv6"))
def bench(net: Network, kernel: Kernel, request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(net, kernel, request.param)
    yield made
    made.close()
