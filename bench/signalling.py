"""What a call costs: INVITE with SDP to BYE through this edge, pinholes included, beside Sippy's B2BUA.

Both run in one lab, one after the other, several times, at the same rate: sipp calls from a host through the B2BUA to
sipp on another host. The figure is the CPU time of the B2BUA's processes (ours: `b2bua`, `gatewayd` and `mediad`;
Sippy opens no pinholes) by the calls that succeeded. The kernel's share of a packet falls on whoever sends it.
What is measured has a processor of its own, sipp the other: else the scheduler's moves are measured too.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.processes import cpu_seconds
from bench.report import Aim, Report
from bench.site import add_media_addresses
from lab.host import Host
from lab.lab import Lab
from lab.programs import PROGRAMS
from lab.topology import EdgeZone
from tests.peers.sipp import callee, caller
from tests.peers.sipp.run import Sipp
from tests.peers.sipp.steps import Send, Step

RATE = 100
"""Calls a second: both are far from their limits there."""

AT_MOST_OF_SIPPY = 1 / 3
SETTLE_SECONDS = 1.0
PEERS = Path(__file__).parent.parent / ".setup" / "peers" / "bin"
"""Python peers live in an environment of their own, made by tools/setup-bench."""

VIDEO = """v=0
o=room 1 1 IN IP4 {address}
s=room
c=IN IP4 {address}
b=AS:2048
t=0 0
m=audio {audio} RTP/AVP 96 9 8 0 101
a=rtpmap:96 opus/48000/2
a=fmtp:96 useinbandfec=1
a=rtpmap:9 G722/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=sendrecv
m=video {video} RTP/AVP 97 98
b=TIAS:1920000
a=rtpmap:97 H264/90000
a=fmtp:97 profile-level-id=42801f;packetization-mode=1
a=rtpmap:98 VP8/90000
a=rtcp-fb:* nack pli
a=rtcp-fb:* ccm fir
a=content:main
a=label:11
a=sendrecv
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of a call: who calls, what is dialled where, who answers, whose CPU counts."""

    caller: Host
    dialled: str
    b2bua: str
    callee: Host
    pids: Callable[[], list[int]]


def run(*, short: bool) -> Report:
    """Measure; `short` makes one round of a few seconds."""
    rounds, seconds = (1, 3) if short else (5, 15)
    report = Report("signalling")
    ours: list[float] = []
    sippys: list[float] = []
    with Lab.temporary("bench") as lab, Lab.temporary("sippy") as bare, _sippy(bare) as sippy:
        add_media_addresses(lab, 4)
        lab.start(*PROGRAMS)
        paths = ((_edge(lab), ours), (sippy, sippys))
        _pin(paths)
        for number in range(rounds):
            for way, costs in paths if number % 2 == 0 else reversed(paths):
                costs.append(_cost(way, RATE * seconds))
    report.add("this edge, CPU per call", [cost * 1e3 for cost in ours], "ms")
    report.add("Sippy B2BUA, CPU per call", [cost * 1e3 for cost in sippys], "ms")
    ratios = [our / theirs for our, theirs in zip(ours, sippys, strict=True)]
    report.add("ratio to Sippy", ratios, "", Aim("at most", AT_MOST_OF_SIPPY))
    report.notes.append(f"{RATE} calls/s for {seconds} s, {rounds} rounds each; two m-lines, 26 lines of SDP")
    return report


def _pin(paths: Iterable[tuple[Way, list[float]]]) -> None:
    """Give the B2BUAs the last processor, and the first to this process and the sipps that it starts."""
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, processors[:1])
    for way, _ in paths:
        for pid in way.pids():
            os.sched_setaffinity(pid, processors[-1:])


def _cost(way: Way, calls: int) -> float:
    """Make calls and give the CPU seconds of one."""
    answer = VIDEO.format(address=way.callee.address(), audio=7000, video=7002)
    offer = VIDEO.format(address=way.caller.address(), audio=6000, video=6002)
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        (work / "callee").mkdir()
        with Sipp(
            way.callee,
            callee.call(answer, ring_ms=0),
            work / "callee",
            way.callee.address(),
            5060,
            calls=calls,
            trace=False,
        ):
            pids = way.pids()
            before = cpu_seconds(pids)
            with Sipp(
                way.caller,
                _explicit(caller.call(offer, hold_ms=1000)),
                work,
                way.caller.address(),
                5060,
                remote=(way.b2bua, 5060),
                service=way.dialled,
                calls=calls,
                rate=RATE,
                trace=False,
            ) as calling:
                outcome = calling.succeed(timeout=calls / RATE + 60)
            time.sleep(SETTLE_SECONDS)
            return (cpu_seconds(pids) - before) / outcome.successful


def _explicit(steps: list[Step]) -> list[Step]:
    """Send ACK and BYE to the dialled address: Sippy's Contact names an address without port or user."""
    uri = "sip:[service]@[remote_ip]:[remote_port]"
    return [
        replace(step, text=step.text.replace("[next_url]", uri)) if isinstance(step, Send) else step for step in steps
    ]


def _edge(lab: Lab) -> Way:
    address = str(lab.topology.zone("sdn").addresses[0].ip)
    pids = [process.pid for process in lab.state.programs().values()]
    return Way(lab.host("hospital"), "clinic", address, lab.host("clinic"), lambda: pids)


@contextmanager
def _sippy(lab: Lab) -> Iterator[Way]:
    """Run Sippy's B2BUA in the place of the edge, in a lab whose edge nobody configured but this."""
    edge, clinic = lab.host("edge"), lab.host("clinic")
    for zone in lab.topology.edge:
        for command in _addressing(zone):
            edge.run(["ip", *command])
    address = str(lab.topology.zone("sdn").addresses[0].ip)
    command = [str(PEERS / "python"), str(PEERS / "b2bua_simple"), "-f", "-p", "5060", "-n", f"{clinic.address()}:5060"]
    with tempfile.TemporaryFile() as log:
        process = edge.popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env={"SIPLOG_BEND": "none"}
        )
        time.sleep(SETTLE_SECONDS)
        if process.poll() is not None:
            log.seek(0)
            raise RuntimeError(f"Sippy did not start: {log.read().decode(errors='replace')}")
        try:
            yield Way(lab.host("hospital"), "clinic", address, clinic, lambda: [process.pid])
        finally:
            process.terminate()
            process.wait(10)


def _addressing(zone: EdgeZone) -> Iterator[list[str]]:
    """Give the `ip` commands that address an interface and route all of its zone's family to it."""
    yield ["link", "set", zone.interface, "up"]
    for address in zone.addresses:
        yield ["address", "add", str(address), "dev", zone.interface, *(["nodad"] if address.version == 6 else [])]
    for gateway in zone.gateways:
        if ":" not in gateway:
            network = "198.18.0.0/15" if zone.zone == "sdn" else "default"
            yield ["route", "add", network, "via", gateway]
