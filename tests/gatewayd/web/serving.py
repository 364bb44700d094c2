"""The web program before an appliance in memory, over plain HTTP, for a program that asks without a pause."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import uvicorn

from gatewayd.system import far
from gatewayd.system.errors import ReleaseError
from gatewayd.web import app
from gatewayd.web.credentials import Credentials
from gatewayd.web.server import Protocol
from tests.gatewayd.web.desks import Desks
from tests.gatewayd.web.world import world
from vdx import desks


def main(directory: Path, port: int) -> None:
    """Serve; the token of an admin stands in a file."""
    made = world(directory)

    def clock() -> float:
        made.now += 100.0  # nobody has to wait
        return made.now

    desks.DIRECTORY = directory
    far.DESKS |= {"look": {desks.FINDINGS: _told([])}, "tell": {desks.ANEW: _told("it restarts")}}
    versions = _told({"running": "1.0.0", "slots": [], "entries": []})
    far.DESKS["disk"] = {desks.VERSIONS: versions, desks.RECEIVE: _refused, desks.BACK: _told("back")}
    Desks(directory)
    application = app.build(made.appliance, Credentials(made.file), "1", clock, lambda: made.bench.now)
    (directory / "token").write_text(made.tokens["anna"])
    uvicorn.run(application, host="127.0.0.1", port=port, http=Protocol, log_config=None, lifespan="off")


def _told(what: object) -> far.Entry:
    return lambda _, line: line(json.dumps(what))


def _refused(*_: object) -> None:
    raise ReleaseError("this is no update")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
