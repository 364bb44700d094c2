"""Room workers that a service manager starts, a connection each: the real one's socket activation, real workers."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import processes
from lab.processes import Process
from tests.mixer.agent.conftest import configured, running
from tests.mixer.agent.served import PATIENCE, Served
from tests.mixer.agent.system import System

pytestmark = pytest.mark.system


@contextmanager
def manager(path: Path, *options: str) -> Iterator[None]:
    """Start a worker for each connection, until the end of the block."""
    command = ["systemd-socket-activate", "--accept", "--seqpacket", f"--listen={path}", "--setenv=VDX_PURE=1"]
    command += [sys.executable, "-m", "mixer.worker", *options, "--control", "3"]
    with path.with_suffix(".log").open("wb") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out, cwd=Path(__file__).parents[3])
    process = Process.of(child.pid)
    deadline = time.monotonic() + PATIENCE
    try:
        while not path.exists():
            assert child.poll() is None and time.monotonic() < deadline, path.with_suffix(".log").read_text()  # noqa: PT018 - one condition
            select.select([], [], [], 0.05)
        yield
    finally:
        if process is not None:
            processes.end([process], grace=15.0)
        child.wait()


def pid_of_room(served: Served) -> int:
    """Give the process of the room that was opened last, which the log names."""
    (line,) = [one for one in served.log.read_text().splitlines() if "room.manned" in one][-1:]
    return int(line.split("pid=")[1].split()[0])


def test_a_service_manager_starts_workers_and_a_dead_one_is_replaced(tmp_path: Path, prompts: Path) -> None:
    path = tmp_path / "rooms.sock"
    file, one = configured(tmp_path, prompts)
    file.write_text(file.read_text().replace("user: nobody", f"socket: {path}"))
    with manager(path, "--user", "nobody", "--confine"), running(file, one), System(one.port) as caller:
        caller.invite(one.uri("1000"))
        one.until(lambda: one.roster("1000").get("System"))
        pid = pid_of_room(one)
        held = Path(f"/proc/{pid}/status").read_text()
        assert {"Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000000000"} <= set(held.splitlines())
        assert Path(f"/proc/{pid}/mem").stat().st_uid == 0, "nobody looks into its memory"
        assert "Uid:\t65534\t65534\t65534\t65534" in held.splitlines()
        assert Path(f"/proc/{pid}/task/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
        os.kill(pid, signal.SIGKILL)
        caller.next_request("INVITE")
        assert pid_of_room(one) != pid
        assert one.status().calls == 1


def test_a_worker_that_keeps_its_rights_is_not_taken(tmp_path: Path, prompts: Path) -> None:
    path = tmp_path / "rooms.sock"
    file, one = configured(tmp_path, prompts)
    file.write_text(file.read_text().replace("user: nobody", f"socket: {path}"))
    with manager(path), running(file, one):
        one.until(lambda: "worker.unconfined" in one.log.read_text() or None)
        assert one.status().ready_workers == 0


def test_a_socket_that_is_not_there_is_said(tmp_path: Path, prompts: Path) -> None:
    file, one = configured(tmp_path, prompts)
    file.write_text(file.read_text().replace("user: nobody", "socket: /nonexistent/rooms.sock"))
    with running(file, one):
        one.until(lambda: "no room worker is started at /nonexistent/rooms.sock" in one.log.read_text() or None)
