"""`gatewayctl route explain`: where a call would go, and every step that leads there."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import datetime
from typing import Any

import msgspec

from gatewayd.ctl.ask import ask_once
from vdx.errors import VdxError
from vdx.explain import Explain, Explained
from vdx.pinhole import Refused


def add(verbs: Any) -> None:  # noqa: ANN401 - argparse does not name the type of its subparsers
    """Add the verb to a parser."""
    route = verbs.add_parser("route", help="where calls go")
    steps = route.add_subparsers(dest="route_verb", required=True, metavar="VERB")
    explain = steps.add_parser("explain", help="what would become of a call, step by step")
    explain.add_argument("source", metavar="FROM", help="who calls: a peer, an address, or zone:address")
    explain.add_argument("dialled", metavar="TO", help="what is dialled: a SIP URI, a name, a number, an address")
    explain.add_argument("--at", type=_moment, metavar="TIME", help="at another time, as in 2026-03-02T08:00")


def run(options: argparse.Namespace) -> int:
    """Ask and print; exit status 0 where the call would go on, 1 where it is refused. Raises `VdxError`."""
    at = options.at.timestamp() if options.at else None
    answer = asyncio.run(ask_once(options.run_dir, Explain(1, options.source, options.dialled, at)))
    if isinstance(answer, Refused):
        print(answer.reason, file=sys.stderr)
        return 1
    if not isinstance(answer, Explained):
        raise VdxError(f"gatewayd gave an odd answer: {type(answer).__name__}")
    print(msgspec.json.encode(answer).decode() if options.json else written(answer))
    return 1 if answer.status else 0


def written(answer: Explained) -> str:
    """Write steps one below the other, each under its name."""
    width = max((len(step.step) for step in answer.steps), default=0)
    return "\n".join(f"{step.step.ljust(width)}  {step.text}" for step in answer.steps)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write it as in 2026-03-02T08:00") from None
    return moment if moment.tzinfo else moment.astimezone()
