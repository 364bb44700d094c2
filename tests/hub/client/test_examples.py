"""What the manual shows to integrators runs against a real hub, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.hub.issuer import Issuer
from tests.hub.running import hub

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"```(python|sh)\n(.*?)```", re.DOTALL)

pytestmark = pytest.mark.system


def test_the_examples_run(issuer: Issuer, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    with hub(database, issuer, tmp_path) as address:
        config = str(tmp_path / "hub.yaml")
        first = [sys.executable, "-m", "hub.ctl", "root", "--config", config, "north", "North"]
        assert subprocess.run(first, cwd=ROOT, check=False).returncode == 0
        token = issuer.token(["meeting-planner", "meeting-admin"], "north", "a@north.example")
        headers = {"authorization": f"Bearer {token}"}
        path = "/services/v2/history-api-key?organisationCode=north"
        key = httpx2.post(address + path, headers=headers).json()["historyApiKey"]
        environment = {**os.environ, "HUB": address, "TOKEN": token, "KEY": key}
        found = BLOCK.findall((ROOT / "docs" / "integrators.md").read_text())
        assert len(found) == 4
        for kind, text in found:
            command = [sys.executable, "-W", "error", "-c", text] if kind == "python" else ["bash", "-ec", text]
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, text + done.stdout + done.stderr
