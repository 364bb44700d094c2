"""The duties as a program, without a bus: the journal is written, and it ends when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from hub.booking.journal import verify
from tests.hub.issuer import ISSUER
from tests.hub.world import World

PATIENCE_SECONDS = 60


@pytest.mark.system
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_journal_is_written_without_a_bus(world: World, tmp_path: Path) -> None:
    world.organisation("north")
    world.book()
    config = tmp_path / "duties.yaml"
    tokens = {"issuer": ISSUER, "jwks": str(tmp_path / "jwks.json")}
    config.write_text(yaml.safe_dump({"database": world.office.settings.database, "tokens": tokens}))
    command = [sys.executable, "-m", "hub", "provision", "--config", str(config)]
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, cwd=Path(__file__).parents[3], env={**os.environ})
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while world.run(lambda: verify(world.database)).number < 1:
            assert running.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < until, (tmp_path / "log").read_text()
            time.sleep(0.1)
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE_SECONDS) == 0, (tmp_path / "log").read_text()
    assert "Traceback" not in (tmp_path / "log").read_text()
