"""`hub`: serve the API, or make the rooms that are booked through it."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from hub import program, settings
from hub.errors import HubError
from vdx import journal
from vdx.errors import VdxError

GRACE_SECONDS = 10
"""How long requests that are being answered may take when the program is told to end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to end; returns 0, or 2 with one sentence on standard error."""
    options = _parser().parse_args(arguments)
    journal.begin()
    try:
        configured = settings.load(options.config)
        if options.check:
            return 0
        program.prepare(configured)
        if options.verb == "provision":
            asyncio.run(program.provision(configured))
            return 0
    except (VdxError, HubError) as error:
        print(f"hub: {error}", file=sys.stderr)  # noqa: T201 - the sentence for whoever started it
        return 2
    os.environ[program.CONFIG] = str(options.config)
    uvicorn.run(
        "hub.program:application",
        factory=True,
        host=options.host,
        port=options.port,
        workers=options.workers,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hub", description="Meetings and their rooms.")
    parser.add_argument(
        "verb", nargs="?", choices=("serve", "provision"), default="serve", help="the API, or rooms made for it"
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the hub's configuration")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen; TLS is ended in front (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8080, help="the port to listen at (8080)")
    parser.add_argument("--workers", type=int, default=1, help="processes that serve (1)")
    parser.add_argument("--check", action="store_true", help="only say whether the configuration can be used")
    return parser


if __name__ == "__main__":
    sys.exit(main())
