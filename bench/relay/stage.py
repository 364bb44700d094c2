"""The hosts a packet passes, and what it costs to get it through: scheduler time of generator and softirq per packet.

The generator's own cost is measured apart, with a gateway that drops at its first hook, and taken off. Time that other
work on the machine takes is not counted, so that it hardly matters.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.relay.bpf import ARRIVED, SENT, Programs
from tests.nft.topology import Network, address, inside, mac, network, run

CHUNK = 65536  # packets in one system call where nothing paces them
PACED = 256  # packets in one system call where something does
SETTLE = 0.1  # seconds for the last packets to arrive
DROP_ALL = "table netdev bench { chain early { type filter hook ingress device sdn0 priority 0; policy drop; }; }"


@dataclass(frozen=True, slots=True)
class Cost:
    """Nanoseconds of CPU per packet sent, and the share of packets that arrived."""

    nanoseconds: float
    arrived: float


@dataclass(frozen=True, slots=True)
class Stage:
    """A network ready to be measured."""

    net: Network
    programs: Programs

    def rules(self, text: str) -> None:
        """Replace every rule of the gateway."""
        for command in ("flush ruleset", text):
            done = subprocess.run(
                ("ip", "netns", "exec", self.net.names["gw"], "nft", "-f", "-"),
                input=command, text=True, check=False, capture_output=True,
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError(f"nft: {done.stderr[:500]}")

    def measure(
        self, target: str, ports: list[tuple[int, int]], size: int, seconds: float, pace: int = 0,
        beside: Callable[[], float] = lambda: 0.0,
    ) -> Cost:  # fmt: skip
        """Send UDP packets of ``size`` bytes (with headers) round the flows; ``beside`` is other CPU time."""
        with inside(self.net.names["sdn"]):
            interface = socket.if_nametoindex("eth0")
            frame, checksum = _frame(target, size)
            self.programs.aim(frame[:42], checksum, interface, ports)
            self._send(frame, interface, seconds / 10, pace)
            time.sleep(SETTLE)
            before = (self.programs.count(SENT), self.programs.count(ARRIVED), _busy() + beside())
            self._send(frame, interface, seconds, pace)
            busy = _busy()
        time.sleep(SETTLE)
        busy = busy + beside()
        sent, arrived = self.programs.count(SENT) - before[0], self.programs.count(ARRIVED) - before[1]
        return Cost((busy - before[2]) / sent * 1e9, arrived / sent)

    def _send(self, frame: bytes, interface: int, seconds: float, pace: int) -> None:
        start, sent = time.monotonic(), 0
        while (now := time.monotonic()) - start < seconds:
            if pace and sent / pace > now - start:
                time.sleep(sent / pace - (now - start))
                continue
            count = PACED if pace else CHUNK
            self.programs.send(frame, interface, count)
            sent += count


@contextmanager
def stage(programs: Programs, *, routed: bool) -> Iterator[Stage]:
    """Build the network; with ``routed`` each zone has a routing table of its own, as the edge has."""
    with network(routed=routed) as net:
        for interface in ("sdn0", "net0"):  # a veth takes frames from XDP only with its receive queue polled
            net.gateway("ethtool", "-K", interface, "gro", "on")
        host = ("ip", "netns", "exec", net.names["internet"], "tc")
        run(*host, "qdisc", "add", "dev", "eth0", "clsact")
        run(*host, "filter", "add", "dev", "eth0", "ingress", "bpf", "da", "object-pinned", str(programs.sink))
        yield Stage(net, programs)


def _frame(target: str, size: int) -> tuple[bytes, int]:
    """Build a frame without ports or UDP checksum, and the constant part of that checksum as the machine adds it."""
    source, to = address("sdn", 2, 4).packed, socket.inet_aton(target)
    payload = bytes((0x80, 8)) + b"\xd5" * (size - 30)
    length = len(payload) + 8
    plain = struct.pack("!BBHHHBBH4s4s", 0x45, 0, length + 20, 0, 0x4000, 64, 17, 0, source, to)
    header = plain[:10] + struct.pack("=H", ~_sum(plain) & 0xFFFF) + plain[12:]
    ethernet = bytes.fromhex((mac("sdn", gateway=True) + mac("sdn", gateway=False)).replace(":", "")) + b"\x08\0"
    pseudo = source + to + struct.pack("!HH", 17, length) + struct.pack("!HHHH", 0, 0, length, 0) + payload
    return ethernet + header + struct.pack("!HHHH", 0, 0, length, 0) + payload, _sum(pseudo)


def _sum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"={len(data) // 2}H", data[: len(data) // 2 * 2])) + (
        data[-1] if len(data) % 2 else 0
    )
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _busy() -> float:
    """Return the seconds that this thread and the softirq threads have run."""
    spent = _ran(Path("/proc/thread-self"))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "comm").read_text().startswith("ksoftirqd"):
                    spent += _ran(entry)
            except OSError:  # ended meanwhile
                continue
    return spent


def _ran(task: Path) -> float:
    return int((task / "schedstat").read_text().split()[0]) / 1e9


def process_time(pid: int) -> float:
    """Return the seconds that all threads of a process have run."""
    return sum(_ran(task) for task in Path(f"/proc/{pid}/task").iterdir())
