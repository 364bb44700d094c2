"""A name server in the lab: dnsmasq with records of its own, and nothing it would ask others for."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.host import Host

START_SECONDS = 10.0
TURN_SECONDS = 0.05


@contextmanager
def name_server(host: Host, address: str, records: Sequence[str], log: Path) -> Iterator[None]:
    """Serve `records` (options of dnsmasq) at an address of a host until the block ends."""
    options = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--no-daemon"]
    options += ["--user=root", "--bind-interfaces", f"--listen-address={address}", "--except-interface=lo"]
    options += ["--pid-file=", "--local=/example/", "--local-ttl=60", "--log-queries", "--log-facility=-"]
    with log.open("wb") as output:
        server = host.popen(["dnsmasq", *options, *records], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        _wait_until_listening(server, log)
        yield
    finally:
        server.kill()
        server.wait()


def _wait_until_listening(server: subprocess.Popen[bytes], log: Path) -> None:
    table = Path(f"/proc/{server.pid}/net/udp")
    deadline = time.monotonic() + START_SECONDS
    while ":0035 " not in table.read_text():
        assert server.poll() is None, f"dnsmasq ended at once: {log.read_text()}"
        assert time.monotonic() < deadline, f"dnsmasq does not listen: {log.read_text()}"
        time.sleep(TURN_SECONDS)
