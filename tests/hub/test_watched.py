"""A process that serves and hangs ends by itself, and says where; one that turns tells so."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.hub.issuer import AUDIENCE, ISSUER, Issuer

HANGS = """
import asyncio, sys, time
from hub import watched
watched.HANG_SECONDS = 0.3
async def main():
    async with watched.turning():
        if sys.argv[1] == "hang":
            time.sleep(60)
asyncio.run(main())
print("ended by itself")
"""


def run(word: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **more}
    command = [sys.executable, "-c", HANGS, word]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=50)


def test_a_loop_that_hangs_ends_its_process_and_says_where() -> None:
    done = run("hang", WATCHDOG_USEC="150000000")
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert "in main" in done.stderr


def test_one_that_ends_in_time_is_let_go() -> None:
    done = run("work", WATCHDOG_USEC="150000000")
    assert (done.returncode, done.stdout) == (0, "ended by itself\n"), done.stderr


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(60)
        yield made


def _hub(tmp_path: Path, issuer: Issuer, workers: int) -> subprocess.Popen[bytes]:
    (tmp_path / "jwks.json").write_text(issuer.jwks())
    tokens = {"issuer": ISSUER, "audience": AUDIENCE, "jwks": str(tmp_path / "jwks.json")}
    config = tmp_path / "hub.yaml"
    config.write_text(yaml.safe_dump({"database": f"sqlite:///{tmp_path}/hub.sqlite", "tokens": tokens}))
    command = [sys.executable, "-m", "hub", "--config", str(config), "--port", "0", "--workers", str(workers)]
    told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "150000000"}
    begin = f'WATCHDOG_PID=$$ exec "$@" 2>{tmp_path}/log'
    return subprocess.Popen(["sh", "-c", begin, "sh", *command], env={**os.environ, **told})


def test_the_service_manager_is_told_by_workers_and_the_first_process(
    tmp_path: Path, issuer: Issuer, manager: socket.socket
) -> None:
    running = _hub(tmp_path, issuer, 2)
    heard: set[bytes] = set()
    try:
        while heard != {b"READY=1", b"WATCHDOG=1"}:
            heard.add(manager.recv(100))
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(60)
    assert running.returncode in (0, -signal.SIGTERM), (tmp_path / "log").read_text()
