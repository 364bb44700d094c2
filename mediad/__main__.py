"""Start `mediad`: relay in user space what the kernel cannot, until SIGTERM."""

from __future__ import annotations

import argparse
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from mediad.errors import MediadError
from mediad.floor import MAX_CONNECTIONS, SOCKETS
from mediad.relay import MAX_SOCKETS
from mediad.service import Service
from vdx import journal
from vdx.service import tell, watchdog_seconds

log = logging.getLogger("mediad")

RESERVED = 64
"""Descriptors kept for everything but media: standard streams, control socket, one message that is refused."""

PRIORITY = 1
"""The lowest real-time priority: above every ordinary program, below the kernel's own threads."""

IDLE_TICK = 30.0
"""Seconds between signs of life where systemd asks for none."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status (2 where it cannot start)."""
    options = _options(arguments)
    journal.begin()
    with _stop_on_signals() as wake:
        try:
            service = Service(
                options.run_dir / "mediad.sock",
                table_size=_room_for_sockets(),
                user=options.user_of_gatewayd,
                wake=wake,
                tick=lambda: tell("WATCHDOG=1"),
                tick_seconds=watchdog_seconds() or IDLE_TICK,
            )
        except MediadError as error:
            print(f"mediad: {error}", file=sys.stderr)  # noqa: T201 - the one sentence a person reads
            return 2
        try:
            _be_punctual()
            tell("READY=1")
            service.run()
            tell("STOPPING=1")
        finally:
            service.close()
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mediad", description=__doc__)
    parser.add_argument("--run-dir", type=Path, required=True, metavar="DIR", help="where mediad.sock is made")
    parser.add_argument(
        "--user-of-gatewayd", type=int, default=os.getuid(), metavar="UID", help="who may speak, besides root"
    )
    return parser.parse_args(arguments)


def _stop_on_signals() -> socket.socket:
    """Return a socket that becomes readable at SIGTERM or SIGINT."""
    wake, trigger = socket.socketpair()
    trigger.setblocking(False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: trigger.close())  # its end is what the loop sees
    return wake


def _room_for_sockets() -> int:
    """Raise the limit of open files as far as allowed; return how many media sockets fit."""
    floor = SOCKETS * MAX_CONNECTIONS
    wanted = MAX_SOCKETS + floor + RESERVED
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("files.limited sockets=%d wanted=%d", allowed - RESERVED, MAX_SOCKETS + floor)
    return max(0, allowed - RESERVED - floor)


def _be_punctual() -> None:
    """Ask for real-time scheduling: without it a busy machine adds tens of milliseconds to a packet."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    except OSError as error:
        log.warning('scheduling.ordinary reason="%s"', error.strerror)
    else:
        log.info("scheduling.realtime priority=%d", PRIORITY)


if __name__ == "__main__":
    sys.exit(main())
