"""sngrep, a foreign reader of HEP (EEP): it listens, and writes the SIP that it understood to a capture."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from scapy.error import Scapy_Exception
from scapy.layers.inet import IP, UDP
from scapy.packet import Raw
from scapy.utils import rdpcap

from tests.peers.host import Host, hostport

PATIENCE = 20.0
TURN_SECONDS = 0.05


class Read(NamedTuple):
    """One message as it read it: from where to where, when (microseconds since 1970), and its octets.

    Its captures are of UDP whatever the transport was, and know no IPv6.
    """

    source: tuple[str, int]
    target: tuple[str, int]
    at: int
    data: bytes


class Sngrep:
    """A reader at one address of a host; use it with ``with``, it is listening then."""

    def __init__(self, host: Host, address: str, port: int, file: Path) -> None:
        self._file = file
        self._port = port
        command = ["sngrep", "-N", "-q", "-F", "-L", f"udp:{hostport(address, port)}", "-O", str(file)]
        self._process = host.popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def __enter__(self) -> Self:
        table = Path(f"/proc/{self._process.pid}/net/udp")
        try:
            self._wait(lambda: f":{self._port:04X} " in table.read_text(), "it does not listen")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        said = self._stop()
        if error is not None:
            error.add_note(f"sngrep said: {said}")

    def wait_for(self, enough: Callable[[list[Read]], bool]) -> list[Read]:
        """Wait until it has read enough and give all that it has read."""
        self._wait(lambda: enough(self._read()), "it has not read enough")
        return self._read()

    def _read(self) -> list[Read]:
        try:
            packets = rdpcap(str(self._file))
        except (FileNotFoundError, Scapy_Exception):  # nothing is written yet, or the head of the file is not whole
            return []
        return [
            Read(
                (one[IP].src, one[UDP].sport),
                (one[IP].dst, one[UDP].dport),
                round(one.time * 1_000_000),
                bytes(one[Raw].load),
            )
            for one in packets
        ]

    def _wait(self, until: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not until():
            assert self._process.poll() is None, f"sngrep ended with {self._process.returncode}"
            assert time.monotonic() < deadline, f"sngrep: {otherwise} within {PATIENCE} s"
            time.sleep(TURN_SECONDS)

    def _stop(self) -> str:
        self._process.terminate()
        try:
            said, _ = self._process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            said, _ = self._process.communicate()
        return str(said)
