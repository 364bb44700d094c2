"""The desks of an appliance behind their sockets, in threads of the test."""

from __future__ import annotations

import gzip
import socket
import threading
from contextlib import suppress
from pathlib import Path

from gatewayd.system import far
from vdx import desks


class Desks:
    """Serves the sockets of the desks, each connection in a thread, and notes what was asked."""

    def __init__(self, directory: Path) -> None:
        self.asked: list[str] = []
        self._listening = []
        for name in ("look", "tell", "disk"):
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(str(directory / f"{name}.sock"))
            listening.listen()
            self._listening.append(listening)
            threading.Thread(target=self._serve, args=(name, listening), daemon=True).start()

    def _serve(self, name: str, listening: socket.socket) -> None:
        while True:
            try:
                connected, _ = listening.accept()
            except OSError:
                return
            with connected, suppress(ConnectionError):  # who asked may be gone
                self._answer(name, connected)

    def _answer(self, name: str, connected: socket.socket) -> None:
        with connected.makefile("rb") as sent, connected.makefile("wb") as told:
            entry = sent.readline().decode().split()[0]
            self.asked.append(entry)
            if entry == desks.BUNDLE:
                told.write(gzip.compress(b"texts"))
            else:
                far.carry_out(far.DESKS[name][entry], sent, told)

    def close(self) -> None:
        for each in self._listening:
            each.shutdown(socket.SHUT_RDWR)
            each.close()
