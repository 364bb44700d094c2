"""rtpengine in user space, the peer of this benchmark, asked for streams by its own control protocol (NG)."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TypeAlias

from tests.nft.topology import Network, address, inside

CONTROL = ("127.0.0.1", 2223)
START_SECONDS = 10
PORTS = (20000, 60000)
Value: TypeAlias = "str | bytes | int | list[Value] | dict[str, Value]"


@dataclass(frozen=True, slots=True)
class Peer:
    """A running rtpengine."""

    pid: int
    control: socket.socket

    def stream(self, number: int, near: int, far: int) -> int:
        """Bridge host ports of the SDN and the internet; return the port to send to on the SDN side."""
        common: dict[str, Value] = {
            "call-id": f"c{number}", "from-tag": f"a{number}", "ICE": "remove",
            "replace": ["origin", "session-connection"], "flags": ["trust-address", "strict-source"],
        }  # fmt: skip
        self._ask({**common, "command": "offer", "sdp": _sdp("sdn", near), "direction": ["in", "out"]})
        answer: dict[str, Value] = {**common, "command": "answer", "to-tag": f"b{number}", "direction": ["out", "in"]}
        return _port(self._ask({**answer, "sdp": _sdp("internet", far)}))

    def _ask(self, message: dict[str, Value]) -> bytes:
        self.control.send(os.urandom(6).hex().encode() + b" " + bencode(message))
        reply = self.control.recv(65536)
        if b"6:result2:ok" not in reply:
            raise RuntimeError(f"rtpengine refused: {reply[:200]!r}")
        return reply


def bencode(value: Value) -> bytes:
    """Encode a value as NG wants it."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"
    text = value if isinstance(value, bytes) else value.encode()
    return b"%d:" % len(text) + text


def _sdp(zone: str, port: int) -> str:
    host = address(zone, 2, 4)
    lines = ("v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0", f"m=audio {port} RTP/AVP 8")
    return "\r\n".join((*lines, "a=sendrecv", ""))


def _port(reply: bytes) -> int:
    return int(reply.split(b"m=audio ", 1)[1].split(b" ", 1)[0])


@contextmanager
def rtpengine(net: Network) -> Iterator[Peer]:
    """Run rtpengine on the gateway without its kernel module."""
    with TemporaryDirectory(prefix="vdx-bench-") as made, inside(net.names["gw"]):
        command = (
            "rtpengine", "--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--num-threads=1",
            f"--interface=in/{address('sdn', 1, 4)}", f"--interface=out/{address('internet', 1, 4)}",
            f"--listen-ng={CONTROL[0]}:{CONTROL[1]}", f"--port-min={PORTS[0]}", f"--port-max={PORTS[1]}",
            "--timeout=3600", "--silent-timeout=3600", f"--pidfile={made}/pid",
        )  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
                control.connect(CONTROL)
                control.settimeout(1)
                _await(process, control)
                yield Peer(process.pid, control)
        finally:
            process.terminate()
            process.wait(10)


def _await(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            control.send(b"x " + bencode({"command": "ping"}))
            if b"pong" in control.recv(200):
                return
        time.sleep(0.1)
    raise RuntimeError("rtpengine did not start")
