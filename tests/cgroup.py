"""A control group for one container: systemd in a container takes its own for the whole machine's.

Two containers that are started in the same group would find each other's services there, and end them.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

HIERARCHIES = tuple(Path("/sys/fs/cgroup", each) for each in ("", "systemd", "unified"))
"""Where systemd keeps its groups: version 2 alone, or beside version 1."""

GONE_S = 30.0
"""For the kernel to clear away what has just been killed."""


class Group:
    """A group of its own; `enter` is for the child that is to be in it, before it becomes another program."""

    def __init__(self, name: str) -> None:
        self._places = [each / name for each in HIERARCHIES if (each / "cgroup.procs").exists()]
        for place in self._places:
            place.mkdir(exist_ok=True)

    def enter(self) -> None:
        """Put this process in."""
        for place in self._places:
            (place / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self) -> None:
        """Take it away with all that systemd made in it, once its processes are gone."""
        ends = time.monotonic() + GONE_S
        for place in self._places:
            for each, _, _ in os.walk(place, topdown=False):
                while True:
                    try:
                        Path(each).rmdir()
                        break
                    except OSError as error:
                        if error.errno != errno.EBUSY or time.monotonic() > ends:
                            raise
                        time.sleep(0.05)
