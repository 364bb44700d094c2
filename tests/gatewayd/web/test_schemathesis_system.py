"""The OpenAPI document is true of whatever requests are made from it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.gatewayd.web.running import CHECKOUT, READY_SECONDS

EXAMPLES = "10"
"""Requests of each kind for each operation."""


@contextmanager
def served(directory: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.gatewayd.web.serving", str(directory), str(port)]
    with (directory / "log").open("wb") as log:
        running = subprocess.Popen(command, cwd=CHECKOUT, stdout=log, stderr=log)
    try:
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert running.poll() is None, (directory / "log").read_text()
                assert time.monotonic() < until, (directory / "log").read_text()
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(READY_SECONDS)


@pytest.mark.system
def test_every_answer_is_as_the_document_says(tmp_path: Path) -> None:
    with served(tmp_path) as address:
        token = (tmp_path / "token").read_text()
        done = subprocess.run(
            [
                Path(sys.executable).parent / "st",
                "run",
                f"{address}/api/v1/openapi.json",
                "--header",
                f"Authorization: Bearer {token}",
                "--max-examples",
                EXAMPLES,
                "--generation-database=none",
                "--no-color",
                "--seed=1",
                "--continue-on-failure",
                "--exclude-checks=positive_data_acceptance",  # a ref that exists, a YAML text are no part of a schema
            ],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            timeout=120,
        )
    assert done.returncode == 0, done.stdout.decode()[-20_000:]
