"""`gatewayctl records`: calls that have ended, from a time on."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from gatewayd.ctl.ask import Asking
from gatewayd.ctl.tables import duration, table
from gatewayd.errors import VersionError
from vdx.pinhole import Refused
from vdx.record import CallRecord, RecordList, Records

_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
HEAD = ("CALL", "ENDED (UTC)", "CALLER", "CALLEE", "STATUS", "SETUP", "UP", "ENDED BY", "WHY")


def add(verbs: Any) -> None:  # noqa: ANN401 - argparse does not name the type of its subparsers
    """Add the verb to a parser."""
    records = verbs.add_parser("records", help="calls that have ended: who, how long, who ended them and why")
    records.add_argument(
        "--since", type=moment, default="1h", metavar="TIME", help="2h, 30m, 7d or 2026-01-31T12:00Z (default: 1h)"
    )
    records.add_argument("--until", type=moment, metavar="TIME", help="the same (default: now)")


def run(options: argparse.Namespace) -> int:
    """Print records, with --json one object a line; raises `VdxError`."""
    return asyncio.run(_run(options))


async def _run(options: argparse.Namespace) -> int:
    asking = await Asking.at(options.run_dir)
    question = Records(1, options.since, options.until)
    found: list[CallRecord] = []
    try:
        while True:
            answer = await asking.ask(question)
            if isinstance(answer, Refused):
                print(answer.reason, file=sys.stderr)
                return 1
            if not isinstance(answer, RecordList):
                raise VersionError(f"gatewayd gave an odd answer: {type(answer).__name__}")
            if options.json:
                for record in answer.records:
                    print(msgspec.json.encode(record).decode())
            else:
                found += answer.records
            if answer.damaged:
                print(f"{answer.damaged} damaged lines were left out", file=sys.stderr)
            if not answer.cursor:
                break
            question = msgspec.structs.replace(question, cursor=answer.cursor)
    finally:
        asking.close()
    if not options.json:
        print(listed(found))
    return 0


def listed(found: list[CallRecord]) -> str:
    """Lay out records as a table."""
    if not found:
        return "no call has ended in that time"
    rows = [
        (
            record.call,
            record.ended[:19].replace("T", " "),
            f"{record.caller.alias} ({record.caller.peer})",
            f"{record.callee.alias} ({record.callee.peer})",
            str(record.status),
            "-" if record.setup is None else f"{record.setup:.1f} s",
            duration(_up(record)) if record.answered else "-",
            record.ended_by,
            record.why,
        )
        for record in found
    ]
    return table(HEAD, rows, right=(4, 5, 6))


def _up(record: CallRecord) -> float:
    if not record.answered:
        return 0.0
    return (datetime.fromisoformat(record.ended) - datetime.fromisoformat(record.answered)).total_seconds()


def moment(text: str) -> float:
    """Read how long ago, or a moment (UTC where it does not say), as seconds since 1970; raises ArgumentTypeError."""
    ago = _AGO.fullmatch(text)
    if ago:
        return max(0.0, time.time() - int(ago[1]) * _SECONDS[ago[2]])
    try:
        found = datetime.fromisoformat(text)
        return max(0.0, (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 2h, 30m, 7d or 2026-01-31T12:00Z") from None
