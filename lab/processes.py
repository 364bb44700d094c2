"""Processes known by id and start time, so that a reused id is never signalled; ended through a pidfd."""

import os
import select
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GRACE_S = 5.0  # a program ends its calls and releases its leases in less
KILLED_S = 5.0  # a killed process is gone at once, unless the kernel is stuck in it


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its id and the clock tick since boot at which it started."""

    pid: int
    start: int

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """Return the identity of a living process, None if there is none or it is a zombie."""
        try:
            # proc(5): the name in parentheses may hold anything; after it comes the state, the start time is the 20th.
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    def alive(self) -> bool:
        """Tell whether this very process still runs."""
        return Process.of(self.pid) == self


def end(processes: Iterable[Process], grace: float = GRACE_S) -> None:
    """End processes: SIGTERM to all, SIGKILL to those that are left after `grace` seconds; never this one."""
    ours = _ancestry()
    handles = {}
    for process in processes:
        if process.pid not in ours:
            with suppress(ProcessLookupError):
                fd = os.pidfd_open(process.pid)
                if process.alive():  # looked at after opening: the handle cannot change its process any more
                    handles[fd] = process
                else:
                    os.close(fd)
    try:
        if grace > 0:
            _signal(handles, signal.SIGTERM)
            _wait(handles, grace)
        _signal(handles, signal.SIGKILL)
        _wait(handles, KILLED_S)
    finally:
        for fd in handles:
            os.close(fd)


def _signal(handles: Iterable[int], number: signal.Signals) -> None:
    for fd in handles:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(fd, number)


def _wait(handles: Iterable[int], seconds: float) -> None:
    poll = select.poll()
    left = set(handles)
    for fd in left:
        poll.register(fd, select.POLLIN)
    deadline = time.monotonic() + seconds
    while left and (rest := deadline - time.monotonic()) > 0:
        for fd, _ in poll.poll(rest * 1000):
            poll.unregister(fd)
            left.discard(fd)


def _ancestry() -> set[int]:
    pids = set()
    pid = os.getpid()
    while pid > 0:
        pids.add(pid)
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            break
        pid = int(fields[1])
    return pids
