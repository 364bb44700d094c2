"""Calls for long at one rate: memory, descriptors, leases and what the kernel holds must stay flat.

Memory is looked at all the while: once every program is warm (transactions, ports at rest, traces of calls that ended
have reached what the rate makes of them), the last third of the time must not stand above the one before. The rest is
looked at when the calls are over and their last timers have run: it is what it was before the first call.

Each call that failed is told with what the edge knows of it (`failures`): a generator that had no processor is no fault
of the edge's, and is seen as such.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from subprocess import TimeoutExpired

from bench.processes import proportional_set
from bench.report import Aim, Report
from bench.signalling import edge
from bench.signalling.failures import failures, overflowed, records, stood_still, told
from bench.signalling.load import HELD_RATE, HOLD_MS, QUIET_SECONDS, LoadError, calling, cost, waiting
from lab.lab import Lab
from tests.system.calls.edge import Edge

RATE = 100
"""Calls a second."""

LOOK_SECONDS = 5.0

GROWTH_MEGABYTES = 2.0
"""By which a program may stand above: a heap grows by a megabyte at a time."""

END_SECONDS = 120.0
"""For calls that were still up, and a machine that is busy."""

NONE = Aim("at most", 0)
GROWTH = Aim("at most", GROWTH_MEGABYTES)


@dataclass(frozen=True, slots=True)
class Held:
    """What is held when nothing goes on: descriptors of the programs, open leases, elements of the relay's sets."""

    descriptors: int
    leases: int
    elements: int

    @classmethod
    def by(cls, pids: tuple[int, ...], up: Edge) -> Held:
        """Look."""
        descriptors = sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)
        return cls(descriptors, len(up.leases()), up.kernel_elements())


def report(seconds: float, rate: int = RATE) -> Report:
    """Make calls for so long and say what has grown."""
    found = Report("signalling, soak")
    with Lab.temporary("soak") as lab:
        way = edge.way(lab)
        up = Edge(lab, "udp")
        cost(way, HELD_RATE, 4)
        up.wait_until_transactions_end()
        before = Held.by(way.pids, up)
        calls = int(rate * seconds)
        hosts = {"caller": way.caller, "edge": way.middle, "callee": way.callee}
        lost = {name: overflowed(host) for name, host in hosts.items()}
        began = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        programs = {name: process.pid for name, process in lab.state.programs().items()}
        looks: dict[str, list[float]] = {name: [] for name in programs}
        with waiting(way, calls) as work, calling(way, work, rate, calls, HOLD_MS) as sipp:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                time.sleep(LOOK_SECONDS)
                for name, pid in programs.items():
                    looks[name].append(proportional_set(pid) / 1e6)
            try:
                outcome = sipp.finish(END_SECONDS)
            except TimeoutExpired as error:
                why = f"sipp had not made {calls} calls {END_SECONDS:g} s after their time: it had no processor"
                raise LoadError(why) from error
            still = {"caller": stood_still(outcome.errors), "callee": stood_still(_errors(work / "callee"))}
        up.wait_idle()
        time.sleep(QUIET_SECONDS)
        up.wait_until_transactions_end()
        after = Held.by(way.pids, up)
        lost = {name: overflowed(host) - lost[name] for name, host in hosts.items()}
        failed = failures(outcome.errors, sipp.steps, records(lab.state.kept / "records", began))
    found.add(f"calls at {rate}/s", [outcome.successful], "calls")
    found.add("calls that failed", [outcome.failed], "calls", NONE)
    found.add("of them carried to their end by the edge", [sum(one.carried for one in failed)], "calls")
    for name, seconds_still in still.items():
        found.add(f"sipp of the {name} stood still for, at most", [seconds_still], "s")
    for name, datagrams in lost.items():
        found.add(f"datagrams that the {name} did not read in time", [datagrams], "")
    found.notes += told(failed)
    for name, each in looks.items():
        third = len(each) // 3
        middle, last = statistics.median(each[third : 2 * third]), statistics.median(each[2 * third :])
        found.add(f"memory of {name} in the second third", [middle], "MB")
        found.add(f"memory of {name} in the last third, above that", [last - middle], "MB", GROWTH)
    found.add("descriptors more than before", [after.descriptors - before.descriptors], "", NONE)
    found.add("leases left", [after.leases], "", NONE)
    found.add("elements in the kernel more than before", [after.elements - before.elements], "", NONE)
    if len(failed) < outcome.failed:
        found.notes.append(f"of {outcome.failed - len(failed)} calls that failed sipp does not say why")
    found.notes.append(f"{seconds:g} s; memory looked at every {LOOK_SECONDS:g} s")
    return found


def _errors(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.glob("*/errors.log"))
