"""Waits for the readiness that services send to systemd (sd_notify(3)): a datagram with READY=1."""

import os
import select
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

MAX_DATAGRAM = 4096  # sd_notify messages are a few short lines


class ReadinessSocket:
    """A datagram socket whose path goes to one program as NOTIFY_SOCKET."""

    def __init__(self, path: Path, uid: int) -> None:
        self.path = path
        self.status = ""
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.bind(str(path))
            os.chown(path, uid, -1)
            path.chmod(0o600)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def wait(self, pid: int, seconds: float) -> bool:
        """Wait until the program says that it is ready; False if it ends before or takes longer than `seconds`.

        `status` holds the last STATUS= line it sent.
        """
        deadline = time.monotonic() + seconds
        try:
            ended = os.pidfd_open(pid)
        except ProcessLookupError:
            return False
        try:
            while (left := deadline - time.monotonic()) > 0:
                ready, _, _ = select.select([self._socket.fileno(), ended], [], [], left)
                if self._socket.fileno() in ready:
                    if self._take():
                        return True
                elif ended in ready:
                    return False
        finally:
            os.close(ended)
        return False

    def _take(self) -> bool:
        lines = self._socket.recv(MAX_DATAGRAM).decode(errors="replace").splitlines()
        with suppress(StopIteration):
            self.status = next(line.removeprefix("STATUS=") for line in lines if line.startswith("STATUS="))
        return "READY=1" in lines
