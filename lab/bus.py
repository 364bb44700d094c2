"""The bus of one machine: nats-server with a folder of its own, a user for each program.

<folder>/nats.conf          the server's configuration, with passwords: closed to others
<folder>/store/             what it holds
<folder>/<program>.secret   user and password of a program
"""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.errors import ProgramError
from lab.host import Host
from lab.users import User
from vdx.bus.grants import Role
from vdx.bus.server import Certificates, Program, Server, configuration

READY_S = 20.0
POLL_S = 0.02
BINARY = Path(sys.executable).with_name("nats-server")


class BusServer:
    """One nats-server, on a host of a lab or, without one, here; as `user`, or as whoever starts it."""

    def __init__(
        self,
        folder: Path,
        listen: str = "127.0.0.1:-1",
        *,
        tls: Certificates | None = None,
        host: Host | None = None,
        user: User | None = None,
        log: Path | None = None,
    ) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self._listen = listen
        self._tls = tls
        self._host = host
        self._user = user
        self._log = log or folder / "nats.log"
        self._programs: Mapping[str, Role] = {}

    @property
    def command(self) -> list[str]:
        """How the server is started."""
        return [str(BINARY), "-c", str(self.folder / "nats.conf")]

    @property
    def url(self) -> str:
        """Where it listens; a port of its own choice is known once it is ready."""
        return f"{'tls' if self._tls else 'nats'}://{self._listen}"

    def secret(self, name: str) -> Path:
        """Give the file of a program's user and password."""
        return self.folder / f"{name}.secret"

    def prepare(self, programs: Mapping[str, Role]) -> None:
        """Write the configuration, and the secrets of programs that have none yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)  # programs pass through to their secrets
        self._programs = programs
        written = tuple(Program(name, role, self._password(name)) for name, role in programs.items())
        server = Server(
            "lab", self._listen, str(self.folder / "store"), written, self._tls, ports_folder=str(self.folder)
        )
        _write(self.folder / "nats.conf", configuration(server))
        if self._user is not None:
            for path in (self.folder, self.folder / "nats.conf"):
                os.chown(path, self._user.uid, self._user.gid)

    def start(self) -> None:
        """Start it and wait until it listens; the port it chose stays its own through every restart."""
        for stale in self.folder.glob("*.ports"):
            stale.unlink()
        self.process = self._spawn()
        ends = time.monotonic() + READY_S
        while time.monotonic() < ends and self.process.poll() is None:
            for path in self.folder.glob("*.ports"):
                with suppress(ValueError):  # still being written
                    said: str = json.loads(path.read_text())["nats"][0]
                    self._listen = said.rpartition("/")[2]
                    self.prepare(self._programs)
                    return
            time.sleep(POLL_S)
        words = self._log.read_text(errors="replace")[-500:]
        self.stop()
        raise ProgramError(f"The bus did not start; it said: {words}")

    def stop(self, *, kill: bool = False) -> None:
        """End it; with `kill` as a power cut would."""
        if self.process is not None:
            (self.process.kill if kill else self.process.terminate)()
            self.process.wait()
            self.process = None

    def _spawn(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            options: dict[str, Any] = {
                "stdin": subprocess.DEVNULL,
                "stdout": log,
                "stderr": log,
                "start_new_session": True,
            }
            if self._user is not None:
                options |= {"user": self._user.uid, "group": self._user.gid, "extra_groups": []}
            if self._host is not None:
                return self._host.popen(self.command, **options)
            return subprocess.Popen(self.command, **options)

    def _password(self, name: str) -> str:
        path = self.secret(name)
        if not path.exists():
            _write(path, f"{name}\n{secrets.token_urlsafe(32)}\n")
        return path.read_text().split()[1]


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
