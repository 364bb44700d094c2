"""What a call costs and how much later it is set up: through this edge, Sippy's B2BUA and Kamailio's stateful proxy.

All stand in the same place of the same network, in one run, one after the other, several times, at the same rates:
sipp calls from a host through them to sipp on another host, with 26 lines of SDP and two streams. Ours opens pinholes
for them (`b2bua`, `gatewayd` and `mediad` count), the others only signal.

- *CPU per call*: the CPU time of the processes by the calls that succeeded. The kernel's share of a packet falls on
  whoever sends it.
- *Added set-up time*: what a call waits at the one in the middle, by the kernel's time stamps there: from the INVITE's
  arrival to its leaving, and from the 200's arrival to its leaving.
- *Memory per held call*: what 1,000 calls add to the memory of the processes (PSS), 35 s after the last answer, when no
  transaction is left.

What is measured has a processor of its own, sipp the other: else the scheduler's moves are measured too.
"""

from __future__ import annotations

import os
import statistics
from collections import defaultdict
from contextlib import ExitStack

from bench.processes import family
from bench.report import Aim, Report
from bench.signalling import edge, kamailio, sippy
from bench.signalling.load import LoadError, added, cost, held
from bench.signalling.way import Way
from lab import compiled
from lab.lab import Lab

RATES = (50, 100, 200, 400)
"""Calls a second: from nearly idle to more than one processor carries of some."""

COST_RATE = 100
"""Where the aims of CPU per call hold: all are far from their limits there."""

ADDED_RATE = 200
"""Where the aim of the added set-up time holds."""

OF_SIPPY, OF_KAMAILIO = Aim("at most", 1 / 3), Aim("at most", 2)
ADDED_P99 = Aim("at most", 20)
HELD_KILOBYTES = Aim("at most", 15)
OURS, SIPPY, KAMAILIO = "this edge", "Sippy B2BUA", "Kamailio"


def run(*, short: bool) -> Report:
    """Measure; `short` makes one round of a few seconds."""
    report = Report("signalling")
    rounds, seconds = (1, 3) if short else (5, 10)
    with ExitStack() as stack:
        ways = {
            OURS: edge.way(stack.enter_context(Lab.temporary("bench"))),
            SIPPY: stack.enter_context(sippy.way(stack.enter_context(Lab.temporary("sippy")))),
            KAMAILIO: stack.enter_context(kamailio.way(stack.enter_context(Lab.temporary("kam")))),
        }
        _pin(ways)
        for name, way in ways.items():  # first: calls that are over leave room that held ones would fill unnoticed
            _held(report, name, way, short=short)
        for rate in RATES:
            _costs(report, ways, rate, rounds, seconds)
        for rate in RATES:
            _added(report, ways, rate, 1 if short else 3, seconds)
    folder, why = compiled.place(os.environ)
    report.notes.append(f"{seconds} s a round; two m-lines, 26 lines of SDP; Sippy and Kamailio open no pinholes")
    report.notes.append("hot modules compiled" if folder else f"run from the sources: {why}")
    return report


def _pin(ways: dict[str, Way]) -> None:
    """Give what is measured the last processor, and the first to this process and the sipps that it starts."""
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, processors[:1])
    for way in ways.values():
        for pid in family(list(way.pids)):
            os.sched_setaffinity(pid, processors[-1:])


def _costs(report: Report, ways: dict[str, Way], rate: int, rounds: int, seconds: int) -> None:
    """Add what a call costs each at one rate, in turn, first one way round and then the other."""
    costs: defaultdict[str, list[float]] = defaultdict(list)
    failing: dict[str, str] = {}
    for number in range(rounds):
        for name in list(ways) if number % 2 == 0 else reversed(ways):
            if name not in failing:
                try:
                    costs[name].append(cost(ways[name], rate, seconds) * 1e3)
                except LoadError as error:
                    failing[name] = str(error)
                    costs.pop(name, None)
    for name, each in costs.items():
        report.add(f"CPU per call at {rate}/s, {name}", each, "ms")
    report.notes += [f"{name} at {rate} calls/s: {why}" for name, why in failing.items()]
    for name, aim in ((SIPPY, OF_SIPPY), (KAMAILIO, OF_KAMAILIO)):
        if OURS in costs and name in costs:
            ratios = [ours / theirs for ours, theirs in zip(costs[OURS], costs[name], strict=True)]
            report.add(f"CPU per call at {rate}/s against {name}", ratios, "times", aim if rate == COST_RATE else None)


def _added(report: Report, ways: dict[str, Way], rate: int, rounds: int, seconds: int) -> None:
    for name, way in ways.items():
        try:
            waits = [added(way, rate, seconds) for _ in range(rounds)]
        except LoadError as error:
            report.notes.append(f"{name} at {rate} calls/s: {error}")
            continue
        for label, at in (("p50", 50), ("p99", 99)):
            values = [statistics.quantiles(each, n=100)[at - 1] * 1e3 for each in waits]
            aim = ADDED_P99 if (name, label, rate) == (OURS, "p99", ADDED_RATE) else None
            report.add(f"added set-up time at {rate}/s, {name}, {label}", values, "ms", aim)


def _held(report: Report, name: str, way: Way, *, short: bool) -> None:
    try:
        kilobytes = held(way, 200 if short else 1_000)
    except LoadError as error:
        report.notes.append(f"{name}, held calls: {error}")
        return
    report.add(f"memory per held call, {name}", [kilobytes], "kB", HELD_KILOBYTES if name == OURS else None)
