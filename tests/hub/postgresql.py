"""A PostgreSQL server of Debian's package, for one run of the tests: its own directory, a UNIX socket, no port."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=200")
"""Settings of a server whose data nobody needs after the tests."""

START_SECONDS = 60


def programs() -> Path:
    """Find the newest server that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert found, "PostgreSQL is missing: tools/setup installs it"
    return found[-1]


@contextmanager
def server(settings: tuple[str, ...] = QUICK) -> Iterator[str]:
    """Run a server; gives the URL of its database `postgres`, of which the user is a superuser."""
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    home = Path(tempfile.mkdtemp(prefix=f"vdx-pg-{os.getpid()}-"))
    home.chmod(0o711)
    data = home / "data"
    try:
        os.chown(home, account.pw_uid, account.pw_gid)
        _run(
            account,
            programs() / "initdb",
            "-D",
            data,
            "-A",
            "trust",
            "-U",
            "hub",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        )
        options = [word for each in settings for word in ("-c", each)]
        with (home / "log").open("wb") as log:
            running = subprocess.Popen(
                [programs() / "postgres", "-D", data, "-k", home, *options],
                stdout=log,
                stderr=log,
                user=account.pw_uid,
                group=account.pw_gid,
                cwd=home,
            )
        try:
            _await(home, running)
            yield f"postgresql://hub@/postgres?host={home}"
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(START_SECONDS)
    finally:
        shutil.rmtree(home)


def _await(home: Path, running: subprocess.Popen[bytes]) -> None:
    ready = programs() / "pg_isready"
    for _ in range(START_SECONDS):
        if subprocess.run([ready, "-q", "-h", home, "-t", "1"], check=False).returncode == 0:
            return
        assert running.poll() is None, (home / "log").read_text()
    raise AssertionError((home / "log").read_text())


def _run(account: pwd.struct_passwd, *command: object) -> None:
    done = subprocess.run(
        [str(each) for each in command],
        capture_output=True,
        check=False,
        user=account.pw_uid,
        group=account.pw_gid,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
