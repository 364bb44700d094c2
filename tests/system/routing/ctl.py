"""`gatewayctl`, asked as an operator asks it."""

from __future__ import annotations

import subprocess
import sys

from lab.programs import CHECKOUT
from tests.system.calls.edge import Edge

ASK_SECONDS = 30.0


def gatewayctl(edge: Edge, *arguments: str) -> str:
    """Run a verb on the edge and give what it prints; raises AssertionError where it fails."""
    command = [sys.executable, "-m", "gatewayd.ctl", "--run-dir", str(edge.lab.state.run), *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=ASK_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
