"""What a relayed packet costs the gateway, against plain forwarding of the same kernel and against rtpengine.

All ways run one after the other on the same machine with the same generator and sink. The edge's own ruleset is loaded
with 100,000 prefixes beside it, and the gateway has the settings and routing tables that the edge has; plain forwarding
has none of them.
"""

from __future__ import annotations

import itertools
import os
from ipaddress import ip_network

from bench.relay.bpf import Programs, programs
from bench.relay.rtpengine import rtpengine
from bench.relay.stage import DROP_ALL, Stage, process_time, stage
from bench.report import Aim, Report
from nft import relay
from nft.kernel import Kernel
from nft.relay import Bridge, End
from nft.ruleset import compile_edge
from nft.schema import RATE_BURST, RATE_PACKETS
from tests.nft.topology import address, inside, media, model

PREFIXES = 100_000
STREAMS = (1_000, 8_000)
SIZES = (200, 1_200)  # bytes of the IP packet: G.711 audio, HD video
BOUND = {1_000: Aim("at most", 5), 8_000: Aim("at most", 6.5)}
AGAINST_USERSPACE = Aim("at most", 0.5)
NO_LOSS = Aim("at most", 0)
RATE, RATE_SECONDS = 100_000, 60  # packets/s that must all arrive
PEER_STREAMS, PEER_PACE = 500, 30_000  # more than rtpengine carries on one core would measure its drops
FIRST_PORT, NEAR_PORT, FAR_PORT = 40_000, 10_000, 20_000
UNLIMITED = "limit rate 4000000/second burst 1000000 packets"  # every stream sends at thousands of times its own rate


def run(*, short: bool) -> Report:
    """Measure all ways; ``short`` takes fewer and shorter runs."""
    rounds, seconds = (1, 0.3) if short else (5, 1.5)
    report = Report("relay")
    os.sched_setaffinity(0, {0})
    with programs() as loaded:
        forwarding = _forwarding(report, loaded, rounds, seconds)
        with stage(loaded, routed=True) as gateway:
            gateway.rules(_ruleset())
            baseline = _baseline(gateway, rounds, seconds)
            relayed = _relayed(report, gateway, baseline, forwarding, rounds, seconds)
            _loss(report, gateway, 3 if short else RATE_SECONDS)
            _peer(report, gateway, baseline, relayed, 1 if short else 3)
    report.notes.append("CPU time of the gateway alone: the generator's own cost is measured apart and taken off")
    report.notes.append(f"{PREFIXES:,} prefixes in a table beside ours; the edge's settings and routing tables")
    return report


def _forwarding(report: Report, loaded: Programs, rounds: int, seconds: float) -> dict[int, float]:
    costs: dict[int, float] = {}
    with stage(loaded, routed=False) as plain:
        flows, far = _ports(1_000), str(address("internet", 2, 4))
        baseline = _baseline(plain, rounds, seconds)
        plain.rules("")
        for size in SIZES:
            values = [plain.measure(far, flows, size, seconds).nanoseconds - baseline[size] for _ in range(rounds)]
            report.add(f"plain forwarding, {size} bytes", values, "ns/packet")
            costs[size] = _median(values)
    return costs


def _baseline(gateway: Stage, rounds: int, seconds: float) -> dict[int, float]:
    gateway.rules(DROP_ALL)
    near = str(address("sdn", 1, 4))
    return {
        size: _median([gateway.measure(near, _ports(1_000), size, seconds).nanoseconds for _ in range(rounds)])
        for size in SIZES
    }


def _relayed(
    report: Report,
    gateway: Stage,
    baseline: dict[int, float],
    forwarding: dict[int, float],
    rounds: int,
    seconds: float,
) -> float:
    """Return the cost of a packet with 1,000 streams of 200 bytes."""
    costs: list[float] = []
    for streams, size in itertools.product(STREAMS, SIZES):
        gateway.rules(_ruleset())
        _open(gateway, streams)
        near = str(address("sdn", 1, 4))
        values = []
        for _ in range(rounds):
            cost = gateway.measure(near, _ports(streams), size, seconds)
            if cost.arrived < 0.99:  # what is dropped early is cheap: such a figure would flatter
                raise RuntimeError(f"only {cost.arrived:.1%} of the packets were relayed")
            values.append(cost.nanoseconds - baseline[size])
        report.add(f"relayed, {streams:,} streams, {size} bytes", values, "ns/packet")
        ratios = [value / forwarding[size] for value in values]
        report.add(f"relayed against forwarding, {streams:,} streams, {size} bytes", ratios, "times", BOUND[streams])
        costs.append(_median(values))
    return costs[0]


def _loss(report: Report, gateway: Stage, seconds: float) -> None:
    gateway.rules(_ruleset())
    _open(gateway, STREAMS[0])
    cost = gateway.measure(str(address("sdn", 1, 4)), _ports(STREAMS[0]), SIZES[0], seconds, pace=RATE)
    report.add(f"lost of {RATE:,} packets/s in {seconds:g} s", [(1 - cost.arrived) * 100], "%", NO_LOSS)


def _peer(report: Report, gateway: Stage, baseline: dict[int, float], relayed: float, rounds: int) -> None:
    gateway.rules("")
    with rtpengine(gateway.net) as peer:
        pairs = [(NEAR_PORT + 2 * n, peer.stream(n, NEAR_PORT + 2 * n, FAR_PORT + 2 * n)) for n in range(PEER_STREAMS)]
        values = []
        for _ in range(rounds):
            near, size = str(address("sdn", 1, 4)), SIZES[0]
            cost = gateway.measure(near, pairs, size, 3, pace=PEER_PACE, beside=lambda: process_time(peer.pid))
            values.append((cost.nanoseconds - baseline[size]) / cost.arrived)
    report.add("rtpengine in user space", values, "ns/packet")
    report.add("relayed against rtpengine", [relayed / value for value in values], "times", AGAINST_USERSPACE)


def _ports(streams: int) -> list[tuple[int, int]]:
    return [(NEAR_PORT + n, FIRST_PORT + n) for n in range(streams)]


def _ruleset() -> str:
    limited = f"limit rate {RATE_PACKETS}/second burst {RATE_BURST} packets"
    networks = itertools.islice(ip_network("100.64.0.0/10").subnets(new_prefix=28), 0, 2 * PREFIXES, 2)
    beside = "add table inet bench\nadd set inet bench prefixes { type ipv4_addr; flags interval; }\n"
    beside += f"add element inet bench prefixes {{ {', '.join(map(str, networks))} }}\n"
    return compile_edge(model()).replace(limited, UNLIMITED) + beside


def _open(gateway: Stage, streams: int) -> None:
    near, far = media("sdn", 4), media("internet", 4)
    bridges = [
        Bridge(
            f"bench.{n}",
            End(near, target, (address("sdn", 2, 4), source)),
            End(far, target, (address("internet", 2, 4), FAR_PORT + n)),
        )
        for n, (source, target) in enumerate(_ports(streams))
    ]
    with inside(gateway.net.names["gw"]):
        kernel = Kernel()
    for start in range(0, streams, 500):
        kernel.commit(relay.open(bridges[start : start + 500], 3600))
    kernel.close()


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
