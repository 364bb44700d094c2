"""What the desks do for `gatewayd-web`, which asks in the name of administrators elsewhere: no questions, no secrets.

How they are asked, and answer, `vdx.desks` tells.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import IO

from gatewayd.system import machine, paths
from vdx import desks
from vdx.errors import VdxError

CHUNK = 1 << 20

Line = Callable[[str], None]
Entry = Callable[[IO[bytes], Line], None]
"""Does something with what is sent, if anything is, and tells it in lines."""


def carry_out(entry: Entry, sent: IO[bytes], told: IO[bytes]) -> None:
    """Carry out an entry; what is wrong is told in the last line, once all that is still sent was taken."""

    def line(text: str) -> None:
        told.write(f"{' '.join(text.split())}\n".encode())
        told.flush()

    try:
        entry(sent, line)
        last = desks.DONE
    except (VdxError, OSError) as error:
        last = desks.WRONG + str(error)
    line(last)
    with suppress(OSError):  # an end that closes with octets unread takes its last line back
        while sent.read(CHUNK):
            pass


def _findings(_: IO[bytes], line: Line) -> None:
    from gatewayd.system import doctor  # noqa: PLC0415 - other entries need nothing of it

    line(json.dumps([asdict(each) for each in doctor.examine()]))


def _versions(_: IO[bytes], line: Line) -> None:
    from gatewayd.system import update  # noqa: PLC0415 - as above

    running = machine.running()
    line(json.dumps(update.versions(machine.Disk.found(running), running)))


def _receive(sent: IO[bytes], line: Line) -> None:
    from gatewayd.system import update  # noqa: PLC0415 - as above
    from gatewayd.system.release import Release, keys  # noqa: PLC0415 - as above

    running = machine.running()
    disk = machine.Disk.found(running)
    release = Release(sent, keys(paths.KEYS.read_bytes()))
    update.check(release, running, machine.release().get("VARIANT_ID", ""))
    for each in update.install(release, disk, running):
        line(each)


def _rollback(_: IO[bytes], line: Line) -> None:
    from gatewayd.system import update  # noqa: PLC0415 - as above

    running = machine.running()
    disk = machine.Disk.found(running)
    with disk.boot() as boot:
        line(f"version {update.rollback(disk, boot, running)} starts with the next boot")


def _restart(_: IO[bytes], line: Line) -> None:
    machine.run("systemctl", "reboot")
    line("the machine restarts")


DESKS: dict[str, dict[str, Entry]] = {
    "look": {desks.FINDINGS: _findings},
    "tell": {desks.ANEW: _restart},
    "disk": {desks.VERSIONS: _versions, desks.RECEIVE: _receive, desks.BACK: _rollback},
}
"""What each desk does for whoever may connect; beside it, `look` makes a support bundle (`desks.BUNDLE`)."""
