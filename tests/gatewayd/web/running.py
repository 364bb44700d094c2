"""The web program as it runs on an appliance: a process of a user of its own, TLS, a file of credentials."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from gatewayd.web import credentials
from lab.authority import Authority, Pair
from vdx.versions import Role

T = TypeVar("T")
WEB = 64315
"""The user of gatewayd-web."""

CHECKOUT = Path(__file__).resolve().parents[3]
READY_SECONDS = 30.0


@dataclass
class Web:
    """The program, and how to ask it; `on` does a job where its address is reached from."""

    directory: Path
    address: str
    port: int
    authority: Authority
    on: Callable[[Callable[[], Any]], Any]
    tokens: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def file(self) -> Path:
        """The file of credentials."""
        return self.directory / "credentials.json"

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://{self.address}:{self.port}"

    def token(self, name: str, role: Role = "admin") -> str:
        """Give somebody a token."""
        self.tokens[name] = credentials.issue(self.file, name, role, None)
        readable(self.file)
        return self.tokens[name]

    def call(
        self, method: str, path: str, who: str = "", said: object = None, pair: Pair | None = None
    ) -> tuple[int, Any]:
        """Ask the API; gives status and answer."""
        headers = {"content-type": "application/json"}
        if who:
            headers["authorization"] = f"Bearer {self.tokens[who]}"
        body = None if said is None else json.dumps(said)

        def ask() -> tuple[int, Any]:
            tls = ssl.create_default_context(cafile=str(self.authority.path))
            if pair:
                tls.load_cert_chain(pair.certificate, pair.key)
            connection = http.client.HTTPSConnection(self.address, self.port, timeout=60, context=tls)
            try:
                connection.request(method, f"/api/v1{path}", body, headers)
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read())
            finally:
                connection.close()

        found: tuple[int, Any] = self.on(ask)
        return found


def readable(path: Path) -> None:
    """Let the program read a file of root's."""
    os.chown(path, 0, WEB)
    path.chmod(0o640)


@contextmanager
def web(
    directory: Path,
    run_dir: Path,
    address: str,
    start: Callable[[Callable[[], Any]], Any],
    on: Callable[[Callable[[], Any]], Any],
    port: int = 0,
) -> Iterator[Web]:
    """Run it: `start` does a job where the program is, `on` where it is asked from; 0 is any free port."""
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    authority = Authority(directory / "keys")
    pair = authority.issue("edge", [address])
    authority.folder.chmod(0o755)
    for each in (pair.certificate, pair.key, authority.path):
        readable(each)
    port = port or start(lambda: _free(address))
    made = Web(directory, address, port, authority, on)
    made.token("nobody")
    command = [
        sys.executable, "-m", "gatewayd.web", "--credentials", str(made.file), "serve",
        "--listen", f"{address}:{port}", "--certificate", str(pair.certificate), "--key", str(pair.key),
        "--clients", str(authority.path), "--run-dir", str(run_dir),
    ]  # fmt: skip
    notify = directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, (directory / "log").open("ab") as log:
        ready.bind(str(notify))
        notify.chmod(0o666)
        ready.settimeout(0.1)
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(notify),
            "HOME": "/nonexistent",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        running = start(
            lambda: subprocess.Popen(
                command, cwd=CHECKOUT, env=environment, stdout=log, stderr=log, user=WEB, group=WEB, extra_groups=[]
            )
        )
        made.process = running
        try:
            _await(ready, running, directory / "log")
            yield made
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(READY_SECONDS)


def _await(ready: socket.socket, running: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and running.poll() is None:
        with suppress(TimeoutError):
            if b"READY=1" in ready.recv(4096):
                return
    raise AssertionError(log.read_text())


def _free(address: str) -> int:
    with socket.socket() as free:
        free.bind((address, 0))
        port: int = free.getsockname()[1]
        return port
