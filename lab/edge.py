"""What the edge says of itself, by `gatewayctl --json`: whether it serves, its calls and what the kernel counted."""

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import CallError, ProgramError
from lab.programs import CHECKOUT

ASK_S = 20.0  # gatewayctl answers in milliseconds on an idle machine
SERVING_S = 20.0


@dataclass(frozen=True, slots=True)
class StreamCount:
    """One stream of a call as the kernel counted it: RTP packets and octets that arrived from either party."""

    medium: str
    codec: str
    relay: str
    packets_from_caller: int
    octets_from_caller: int
    packets_from_callee: int
    octets_from_callee: int

    @property
    def carried(self) -> bool:
        """Tell whether something came through both ways."""
        return self.packets_from_caller > 0 and self.packets_from_callee > 0


@dataclass(frozen=True, slots=True)
class EdgeCall:
    """One call as the edge sees it; `setup` is in seconds from INVITE to answer, None before the answer."""

    call: str
    state: str
    caller: str
    callee: str
    setup: float | None
    streams: tuple[StreamCount, ...]


def edge_calls(run: Path) -> tuple[EdgeCall, ...]:
    """Ask the edge whose sockets are in `run`; CallError if it does not answer."""
    return join(_ask(run, "calls").get("calls", []), _ask(run, "pinholes").get("leases", []))


def explain(run: Path, source: str, dialled: str) -> str:
    """Ask the edge what would become of a call, and return its words; CallError if it does not answer."""
    command = [sys.executable, "-m", "gatewayd.ctl", "--run-dir", str(run), "route", "explain", source, dialled]
    try:
        return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=ASK_S, check=False).stdout
    except subprocess.TimeoutExpired as late:
        raise CallError(f"gatewayctl route explain gave no answer: {late}") from late


def serving(status: dict[str, Any]) -> bool:
    """Tell whether every program of the edge is connected and b2bua acts on gatewayd's version of the site."""
    facts = status.get("facts", {})
    versions = {other.get("version") for other in status.get("others", ())}
    return facts.get("mediad") == "connected" and versions == {facts.get("site version")}


def wait_until_serving(run: Path) -> None:
    """Wait until calls can be placed: ready programs still have to find each other; ProgramError if they do not."""
    deadline = time.monotonic() + SERVING_S
    while not serving(status := _ask(run, "status")):
        if time.monotonic() > deadline:
            raise ProgramError(f"The programs of the edge did not find each other in {SERVING_S:.0f} s: {status}")


def join(calls: Iterable[dict[str, Any]], leases: Iterable[dict[str, Any]]) -> tuple[EdgeCall, ...]:
    """Put the counters of each lease to the stream it serves; side a of a lease is the caller's."""
    by_lease = {lease["lease"]: lease for lease in leases}
    return tuple(
        EdgeCall(
            call=call["call"],
            state=call["state"],
            caller=call["caller"]["peer"],
            callee=(call.get("callee") or {}).get("peer", ""),
            setup=call.get("setup"),
            streams=tuple(
                _count(stream, by_lease[stream["lease"]]) for stream in call["streams"] if stream["lease"] in by_lease
            ),
        )
        for call in calls
    )


def _count(stream: dict[str, Any], lease: dict[str, Any]) -> StreamCount:
    usage = lease.get("usage", {})
    caller, callee = usage.get("a", {}), usage.get("b", {})
    return StreamCount(
        medium=stream["medium"],
        codec=stream["codec"],
        relay=lease["relay"],
        packets_from_caller=caller.get("packets", 0),
        octets_from_caller=caller.get("octets", 0),
        packets_from_callee=callee.get("packets", 0),
        octets_from_callee=callee.get("octets", 0),
    )


def _ask(run: Path, what: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "gatewayd.ctl", "--run-dir", str(run), "--json", what]
    try:
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=ASK_S, check=True)
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.CalledProcessError as failed:
        raise CallError(f"gatewayctl {what} failed: {failed.stderr.strip() or failed.stdout.strip()}") from failed
    except (subprocess.TimeoutExpired, ValueError) as odd:
        raise CallError(f"gatewayctl {what} gave no answer that can be read: {odd}") from odd
    return answer
