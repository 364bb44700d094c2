"""Calls of sipp to sipp through the SIP core and its sockets, in a network namespace that ends with its processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CALLS = 100


@pytest.mark.system
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_calls_between_two_sipp(transport: str) -> None:
    assert shutil.which("sipp"), "sipp is missing: `make setup` installs it"
    assert os.geteuid() == 0, "a network namespace needs root"
    stage = f"ip link set lo up && exec {sys.executable} -m tests.b2bua.transport.bridge {transport} {CALLS}"
    done = subprocess.run(
        # A PID namespace beside it: if the stage dies, its sipp die with it
        ["unshare", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", stage],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result == {"exit": [0, 0], "ended": CALLS, "odd": [], "left": 0, "dropped": 0}
