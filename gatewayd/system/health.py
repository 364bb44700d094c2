"""Whether a version that has just started is well: only then it is kept (boot-complete.target).

What a new version can break is asked: programs, their connections, an active policy, and, until it is kept, a call to
itself in a throw-away network. What it cannot help, such as a pulled cable or a peer that is away, never takes a
version back; `doctor` tells of it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gatewayd.ctl.ask import ask_once
from gatewayd.system import machine, paths
from vdx.control import Status, StatusReport
from vdx.errors import VdxError

UNITS = ("gatewayd.service", "b2bua.service", "mediad.service")
SECONDS = 240.0
"""Until a version counts as broken that works all the time: an emulated machine needs half of it beside others."""

STUCK_SECONDS = 30.0
"""In which a version has to get on: something it tells changes, or its programs work, as they do while they start."""

WORK = 0.1
"""Of a processor: programs that use less all together wait; those that start on a slow machine use all of it."""

STEADY_SECONDS = 5.0
"""How long everything has to be well in a row: a program that ends soon after its start is not."""

ASK_SECONDS = 0.5
LOOK_SHARE = 0.2
"""Of the time, at most, goes into looking: on a slow machine a look takes what the programs need to start."""

ENDS = 5
"""Ends of one program after which it is not waited for: systemd starts it anew each second, and it does not stay."""

LOST, KEPT = 3, 4
"""Exit status. 3: a version that is not kept yet has no hope, and the unit marks it as bad instead of a second try.
4: one that was well at an earlier start is not restarted for what it meets now, such as a full disk."""

LOOPED = "vdx-looped.service"
LOOPED_SECONDS = 500.0
"""For a call to itself, above the unit's own time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A look: what is not well, how often programs ended, seconds of a processor they used.

    `begun`: all were started, and their work is counted; `lost`: one ends again and again.
    """

    faults: list[str]
    ends: int = 0
    used: float = 0.0
    begun: bool = True
    lost: bool = False


def look(run_dir: Path = Path("/run/vdx")) -> Seen:
    """Look at every program, and ask `gatewayd`."""
    if not (paths.SITE / "site.yaml").exists():
        return Seen([] if _units("vdx-setup.service")[0]["ActiveState"] == "active" else ["the setup does not run"])
    told = _units(*UNITS)
    ends = [int(unit["NRestarts"]) for unit in told]
    used = [int(unit["CPUUsageNSec"]) for unit in told if unit["CPUUsageNSec"].isdecimal()]
    down = [f"{unit['Id']} does not run" for unit in told if unit["ActiveState"] != "active"]
    begun = len(used) == len(told) and all(unit["ActiveState"] != "inactive" for unit in told)
    lost = max(ends) >= ENDS or any(unit["ActiveState"] == "failed" for unit in told)
    return Seen(down or asked(run_dir), sum(ends), sum(used) / 1e9, begun, lost)


def faults() -> list[str]:
    """Say what is not well now."""
    return look().faults


def asked(run_dir: Path) -> list[str]:
    """Say what `gatewayd` tells to be amiss."""
    try:
        answer = asyncio.run(ask_once(run_dir, Status(1)))
    except VdxError as error:
        return [f"gatewayd: {error}"]
    if not isinstance(answer, StatusReport):
        return ["gatewayd does not tell its status"]
    return of(answer)


def of(answer: StatusReport) -> list[str]:
    """Say what a status shows to be amiss."""
    found: list[str] = []
    version = answer.facts.get("site version")
    if not version:
        found.append("no site version is active")
    away = [name for name in ("b2bua", "mediad") if answer.facts.get(name) != "connected"]
    found += [f"gatewayd has no {name}" for name in away]
    if "b2bua" not in away:
        if "b2bua" not in str(answer.facts.get("owners", "")).split(", "):
            found.append("b2bua cannot ask for pinholes yet")
        found += [f"{each.program} runs another site version" for each in answer.others if each.version != version]
    return found


def wait(
    seeing: Callable[[], Seen],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    work: Callable[[], float] | None = None,
) -> Seen:
    """Look until everything was well for a while, or there is no more hope; gives what was seen last.

    `work` tells how many seconds of a processor looking took so far, `clock` in its place. Time in which a look only
    waited for the programs is nothing that it took from them.
    """
    work = work or clock
    begun = at = clock()
    well_since: float | None = None
    moved = Seen([])  # how it was when it last got on, which was `at`
    while True:
        before = work()
        seen = seeing()
        pause = max(ASK_SECONDS, (work() - before) * (1 / LOOK_SHARE - 1))
        now = clock()
        if seen.faults:
            well_since = None
            if seen.lost or now - begun > SECONDS:
                return seen
            if not seen.begun or (seen.faults, seen.ends) != (moved.faults, moved.ends):
                moved, at = seen, now
            elif now - at > STUCK_SECONDS:
                if seen.used - moved.used < WORK * (now - at):
                    return seen
                moved, at = seen, now
        else:
            well_since = now if well_since is None else well_since
            if now - well_since >= STEADY_SECONDS:
                return seen
            pause = min(pause, well_since + STEADY_SECONDS - now)
        sleep(pause)


def started() -> None:
    """Wait until systemd has started every program, or one has ended, or `STUCK_SECONDS` are over.

    It tells by itself, while every look takes from a slow machine what its programs need to start.
    """
    if (paths.SITE / "site.yaml").exists():
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(("/usr/bin/systemctl", "start", *UNITS), check=False, timeout=STUCK_SECONDS)  # noqa: S603 - fixed


def worked() -> float:
    """Seconds of a processor that this program and those it called used."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def call() -> list[str]:
    """Have this version call itself."""
    command = ("/usr/bin/systemctl", "start", LOOPED)
    done = subprocess.run(command, capture_output=True, check=False, timeout=LOOPED_SECONDS)  # noqa: S603 - fixed
    return [] if done.returncode == 0 else [f"no call to itself: `journalctl --unit={LOOPED}` of this start says why"]


def tries() -> str:
    """Say whether this start is a try of its version: "indeterminate", or "clean" and "good" of one that is kept."""
    command = ("/usr/lib/systemd/systemd-bless-boot", "status")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - fixed


def _units(*names: str) -> list[dict[str, str]]:
    told = machine.run("/usr/bin/systemctl", "show", "--property=Id,ActiveState,NRestarts,CPUUsageNSec", *names)
    return [dict(line.split("=", 1) for line in block.splitlines()) for block in told.strip().split("\n\n")]


def main() -> int:
    """Tell on the console, and by the exit status: 0 all is well, 1 it is not, or `LOST`, or `KEPT`."""
    status = tries()
    started()
    seen = wait(look, time.monotonic, time.sleep, worked)
    found = seen.faults or (call() if status == "indeterminate" else [])
    version = machine.release().get("IMAGE_VERSION", "?")
    uptime = f"{time.clock_gettime(time.CLOCK_BOOTTIME):.2f}"
    state = "not set up yet" if not (paths.SITE / "site.yaml").exists() else "serving"
    text = f"version {version} is not well: {'; '.join(found)}" if found else f"version {version} is well: {state}"
    print(f"vdx: {text} ({uptime} s after the start)", flush=True)  # noqa: T201 - to journal and console
    if not found:
        return 0
    return KEPT if status in ("clean", "good") else LOST if seen.lost else 1


if __name__ == "__main__":
    sys.exit(main())
