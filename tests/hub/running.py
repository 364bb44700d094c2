"""The hub as a program: its own process, its own configuration, a free port on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import yaml

from tests.hub.issuer import AUDIENCE, ISSUER, Issuer

START_SECONDS = 60


@contextmanager
def hub(database: str, issuer: Issuer, home: Path, workers: int = 1, **settings: object) -> Iterator[str]:
    """Run the program; gives its address."""
    (home / "jwks.json").write_text(issuer.jwks())
    tokens = {"issuer": ISSUER, "audience": AUDIENCE, "jwks": str(home / "jwks.json")}
    config = home / "hub.yaml"
    config.write_text(yaml.safe_dump({"database": database, "tokens": tokens, **settings}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "hub", "--config", str(config), "--port", str(port), "--workers", str(workers)]
    with (home / "log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, cwd=Path(__file__).parents[2], env={**os.environ})
    try:
        address = f"http://127.0.0.1:{port}"
        _await(address, running, home / "log")
        yield address
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(START_SECONDS)


def _await(address: str, running: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            httpx2.get(f"{address}/v2/openapi.json", timeout=START_SECONDS)
        except httpx2.ConnectError:
            assert running.poll() is None, log.read_text()
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())
