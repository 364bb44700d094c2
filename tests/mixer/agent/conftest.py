"""A mixing server on the loopback, with rooms of a file, for user agents to call."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

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
def prompts() -> Iterator[Path]:
    with TemporaryDirectory(prefix="vdx-prompts-") as name:  # workers run as another user; pytest closes its folders
        cache = Path(name)
        cache.chmod(0o755)
        build(cache)
        yield cache


def configured(folder: Path, prompts: Path, bus: str = "") -> tuple[Path, Served]:
    """Write a configuration of free ports."""
    for part in (folder, *folder.parents[:3]):
        part.chmod(part.stat().st_mode | 0o011)
    (folder / "pins").write_text("0123456789abcdef" * 4)
    (folder / "pins").chmod(0o600)
    (folder / "rooms.yaml").write_text(ROOMS)
    one = Served(free_port(), free_port(), free_port(), folder / "run", folder / "mixer.log")
    file = folder / "mixer.yaml"
    file.write_text(f"""
name: mixer1
sip: [{{address: 127.0.0.1, port: {one.port}}}]
edge: [127.0.0.0/8]
media: {{address: 127.0.0.1, first: 30000, last: 39999, floor: {one.floor}}}
proxy: {{address: 127.0.0.1, port: {one.away}}}
capacity: 20
pins: {folder}/pins
rooms: {folder}/rooms.yaml
workers: {{ready: 1, user: nobody}}
run_dir: {folder}/run
state_dir: {folder}/state
cache_dir: {prompts}
{bus}
""")
    return file, one


@contextmanager
def running(file: Path, one: Served) -> Iterator[Served]:
    """Run a server until the end of the block; it ends in good order."""
    with one.log.open("ab") as out:
        command = [sys.executable, "-m", "mixer", "--config", str(file)]
        child = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | {"VDX_PURE": "1"})
    process = Process.of(child.pid)
    try:
        while not one.socket.exists():
            assert child.poll() is None, one.log.read_text()
            select.select([], [], [], 0.05)
        yield one
    finally:
        if process is not None:
            processes.end([process], grace=15.0)
        child.wait()
    assert child.returncode == 0, one.log.read_text()
    assert "Traceback" not in one.log.read_text(), one.log.read_text()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, prompts: Path) -> Iterator[Served]:
    with running(*configured(tmp_path_factory.mktemp("mixer"), prompts)) as one:
        yield one
