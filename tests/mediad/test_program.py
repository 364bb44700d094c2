"""The program as it is started: readiness, watchdog, SIGTERM, and a second one beside it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.mediad.gatewayd import Client, lease, pair, remote
from vdx.relay import ListRelays, Pipe, Relay, RelayOk, Relays

PATIENCE = 20.0
ROOT = Path(__file__).parents[2]


@contextmanager
def started(run_dir: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], socket.socket]]:
    """Start mediad and wait until it says that it is ready; give the process and what it notifies."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(run_dir / "notify"))
        notify.settimeout(PATIENCE)
        process = subprocess.Popen(
            [sys.executable, "-m", "mediad", "--run-dir", str(run_dir)],
            env={**os.environ, "NOTIFY_SOCKET": str(run_dir / "notify"), **environment},
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        try:
            assert notify.recv(100) == b"READY=1"
            yield process, notify
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


def test_it_says_when_it_is_ready_and_ends_at_sigterm(tmp_path: Path) -> None:
    with started(tmp_path) as (process, notify):
        client = Client.connect(tmp_path / "mediad.sock")
        with client.connection, pair() as ends:
            pipe = Pipe("rtp", remote(ends.left), remote(ends.right))
            assert client.ask(Relay(1, lease(), (pipe,)), [ends.a, ends.b]) == RelayOk(1)
            assert ends.from_left(b"x")[0] == b"x"
            process.send_signal(signal.SIGTERM)
            assert client.closed()
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert "Traceback" not in errors
        assert not (tmp_path / "mediad.sock").exists()
        said = [notify.recv(100), notify.recv(100)]
        assert said[-1] == b"STOPPING=1"


def test_it_shows_the_watchdog_that_it_lives(tmp_path: Path) -> None:
    with started(tmp_path, WATCHDOG_USEC="200000") as (_, notify):
        assert [notify.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3


def test_it_outlives_its_gatewayd(tmp_path: Path) -> None:
    with started(tmp_path):
        for _ in range(3):
            client = Client.connect(tmp_path / "mediad.sock")
            assert client.ask(ListRelays(1)) == Relays(1, ())
            client.connection.close()


def test_it_goes_on_where_nobody_listens_to_its_notifications(tmp_path: Path) -> None:
    with started(tmp_path, WATCHDOG_USEC="20000") as (process, _):
        (tmp_path / "notify").unlink()
        client = Client.connect(tmp_path / "mediad.sock")
        with client.connection:
            for number in range(3):
                assert client.ask(ListRelays(number)) == Relays(number, ())
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, "notify.lost" in errors) == (0, True)


def test_a_second_one_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with started(tmp_path):
        second = subprocess.run(
            [sys.executable, "-m", "mediad", "--run-dir", str(tmp_path)],
            capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=ROOT,
        )  # fmt: skip
        assert second.returncode == 2
        assert second.stderr.strip().endswith(
            f"another mediad already listens at {tmp_path}/mediad.sock: stop it first"
        )


def test_no_sockets_of_its_own(tmp_path: Path) -> None:
    with started(tmp_path) as (process, _):
        files = [str(entry.readlink()) for entry in Path(f"/proc/{process.pid}/fd").iterdir()]
        inodes = {name[len("socket:[") : -1] for name in files if name.startswith("socket:")}
        tables = [Path(f"/proc/{process.pid}/net/{name}").read_text() for name in ("udp", "udp6", "tcp", "tcp6")]
        assert inodes
        assert not [one for one in inodes for table in tables if f" {one} " in table]
