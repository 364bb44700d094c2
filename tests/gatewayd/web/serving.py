"""The web program before an appliance in memory, over plain HTTP, for a program that asks without a pause.

Its machine takes `version` and a number as an update, and is of that version once it was restarted.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import IO

import uvicorn

from gatewayd.system import far
from gatewayd.system.errors import ReleaseError
from gatewayd.web import app
from gatewayd.web.credentials import Credentials
from gatewayd.web.server import Protocol
from tests.gatewayd.web.desks import Desks
from tests.gatewayd.web.world import world
from vdx import desks
from vdx.control import CallList, StatusReport


def main(directory: Path, port: int) -> None:
    """Serve; the token of an admin stands in a file."""
    made = world(directory)

    def clock() -> float:
        made.now += 100.0  # nobody has to wait
        return made.now

    desks.DIRECTORY = directory
    made.appliance.looks["calls"] = CallList(1, ())
    received: list[bytes] = []

    def restart(_: IO[bytes], line: far.Line) -> None:
        if received:
            made.appliance.looks["status"] = StatusReport(1, "gatewayd", received[-1].decode(), "serving", {}, ())
        line("it restarts")

    def receive(sent: IO[bytes], line: far.Line) -> None:
        found = re.fullmatch(rb"version (\d+)", sent.read())
        if found is None:
            raise ReleaseError("this is no update")
        received.append(found[1])
        (directory / "received").write_bytes(b" ".join(received))
        line("written")

    versions = _told({"running": "1.0.0", "slots": [], "entries": []})
    far.DESKS |= {"look": {desks.FINDINGS: _told([])}, "tell": {desks.ANEW: restart}}
    far.DESKS["disk"] = {desks.VERSIONS: versions, desks.RECEIVE: receive, desks.BACK: _told("back")}
    Desks(directory)
    application = app.build(made.appliance, Credentials(made.file), "1", clock, lambda: made.bench.now)
    (directory / "token").write_text(made.tokens["anna"])
    uvicorn.run(application, host="127.0.0.1", port=port, http=Protocol, log_config=None, lifespan="off")


def _told(what: object) -> far.Entry:
    return lambda _, line: line(json.dumps(what))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
