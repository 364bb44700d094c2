"""`gatewayctl explain packet`: what the firewall does with a packet, and by which rule. Nothing is sent or asked."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from gatewayd import transit
from nft.errors import ModelError
from nft.policy.packet import EXAMPLE, parse
from nft.policy.verdict import Verdict, verdict
from vdx import site


def add(verbs: Any, active: Path) -> None:  # noqa: ANN401 - argparse does not name the type of its subparsers
    """Add the verb to a parser; `active` is where the active site file is kept."""
    explain = verbs.add_parser("explain", help="what the firewall decides, and why")
    kinds = explain.add_subparsers(dest="explain_verb", required=True, metavar="WHAT")
    packet = kinds.add_parser("packet", help="whether a packet passes between zones")
    packet.add_argument("packet", nargs="+", metavar="PACKET", help=f"in quotes: {EXAMPLE!r}; without: `to` for `->`")
    packet.add_argument("--site", type=Path, default=active, metavar="FILE", help="(default: %(default)s)")
    packet.add_argument("--at", type=_moment, metavar="TIME", help="at another time, as in 2026-03-02T08:00")


def spelled(arguments: Sequence[str]) -> list[str]:
    """Write the arrow of a packet as a word: argparse would take it for an option."""
    return ["to" if word == "->" else word for word in arguments]


def run(options: argparse.Namespace) -> int:
    """Print the verdict; exit status 0 where the packet passes, 1 where it does not. Raises `VdxError`."""
    if "-" in options.packet:
        text = "the shell took the `>` of `->` for a file to write to: write `to` instead, or put the packet in quotes"
        raise ModelError(text)
    asked = parse(" ".join(options.packet))
    tables = transit.tables(site.load(options.site))
    if asked.zone not in tables.policy.zones:
        raise ModelError(f"there is no zone {asked.zone!r}: known are {', '.join(tables.policy.zones)}")
    found = verdict(tables, asked, int(options.at.timestamp() if options.at else time.time()))
    print(json.dumps(_plain(found)) if options.json else written(found))
    return 0 if found.allowed else 1


def written(found: Verdict) -> str:
    """Write a verdict, and until when it holds where it ends."""
    lines = [f"{found.packet}", str(found)]
    if found.until is not None:
        lines.append(f"until {datetime.fromtimestamp(found.until).astimezone():%Y-%m-%d %H:%M %Z}")
    return "\n".join(lines)


def _plain(found: Verdict) -> dict[str, object]:
    return {
        "action": found.action,
        "by": found.by,
        "packet": str(found.packet),
        "zone": found.zone,
        "text": found.text,
        "origins": [str(origin) for origin in found.origins],
        "until": found.until,
    }


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write it as in 2026-03-02T08:00") from None
    return moment if moment.tzinfo else moment.astimezone()
