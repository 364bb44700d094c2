"""Calls through the middle of a way, and what is measured of them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import TimeoutExpired

from bench.processes import cpu_seconds, family, proportional_set
from bench.session import VIDEO
from bench.signalling.capture import waits
from bench.signalling.way import Way
from lab.capture import Capture
from tests.peers.sipp import callee, caller
from tests.peers.sipp.run import Sipp
from tests.peers.sipp.steps import Expect, Send, Step

SETTLE_SECONDS = 1.0
HOLD_MS = 1_000
CAPTURE_BUFFER = "32768"
"""Kilobytes that wait for tcpdump, which shares its processor with both sipps."""

PATIENCE_MS = 600_000
"""How long the callee waits for a BYE: calls are held longer than tests hold them."""

TAKEN = 4
"""Times as many calls as are made, after which the callee would end: to sipp an INVITE that comes again after its call
is one more, and the last callers would find nobody there."""

LOST_SHARE = 0.01
"""Of calls that may fail before a rate counts as too much."""

HELD_RATE = 50
"""Calls a second that are set up to be held."""

QUIET_SECONDS = 35.0
"""After which no transaction is left of a call that was set up: 64*T1, and a little more."""


class LoadError(Exception):
    """More calls failed than may: what was measured says nothing."""


def cost(way: Way, rate: int, seconds: int) -> float:
    """Make calls and give the CPU seconds of one; raises LoadError."""
    with waiting(way, rate * seconds) as work:
        before = cpu_seconds(list(way.pids))
        made = _call(way, work, rate, rate * seconds, HOLD_MS)
        time.sleep(SETTLE_SECONDS)
        return (cpu_seconds(list(way.pids)) - before) / made


def added(way: Way, rate: int, seconds: int) -> list[float]:
    """Make calls and give the seconds that each waited in the middle until it was answered; raises LoadError."""
    with waiting(way, rate * seconds) as work:
        with Capture(way.middle, work / "middle.pcap", "any", "-B", CAPTURE_BUFFER, "udp port 5060"):
            made = _call(way, work, rate, rate * seconds, HOLD_MS)
        found = waits(work / "middle.pcap")
    if len(found) < made * (1 - LOST_SHARE):
        raise LoadError(f"of {made} calls only {len(found)} were captured")
    return found


def held(way: Way, calls: int) -> float:
    """Hold calls and give the kilobytes of one; those that the first calls cost for good are not counted."""
    cost(way, HELD_RATE, 4)
    time.sleep(QUIET_SECONDS)  # transactions of those before
    before = _kilobytes(way)
    took = calls / HELD_RATE
    with (
        waiting(way, calls) as work,
        calling(way, work, HELD_RATE, calls, int(took + QUIET_SECONDS + 5) * 1_000) as sipp,
    ):
        time.sleep(took + QUIET_SECONDS)
        kilobytes = (_kilobytes(way) - before) / calls
        _made(sipp, took + QUIET_SECONDS + 60)
    return kilobytes


def _kilobytes(way: Way) -> float:
    return sum(proportional_set(pid) for pid in family(list(way.pids))) / 1000


@contextmanager
def waiting(way: Way, calls: int) -> Iterator[Path]:
    """Let the callee wait for calls; gives a directory that goes afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        (work / "callee").mkdir()
        answer = VIDEO.format(address=way.callee.address(), audio=7000, video=7002)
        steps = [
            replace(step, within=PATIENCE_MS) if isinstance(step, Expect) else step
            for step in callee.call(answer, ring_ms=0)
        ]
        taken = calls * TAKEN
        with Sipp(way.callee, steps, work / "callee", way.callee.address(), 5060, calls=taken, trace=False):
            yield work


def calling(way: Way, work: Path, rate: int, calls: int, hold_ms: int) -> Sipp:
    """Begin to make calls, each of which lasts `hold_ms`."""
    offer = VIDEO.format(address=way.caller.address(), audio=6000, video=6002)
    return Sipp(
        way.caller,
        _explicit(caller.call(offer, hold_ms=hold_ms)),
        work,
        way.caller.address(),
        5060,
        remote=(way.address, 5060),
        service=way.dialled,
        calls=calls,
        rate=rate,
        trace=False,
    )


def _call(way: Way, work: Path, rate: int, calls: int, hold_ms: int) -> int:
    with calling(way, work, rate, calls, hold_ms) as sipp:
        return _made(sipp, calls / rate + 60)


def _made(sipp: Sipp, timeout: float) -> int:
    """Wait for the end and give how many calls succeeded."""
    try:
        outcome = sipp.finish(timeout)
    except TimeoutExpired as error:
        raise LoadError(f"calls had not ended after {timeout:g} s") from error
    if outcome.failed > LOST_SHARE * outcome.successful or not outcome.successful:
        first = outcome.errors.strip().splitlines()[1:2] or ["no reason told"]
        raise LoadError(f"{outcome.failed} calls failed and {outcome.successful} did not ({first[0][-160:]})")
    return outcome.successful


def _explicit(steps: list[Step]) -> list[Step]:
    """Send ACK and BYE to the dialled address: Sippy's Contact names an address without port or user.

    The caller's user counts up, so that the legs of a call are told apart in a capture.
    """
    uri = "sip:[service]@[remote_ip]:[remote_port]"
    return [
        replace(step, text=step.text.replace("[next_url]", uri).replace("<sip:[caller]@", "<sip:u[call_number]@"))
        if isinstance(step, Send)
        else step
        for step in steps
    ]
