"""Sippy's B2BUA from PyPI in the middle."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.signalling.way import Way, address_edge
from bench.signalling.way import way as through
from lab.lab import Lab

PEERS = Path(__file__).parent.parent.parent / ".setup" / "peers" / "bin"
"""Python peers live in an environment of their own, made by tools/setup-bench."""

START_SECONDS = 1.0


@contextmanager
def way(lab: Lab) -> Iterator[Way]:
    """Run it on the edge of a lab whose programs were not started."""
    address_edge(lab)
    callee = f"{lab.host('clinic').address()}:5060"
    command = [str(PEERS / "python"), str(PEERS / "b2bua_simple"), "-f", "-p", "5060", "-n", callee]
    with tempfile.TemporaryFile() as log:
        process = lab.host("edge").popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env={"SIPLOG_BEND": "none"}
        )
        time.sleep(START_SECONDS)
        if process.poll() is not None:
            log.seek(0)
            raise RuntimeError(f"Sippy did not start: {log.read().decode(errors='replace')}")
        try:
            yield through(lab, (process.pid,))
        finally:
            process.terminate()
            process.wait(10)
