"""Whether a version that has just started is well: only then it is kept (boot-complete.target).

What a new version can break is asked: programs, their connections, an active policy, and, until it is kept, a call to
itself in a throw-away network. What it cannot help, such as a pulled cable or a peer that is away, never takes a
version back; `doctor` tells of it.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gatewayd.ctl.ask import ask_once
from gatewayd.system import machine, paths
from vdx.control import Status, StatusReport
from vdx.errors import VdxError

UNITS = ("gatewayd.service", "b2bua.service", "mediad.service")
SECONDS = 240.0
"""Until a version counts as broken: an emulated machine needs some 40 s, and four times that beside other work."""

STEADY_SECONDS = 5.0
"""How long everything has to be well in a row: a program that ends soon after its start is not."""

ASK_SECONDS = 0.5
ENDS = 5
"""Ends of one program after which it is not waited for: systemd starts it anew each second, and it does not stay."""

LOOPED = "vdx-looped.service"
LOOPED_SECONDS = 500.0
"""For a call to itself, above the unit's own time."""


def faults(run_dir: Path = Path("/run/vdx")) -> list[str]:
    """Say what is not well now."""
    if not (paths.SITE / "site.yaml").exists():
        return [] if _active("vdx-setup.service") else ["the setup does not run"]
    return [f"{unit} does not run" for unit in UNITS if not _active(unit)] or asked(run_dir)


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


def hopeless() -> bool:
    """Tell whether a program ends again and again."""
    told = machine.run("/usr/bin/systemctl", "show", "--value", "--property=NRestarts", *UNITS)
    return any(int(number) >= ENDS for number in told.split())


def wait(
    look: Callable[[], list[str]],
    given_up: Callable[[], bool],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> list[str]:
    """Look until everything was well for a while, or there is no more hope; gives what was amiss in the end."""
    begun = clock()
    well_since: float | None = None
    while True:
        found = look()
        now = clock()
        if found:
            well_since = None
            if now - begun > SECONDS or given_up():
                return found
        else:
            well_since = now if well_since is None else well_since
            if now - well_since >= STEADY_SECONDS:
                return []
        sleep(ASK_SECONDS)


def call() -> list[str]:
    """Have a version that is not kept yet call itself; one that is has done so."""
    kept = subprocess.run(
        ("/usr/lib/systemd/systemd-bless-boot", "status"), capture_output=True, text=True, check=False
    )
    if kept.stdout.strip() != "indeterminate":
        return []
    command = ("/usr/bin/systemctl", "start", LOOPED)
    done = subprocess.run(command, capture_output=True, check=False, timeout=LOOPED_SECONDS)  # noqa: S603 - fixed
    return [] if done.returncode == 0 else [f"no call to itself: `journalctl --unit={LOOPED}` of this start says why"]


def _active(unit: str) -> bool:
    command = ("/usr/bin/systemctl", "is-active", "--quiet", unit)
    return subprocess.run(command, check=False, timeout=30).returncode == 0  # noqa: S603 - fixed


def main() -> int:
    """Tell on the console, and by the exit status, 0 where all is well."""
    found = wait(faults, hopeless, time.monotonic, time.sleep) or call()
    version = machine.release().get("IMAGE_VERSION", "?")
    uptime = Path("/proc/uptime").read_text().split()[0]
    state = "not set up yet" if not (paths.SITE / "site.yaml").exists() else "serving"
    text = f"version {version} is not well: {'; '.join(found)}" if found else f"version {version} is well: {state}"
    print(f"vdx: {text} ({uptime} s after the start)", flush=True)  # noqa: T201 - to journal and console
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
