"""A flood of SYNs from forged sources against a published service: who still gets through.

The sources are drawn from all of the internet's addresses, so no limit of a source meets them, and no handshake ends.
First the flood fills connection tracking to its last entry; then, while it goes on, real hosts connect, and one that
was connected before goes on talking. What a forged SYN costs is the time of the sending thread, in which the kernel
also receives, less what it takes with a gateway that drops at its first hook.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from multiprocessing.context import ForkProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.report import Aim, Report
from nft import apply as kernel_rules
from nft.policy.compile import compile_policy
from nft.policy.model import Network as Addresses
from nft.policy.model import Policy, Publication, Rule
from nft.policy.prefix import Origin, of
from nft.policy.ruleset import compile_transit
from tests.nft.policy.world import service
from tests.nft.topology import ZONES, Network, address, inside, mac, model, network

PORT = 443
FRAMES = 400_000  # half as many again as connection tracking has entries where nobody has set another limit
CONNECTIONS = 200
PATIENCE = 4.0  # seconds for one connection: its SYN is sent again after 1 s and after 3 s
LATE = 0.9
TALKS = 500  # questions and answers on the connection that was there before
SOL_PACKET, QDISC_BYPASS = 263, 20  # PACKET_QDISC_BYPASS: frames go to the link at once
FILLED = 0.98  # the kernel begins to drop half-open flows a little before the last entry
FILL_SECONDS = 120.0
FIRST_OCTETS = [n for n in range(1, 224) if n not in {10, 100, 127, 169, 172, 192, 198, 203}]  # addresses of hosts
LIMIT = Path("/proc/sys/net/netfilter/nf_conntrack_max")
COUNT = Path("/proc/sys/net/netfilter/nf_conntrack_count")
THROUGH, LOST = Aim("at least", 0.99), Aim("at most", 0)
AT = Origin("site.yaml", 1)
DROP_ALL = "table netdev bench { chain early { type filter hook ingress device net0 priority 0; policy drop; }; }"

_fork = multiprocessing.get_context("fork")


def measure(report: Report) -> None:
    """Add what a flood does to a report; needs a network of its own, as the sink of others takes every packet."""
    frames = _frames()
    with network(routed=True) as net:
        net.gateway("nft", DROP_ALL)
        with _flooding(net, frames) as flood:
            flood.wait(FRAMES)
            before = flood.cost()
        net.gateway("nft", "delete table netdev bench")
        with inside(net.names["gw"]):
            kernel_rules.apply(model(), compile_transit(compile_policy(_policy()), model()))
        with _serving(net), _connected(net) as known, _flooding(net, frames) as flood:
            _fill(net)
            began, sent = time.monotonic(), flood.sent.value
            lost = _unanswered(known)
            tries = [_connects(net) for _ in range(CONNECTIONS)]
            rate = (flood.sent.value - sent) / (time.monotonic() - began)
            full, cost = _held(net), flood.cost()
    through = [took for took in tries if took is not None]
    late = sum(took > LATE for took in through)
    report.add("forged SYNs to a published service", [(cost - before) * 1e9], "ns/packet")
    report.add("flood of them", [rate], "packets/s")
    report.add("of connection tracking's entries in use then", [full], "of all")
    report.add("real connections that get through meanwhile", [len(through) / CONNECTIONS], "of all", THROUGH)
    report.add("of these not with their first SYN", [late / CONNECTIONS], "of all")
    report.add(f"lost of {TALKS} answers on a connection from before", [lost], "answers", LOST)


def _policy() -> Policy:
    here, there = address("internet", 1, 4), address("core", 2, 4)
    return Policy(
        tuple(ZONES),
        networks=(Addresses("web", "core", (of(ip_network(f"{there}/32"), AT),), AT),),
        services=(service("https", f"tcp/{PORT}"),),
        rules=(Rule("internet", "core", "allow", AT, (), ("web",), ("https",)),),
        publications=(Publication("internet", "tcp", here, PORT, there, PORT, AT),),
    )


def _frames() -> NDArray[np.uint8]:
    """Build SYNs of different sources, a frame of 54 bytes each."""
    random = np.random.default_rng(1)
    words = np.zeros((FRAMES, 27), np.uint32)  # the frame as 16-bit words
    link = bytes.fromhex((mac("internet", gateway=True) + mac("internet", gateway=False)).replace(":", "")) + b"\x08\0"
    words[:, :7] = np.frombuffer(link, ">u2")
    words[:, 7:13] = (0x4500, 40, 0, 0x4000, 64 << 8 | 6, 0)
    words[:, 13] = random.choice(FIRST_OCTETS, FRAMES) << 8 | random.integers(1, 255, FRAMES)
    words[:, 14] = random.integers(1, 65535, FRAMES)
    words[:, 15:17] = np.frombuffer(address("internet", 1, 4).packed, ">u2")
    words[:, 17] = random.integers(1024, 65535, FRAMES)
    words[:, 18] = PORT
    words[:, 19:21] = random.integers(0, 65535, (FRAMES, 2))
    words[:, 23:25] = (5 << 12 | 2, 64240)  # SYN, window
    words[:, 12] = _checksum(words[:, 7:17].sum(1))
    words[:, 25] = _checksum(words[:, 13:27].sum(1) + 6 + 20)
    return words.astype(">u2").view(np.uint8).reshape(FRAMES, 54)


def _checksum(sums: NDArray[np.uint64]) -> NDArray[np.uint64]:
    folded = (sums & 0xFFFF) + (sums >> 16)
    return 0xFFFF - ((folded & 0xFFFF) + (folded >> 16))


@dataclass(frozen=True, slots=True)
class Flood:
    """What a flood has sent so far, and the seconds that its process has run for it."""

    sent: Synchronized[int]
    process: ForkProcess

    def wait(self, count: int) -> None:
        """Wait until so many are sent."""
        while self.sent.value < count:
            if not self.process.is_alive():
                raise RuntimeError("the flood has ended by itself")
            time.sleep(0.01)

    def cost(self) -> float:
        """Return the CPU seconds of one SYN: to send it, and to receive it in the gateway and the host behind."""
        ran = int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1e9
        return ran / max(1, self.sent.value)


@contextmanager
def _flooding(net: Network, frames: NDArray[np.uint8]) -> Iterator[Flood]:
    sent = _fork.Value("q", 0, lock=False)

    def flood() -> None:
        with net.packets("internet") as link:
            link.setsockopt(SOL_PACKET, QDISC_BYPASS, 1)
            views = [memoryview(frame) for frame in frames]
            while True:
                for view in views:
                    link.send(view)
                    sent.value += 1

    process = _fork.Process(target=flood, daemon=True)
    process.start()
    try:
        yield Flood(sent, process)
    finally:
        process.kill()
        process.join()


@contextmanager
def _serving(net: Network) -> Iterator[None]:
    """Answer every connection in the core with what it says."""
    with inside(net.names["core"]):
        listener = socket.create_server((str(address("core", 2, 4)), PORT), backlog=4096)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(100):
            writer.write(said)
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(echo, sock=listener)
        await server.serve_forever()

    process = _fork.Process(target=lambda: asyncio.run(serve()), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()
        listener.close()


@contextmanager
def _connected(net: Network) -> Iterator[socket.socket]:
    with inside(net.names["internet"]):
        made = socket.create_connection((str(address("internet", 1, 4)), PORT), 10, (str(address("internet", 3, 4)), 0))
    with made:
        yield made


def _unanswered(known: socket.socket) -> int:
    known.settimeout(10)
    lost = 0
    for _ in range(TALKS):
        known.sendall(b"x")
        try:
            lost += known.recv(1) != b"x"
        except TimeoutError:
            lost += 1
    return lost


def _connects(net: Network) -> float | None:
    """Connect as a real host and have an answer; return the seconds that it took, None where it did not."""
    began = time.monotonic()
    with inside(net.names["internet"]):
        made = socket.socket()
    with made:
        made.settimeout(PATIENCE)
        made.bind((str(address("internet", 4, 4)), 0))
        try:
            made.connect((str(address("internet", 1, 4)), PORT))
            made.sendall(b"x")
            return time.monotonic() - began if made.recv(1) == b"x" else None
        except OSError:
            return None


def _held(net: Network) -> float:
    """Return how much of connection tracking is in use."""
    with inside(net.names["gw"]):
        return int(COUNT.read_text()) / int(LIMIT.read_text())


def _fill(net: Network) -> None:
    """Wait until connection tracking is full."""
    until = time.monotonic() + FILL_SECONDS
    while (held := _held(net)) < FILLED:
        if time.monotonic() > until:
            raise RuntimeError(f"{held:.0%} of connection tracking is in use after {FILL_SECONDS:.0f} s")
        time.sleep(0.05)
