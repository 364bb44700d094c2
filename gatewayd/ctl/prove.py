"""`gatewayctl check --prove`: packets through a candidate in a throw-away network; nothing else is touched."""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

from gatewayd import prove
from gatewayd.prove.order import SECONDS
from vdx import site
from vdx.proof import ProofReport
from vdx.site.source import LoadedSite


def add(check: argparse.ArgumentParser, active: Path) -> None:
    """Add the options to the verb; `active` is where the active site file is kept."""
    check.add_argument("--prove", action="store_true", help="send packets through its rules in a throw-away network")
    check.add_argument(
        "--running", type=Path, default=active, metavar="FILE", help="what it changes is proved first (%(default)s)"
    )
    check.add_argument("--seconds", type=float, default=SECONDS, help="that the proof may take (default: %(default)s)")


def run(candidate: LoadedSite, options: argparse.Namespace) -> ProofReport:
    """Prove a candidate against what runs, if anything does; raises `VdxError` where no proof can be made."""
    running = site.load(options.running) if options.running.exists() else None
    return asyncio.run(prove.start(candidate, running, now=time.time(), seconds=options.seconds))
