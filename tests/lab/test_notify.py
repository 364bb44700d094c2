"""Readiness as systemd's services tell it."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.notify import ReadinessSocket


@pytest.fixture
def readiness(tmp_path: Path) -> Iterator[ReadinessSocket]:
    with ReadinessSocket(tmp_path / "notify", os.getuid()) as listening:
        yield listening


def _tell(readiness: ReadinessSocket, *messages: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as teller:
        for message in messages:
            teller.sendto(message, str(readiness.path))


def test_ready(readiness: ReadinessSocket) -> None:
    _tell(readiness, b"STATUS=reading\n", b"READY=1\nSTATUS=up")
    assert readiness.wait(os.getpid(), 5)
    assert readiness.status == "up"


def test_other_words_are_not_readiness(readiness: ReadinessSocket) -> None:
    _tell(readiness, b"STATUS=almost READY=1", b"WATCHDOG=1", b"\xff\xfe", b"READY=10")
    assert not readiness.wait(os.getpid(), 0.05)


def test_who_ends_is_not_waited_for(readiness: ReadinessSocket) -> None:
    with subprocess.Popen(["true"]) as child:
        assert not readiness.wait(child.pid, 3600)


def test_who_is_gone_already_is_not_waited_for(readiness: ReadinessSocket) -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()
    assert not readiness.wait(child.pid, 3600)


def test_readiness_told_before_the_end_counts(readiness: ReadinessSocket) -> None:
    _tell(readiness, b"READY=1")
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert readiness.wait(child.pid, 5)


def test_the_path_is_gone_afterwards(tmp_path: Path) -> None:
    with ReadinessSocket(tmp_path / "notify", os.getuid()):
        pass
    assert list(tmp_path.iterdir()) == []
