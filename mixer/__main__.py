"""`python -m mixer`: run the node agent, check its configuration, or measure this server."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mixer import calibration, prompts
from mixer.agent import app
from mixer.agent.config import Config, load
from vdx import journal, ports
from vdx.errors import VdxError

CONFIG = Path("/etc/vdx/mixer.yaml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; exit status 2 with one sentence where it cannot do what it was asked."""
    parser = argparse.ArgumentParser(prog="mixer", description="The node agent of a mixing server.")
    words = "run (%(default)s), check the configuration, or calibrate: measure how many ports this server carries"
    parser.add_argument("verb", nargs="?", choices=("run", "check", "calibrate"), default="run", help=words)
    parser.add_argument("--config", type=Path, default=CONFIG, help="the configuration (%(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long calibrate measures (%(default)s)")
    parser.add_argument("--verbose", action="store_true", help="log every step")
    options = parser.parse_args(arguments)
    journal.begin(verbose=options.verbose)
    try:
        if options.verb == "run":
            asyncio.run(app.run(partial(load, options.config)))
        elif options.verb == "calibrate":
            _calibrate(load(options.config), options.seconds)
        else:
            return _check(options.config, load(options.config))
    except (VdxError, OSError) as error:
        print(f"mixer: {error}", file=sys.stderr)  # noqa: T201 - the one sentence of a failed start
        return 2
    return 0


def _check(file: Path, config: Config) -> int:
    wrong = prompts.check(config.themes) if config.themes is not None else ()
    for sentence in wrong:
        print(sentence)  # noqa: T201 - what was asked
    print(f"{file}: {'can be used, but for these files' if wrong else 'can be used'}")  # noqa: T201 - what was asked
    return 1 if wrong else 0


def _calibrate(config: Config, seconds: float) -> None:
    found = asyncio.run(calibration.measure(config, seconds))
    calibration.keep(config.state_dir, found)
    late = f"; {found.late} pictures or sounds came late" if found.late else ""
    print(  # noqa: T201 - what was asked
        f"{ports.written(found.twelfths)} ports: one HD participant takes {found.per_port:.1%} of a core, "
        f"{found.cores} cores at {calibration.SHARE:.0%}{late}"
    )


if __name__ == "__main__":
    sys.exit(main())
