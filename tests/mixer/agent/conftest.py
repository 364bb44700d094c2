"""A mixing server on the loopback, with rooms of a file, for user agents to call."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import processes
from lab.processes import Process
from mixer.prompts import build
from tests.mixer.agent.baresip import free_port
from tests.mixer.agent.served import Served

ROOMS = """
- room: {uuid: 00000000-0000-4000-8000-000000000001, aliases: ["1000"], name: Open, quality: sd, language: en}
- room: {uuid: 00000000-0000-4000-8000-000000000002, aliases: ["2000"], name: Pins, quality: sd, language: en}
  host_pin: "1234"
  guest_pin: "5678"
- room: {uuid: 00000000-0000-4000-8000-000000000003, aliases: [test], name: Test, kind: test, quality: sd}
- room: {uuid: 00000000-0000-4000-8000-000000000004, aliases: ["0"], name: Desk, kind: reception, quality: sd}
- room: {uuid: 00000000-0000-4000-8000-000000000005, aliases: [safe], name: Safe, force_encryption: true, quality: sd}
"""


@pytest.fixture(scope="session")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("prompts")
    for folder in (cache, *cache.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o011)  # workers run as another user
    build(cache)
    return cache


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, prompts: Path) -> Iterator[Served]:
    tmp_path = tmp_path_factory.mktemp("mixer")
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o011)
    (tmp_path / "pins").write_text("0123456789abcdef" * 4)
    (tmp_path / "pins").chmod(0o600)
    (tmp_path / "rooms.yaml").write_text(ROOMS)
    port, away = free_port(), free_port()
    floor = free_port()
    (tmp_path / "mixer.yaml").write_text(f"""
name: mixer1
sip: [{{address: 127.0.0.1, port: {port}}}]
edge: [127.0.0.0/8]
media: {{address: 127.0.0.1, first: 30000, last: 39999, floor: {floor}}}
proxy: {{address: 127.0.0.1, port: {away}}}
capacity: 20
pins: {tmp_path}/pins
rooms: {tmp_path}/rooms.yaml
workers: {{ready: 1, user: nobody}}
run_dir: {tmp_path}/run
state_dir: {tmp_path}/state
cache_dir: {prompts}
""")
    log = tmp_path / "mixer.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "mixer", "--config", str(tmp_path / "mixer.yaml")]
        child = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | {"VDX_PURE": "1"})
    process = Process.of(child.pid)
    try:
        one = Served(port, away, floor, tmp_path / "run", log)
        while not one.socket.exists():
            assert child.poll() is None, log.read_text()
            select.select([], [], [], 0.05)
        yield one
    finally:
        if process is not None:
            processes.end([process], grace=15.0)
        child.wait()
    assert "Traceback" not in log.read_text(), log.read_text()
