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

from lab.errors import ProgramError
from vdx.bus.grants import Role
from vdx.bus.server import Certificates, Program, Server, configuration

READY_S = 20.0
POLL_S = 0.02
BINARY = Path(sys.executable).with_name("nats-server")


class BusServer:
    """One nats-server: written down by `prepare`, its process run by `command`."""

    def __init__(self, folder: Path, listen: str = "127.0.0.1:-1", tls: Certificates | None = None) -> None:
        self.folder = folder
        self._listen = listen
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None
        self._port: int | None = None

    @property
    def configuration(self) -> Path:
        """The file of the server's configuration."""
        return self.folder / "nats.conf"

    @property
    def command(self) -> list[str]:
        """How the server is started."""
        return [str(BINARY), "-c", str(self.configuration)]

    @property
    def url(self) -> str:
        """Where it listens; known once it is ready."""
        host, _, port = self._listen.rpartition(":")
        return f"{'tls' if self._tls else 'nats'}://{host}:{self._port or port}"

    def secret(self, name: str) -> Path:
        """Give the file of a program's user and password."""
        return self.folder / f"{name}.secret"

    def prepare(self, programs: Mapping[str, Role]) -> None:
        """Write the configuration, and the secrets of programs that have none yet."""
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        written = [Program(name, role, self._password(name)) for name, role in programs.items()]
        ports = str(self.folder) if self._listen.endswith(":-1") else ""
        host = self._listen.rpartition(":")[0]
        listen = f"{host}:{self._port}" if self._port else self._listen
        server = Server("lab", listen, str(self.folder / "store"), tuple(written), tls=self._tls, ports_folder=ports)
        _write(self.configuration, configuration(server))
        self._programs = programs

    def start(self) -> None:
        """Start it here and wait until it listens; the port it chose stays its own through every restart."""
        for stale in self.folder.glob("*.ports"):
            stale.unlink()
        with (self.folder / "nats.log").open("ab") as log:
            self._process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        ends = time.monotonic() + READY_S
        while time.monotonic() < ends and self._process.poll() is None:
            for path in self.folder.glob("*.ports"):
                with suppress(ValueError):  # still being written
                    self._port = int(json.loads(path.read_text())["nats"][0].rpartition(":")[2])
                    self.prepare(self._programs)
                    return
            time.sleep(POLL_S)
        said = (self.folder / "nats.log").read_text(errors="replace")[-500:]
        self.stop()
        raise ProgramError(f"The bus did not start; it said: {said}")

    def stop(self, *, kill: bool = False) -> None:
        """End it; with `kill` as a power cut would."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait()
            self._process = None

    def _password(self, name: str) -> str:
        path = self.secret(name)
        if not path.exists():
            _write(path, f"{name}\n{secrets.token_urlsafe(32)}\n")
        return path.read_text().split()[1]


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
