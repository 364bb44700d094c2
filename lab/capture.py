"""Captures packets on a host, for tests that prove what was on the wire and what was not."""

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.errors import UnableError
from lab.host import Host

BEGIN_S = 10.0  # tcpdump listens within milliseconds on an idle machine
END_S = 5.0  # and has read what waits for it as fast
TURN_S = 0.02
COUNTED = re.compile(rb"(\d+) packets? captured, (\d+) packets? received by filter")  # what it says on SIGUSR1


def tcpdump(interface: str, file: str | None, expression: Sequence[str]) -> list[str]:
    """Return the command that captures on an interface, to a file or as text; nothing waits in a buffer."""
    command = ["tcpdump", "-n", "-l", "--immediate-mode", "-i", interface]
    if file is not None:
        command += ["-U", "-w", file, "-Z", "root"]  # -Z: may write where root may
    return [*command, *expression]


class Capture:
    """tcpdump on one interface of a host, from entering the context, when it listens, to leaving it.

    `file` holds the packets afterwards (pcap); nothing that came before the end is lost.
    """

    def __init__(self, host: Host, file: Path, interface: str = "any", *expression: str) -> None:
        self.file = file
        self._host = host
        self._command = tcpdump(interface, str(file), expression)
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._child = self._host.popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = b""
        deadline = time.monotonic() + BEGIN_S
        while b"listening on" not in said:
            data = _said(self._child, deadline - time.monotonic())
            if not data:
                self._stop()
                raise UnableError(f"tcpdump on {self._host.name} did not begin: {said.decode(errors='replace')}")
            said += data
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._drain()
        self._stop()

    def _drain(self) -> None:
        """Wait until what the kernel holds for tcpdump is read: at its end it leaves that behind."""
        deadline = time.monotonic() + END_S
        said = b""
        while self._child is not None and self._child.poll() is None and time.monotonic() < deadline:
            self._child.send_signal(signal.SIGUSR1)
            said += _said(self._child, TURN_S)
            counted = COUNTED.findall(said)
            if counted and counted[-1][0] == counted[-1][1]:
                return
            time.sleep(TURN_S)

    def _stop(self) -> None:
        if self._child is not None:
            self._child.send_signal(signal.SIGINT)  # tcpdump writes out what it has
            self._child.communicate()
            self._child = None


def _said(child: subprocess.Popen[bytes], seconds: float) -> bytes:
    """Return what a child writes to its errors next, nothing if that takes longer."""
    errors = child.stderr.fileno()  # type: ignore[union-attr]  # a pipe, as asked
    ready, _, _ = select.select([errors], [], [], max(0.0, seconds))
    return os.read(errors, 4096) if ready else b""
