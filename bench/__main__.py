"""Run benchmarks: ``make bench ARGS="relay --aims"``, ``make bench ARGS="signalling --json"``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable

from bench.report import Report
from lab import compiled

BENCHMARKS = ("relay", "opening", "firewall", "signalling", "calls", "mixer", "hub")
"""Modules of this package with a `run(*, short: bool) -> Report`."""

APART = ("image",)
"""Likewise, but run only where they are named: they need what tools/setup-image installs, and half an hour."""


SOAKED = ("mixer", "signalling")
"""Those that can go on for long, to see what grows."""


def main() -> int:
    """Run the named benchmarks; exit with 1 where `--aims` is given and one is missed."""
    parser = argparse.ArgumentParser(prog="bench", description="Side-by-side measurements against peers.")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"which: {', '.join((*BENCHMARKS, *APART))} (default: all but {', '.join(APART)})",
    )
    parser.add_argument("--aims", action="store_true", help="exit with 1 where an aim is missed")
    parser.add_argument("--json", action="store_true", help="print one JSON object a benchmark")
    parser.add_argument("--short", action="store_true", help="fewer runs: to see that it works, not to quote")
    parser.add_argument(
        "--soak", type=float, metavar="SECONDS", help="of mixer: rooms with joins and leaves; of signalling: calls"
    )
    options = parser.parse_args()
    unknown = set(options.names) - {*BENCHMARKS, *APART}
    if unknown:
        parser.error(
            f"no benchmark is called {', '.join(sorted(unknown))}: there are {', '.join((*BENCHMARKS, *APART))}"
        )
    folder, _ = compiled.place(os.environ)
    sys.path.insert(0, str(compiled.CHECKOUT / folder))  # what is measured in this process is of the same form
    missed = False
    if options.soak:
        if len(options.names) != 1 or options.names[0] not in SOAKED:
            parser.error(f"only {' or '.join(SOAKED)} can be soaked: python -m bench signalling --soak 3600")
        report = importlib.import_module(f"bench.{options.names[0]}.soak").report(options.soak)
        print(report.json() if options.json else report.table(), flush=True)
        return 1 if report.missed else 0
    for name in options.names or BENCHMARKS:
        run: Callable[..., Report] = importlib.import_module(f"bench.{name}").run
        report = run(short=options.short)
        print(report.json() if options.json else report.table(), flush=True)
        missed = missed or bool(report.missed)
    return 1 if options.aims and missed else 0


if __name__ == "__main__":
    sys.exit(main())
