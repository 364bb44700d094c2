"""What tending a machine has in common, here and from elsewhere: an update's source, draining, what is shown."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any
from urllib.error import URLError
from urllib.parse import urlsplit

from gatewayd.system.errors import ReleaseError
from gatewayd.system.finding import Finding
from vdx import control
from vdx.control import FromGatewayd, ToGatewayd
from vdx.drain import Drain
from vdx.errors import VdxError

FETCH_SECONDS = 60.0
"""Without an octet from a server before an update is given up."""

LOOK_SECONDS = 2.0

Ask = Callable[[ToGatewayd], Awaitable[FromGatewayd]]


@contextmanager
def opened(source: str) -> Iterator[IO[bytes]]:
    """Open a file or an https address; raises `ReleaseError`."""
    scheme = urlsplit(source).scheme
    try:
        if not scheme:
            with Path(source).open("rb") as file:
                yield file
        elif scheme == "https":
            with urllib.request.urlopen(source, timeout=FETCH_SECONDS) as answer:  # noqa: S310 - https alone
                yield answer
        else:
            raise ReleaseError(f"{scheme}: updates come from a file, or over https")
    except (URLError, OSError) as error:
        raise ReleaseError(f"{source} cannot be read: {error}") from error


async def drained(ask: Ask, seconds: float) -> None:
    """Let calls end, for so long; a gateway that does not answer has none."""
    try:
        await ask(Drain(1, seconds))
        end = time.monotonic() + seconds
        while time.monotonic() < end and (left := await _calls(ask)):
            print(f"{left} calls are up", flush=True)
            await asyncio.sleep(LOOK_SECONDS)
    except VdxError as error:
        print(f"not drained: {error}", file=sys.stderr)


async def _calls(ask: Ask) -> int:
    answer = await ask(control.Calls(1))
    return len(answer.calls) if isinstance(answer, control.CallList) else 0


def show_versions(options: argparse.Namespace, told: Mapping[str, Any]) -> None:
    """Print what could start, and what runs."""
    if options.json:
        print(json.dumps(told))
        return
    for each in told["entries"]:
        left = each["left"]
        state = "proved" if left is None else f"{left} tries left" if left else "given up"
        print(f"{each['version']:16} {state}{', runs' if each['version'] == told['running'] else ''}")


def show_findings(options: argparse.Namespace, found: Iterable[Finding]) -> int:
    """Print what was found; gives the exit status, 1 where something is bad."""
    every = list(found)
    print(json.dumps([asdict(each) for each in every]) if options.json else "\n".join(map(str, every)))
    return 1 if any(each.grade == "bad" for each in every) else 0
