"""Tell a service manager that the main loop turns (sd_notify(3)): a worker that hangs is ended, and replaced."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


class Alive:
    """Its socket is opened while that may still be done; `seconds` is how often to tell, 0 for never."""

    def __init__(self) -> None:
        there, microseconds = os.environ.get("NOTIFY_SOCKET", ""), os.environ.get("WATCHDOG_USEC", "")
        self.seconds = int(microseconds) // 2_000_000 if there and microseconds.isdecimal() else 0
        self._socket: socket.socket | None = None
        if self.seconds:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
            self._socket.connect(there.replace("@", "\0", 1) if there.startswith("@") else there)

    def tell(self) -> bool:
        """Tell; gives true, as a timer wants it that is to come again."""
        if self._socket is not None:
            with suppress(OSError):  # the next one may come through
                self._socket.send(b"WATCHDOG=1")
        return True
