"""`python -m mixer`: run the node agent, or measure this server."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from mixer.agent import app
from mixer.agent.config import load
from vdx import journal
from vdx.errors import VdxError

CONFIG = Path("/etc/vdx/mixer.yaml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; exit status 2 with one sentence where it cannot start."""
    parser = argparse.ArgumentParser(prog="mixer", description="The node agent of a mixing server.")
    parser.add_argument("verb", nargs="?", choices=("run", "check"), default="run")
    parser.add_argument("--config", type=Path, default=CONFIG, help="the configuration (%(default)s)")
    parser.add_argument("--verbose", action="store_true", help="log every step")
    options = parser.parse_args(arguments)
    journal.begin(verbose=options.verbose)
    try:
        config = load(options.config)
        if options.verb == "check":
            print(f"{options.config}: can be used")  # noqa: T201 - what was asked
            return 0
        asyncio.run(app.run(config))
    except (VdxError, OSError) as error:
        print(f"mixer: {error}", file=sys.stderr)  # noqa: T201 - the one sentence of a failed start
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
