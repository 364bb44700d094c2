"""The web program before an appliance in memory, over plain HTTP, for a program that asks without a pause."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from gatewayd.web import app
from gatewayd.web.credentials import Credentials
from gatewayd.web.server import Protocol
from tests.gatewayd.web.world import world


def main(directory: Path, port: int) -> None:
    """Serve; the token of an admin stands in a file."""
    made = world(directory)

    def clock() -> float:
        made.now += 100.0  # nobody has to wait
        return made.now

    application = app.build(made.appliance, Credentials(made.file), "1", clock, lambda: made.bench.now)
    (directory / "token").write_text(made.tokens["anna"])
    uvicorn.run(application, host="127.0.0.1", port=port, http=Protocol, log_config=None, lifespan="off")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
