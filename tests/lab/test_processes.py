"""Processes are ended by who they are, not by a number that may be somebody else's by now."""

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from lab.processes import Process, end

STUBBORN = "trap '' TERM; echo set; while :; do read line; done"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as child:
        yield child
        child.kill()


def _identity(child: subprocess.Popen[bytes]) -> Process:
    process = Process.of(child.pid)
    assert process is not None
    return process


def test_a_process_is_ended_with_sigterm(sleeper: subprocess.Popen[bytes]) -> None:
    end([_identity(sleeper)])
    assert sleeper.wait() == -signal.SIGTERM


def test_without_grace_it_is_killed(sleeper: subprocess.Popen[bytes]) -> None:
    end([_identity(sleeper)], grace=0)
    assert sleeper.wait() == -signal.SIGKILL


def test_who_ignores_sigterm_is_killed() -> None:
    with subprocess.Popen(["sh", "-c", STUBBORN], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"set\n"
        end([_identity(child)], grace=0.05)
        assert child.wait() == -signal.SIGKILL


def test_a_reused_id_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    earlier = Process(sleeper.pid, _identity(sleeper).start - 1)
    assert not earlier.alive()
    end([earlier], grace=0)
    assert _identity(sleeper).alive()


def test_this_process_and_its_parents_are_left_alone() -> None:
    ours = [Process.of(os.getpid()), Process.of(os.getppid())]
    end([process for process in ours if process], grace=0)
    assert all(process.alive() for process in ours if process)


def test_a_zombie_is_nobody() -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert Process.of(child.pid) is None


def test_one_that_is_gone_is_nobody() -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()
    assert Process.of(child.pid) is None
    end([Process(child.pid, 1)])
