"""The prover: one order on standard input (or site files by path), one report on standard output, and it is gone."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gatewayd import sandbox
from gatewayd.prove import order
from gatewayd.prove.proof import prove
from vdx import site
from vdx.errors import VdxError
from vdx.proof import NoProof, ProofReport

CPU_GRACE = 30
"""Seconds of processor time past a proof's own: reading and compiling come before its first packet."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make one proof; returns 0 where it holds, 1 where the kernel differs, 2 where no proof could be made."""
    options = _parser().parse_args(arguments)
    try:
        if options.site is None:
            sandbox.enter()
            wanted = order.decode(sys.stdin.buffer.read(order.MAX_BYTES + 1))
        else:
            running = site.load(options.running) if options.running else None
            wanted = order.of(site.load(options.site), running, time.time(), options.seconds)
            sandbox.enter()
        most = int(wanted.longest) + CPU_GRACE
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
        report: ProofReport | NoProof = prove(wanted)
    except MemoryError:
        report = NoProof(f"the policy is too large to be proved within {sandbox.MEMORY >> 30} GiB of memory")
    except VdxError as error:
        report = NoProof(str(error))
    sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    return 2 if isinstance(report, NoProof) else 0 if report.holds else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gatewayd-prove", description="Send packets through a candidate in a throw-away network."
    )
    parser.add_argument("--site", type=Path, metavar="FILE", help="the candidate (default: an order on standard input)")
    parser.add_argument("--running", type=Path, metavar="FILE", help="the site file that is active")
    parser.add_argument("--seconds", type=float, default=order.SECONDS, help="(default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
