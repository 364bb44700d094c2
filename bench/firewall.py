"""What a country's agreements cost the firewall: to compile, to load, to change one of them, and for each packet.

The policy has clients that share 100,000 prefixes and 10,000 agreements. Forwarding is measured on established flows
of one agreement more, with the parts of a small and of a large policy in the kernel at once and the switch from one to
the other between two measurements. Beside it stands firewalld with agreements of the same kind, in the same namespace
one after the other: it accepts established flows before any rule, and tries everything else against rule after rule.
"""

from __future__ import annotations

import itertools
import os
import resource
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from bench import firewalld, flood
from bench.relay.bpf import programs
from bench.relay.stage import DROP_ALL, Stage, stage
from bench.report import Aim, Report
from nft import apply as kernel_rules
from nft.policy.agreement import Agreement, Agreements
from nft.policy.compile import compile_policy
from nft.policy.model import Policy
from nft.policy.ruleset import Ruleset, compile_transit
from tests.nft.policy.world import DAY, agreement, client, large, offer
from tests.nft.topology import ZONES, address, inside, model

FEW, MANY = 10, 10_000
TURN = 1_000  # agreements of firewalld: 10,000 take it more than five minutes
PREFIXES = 100_000
FLOWS = 200
WAYS = (  # marks choose the zones' routing tables, as those of our relay do
    "table ip ways { chain prerouting { type filter hook prerouting priority -150;\n"
    'iifname "sdn0" meta mark set 0x02000000\niifname "net0" meta mark set 0x01000000\n}\n}\n'
)
SIZE = 200  # bytes of the IP packet
SOURCE_PORT, TARGET_PORT = 10_000, 40_000
PACE = 20_000  # packets/s while policies take each other's place
COMPILE, APPLY, ONE = Aim("at most", 2), Aim("at most", 2), Aim("at most", 10)
RATIO, NO_LOSS = Aim("at least", 0.95), Aim("at most", 0)


def run(*, short: bool) -> Report:
    """Measure; ``short`` takes fewer rounds."""
    rounds, seconds = (2, 0.3) if short else (5, 1.0)
    report = Report("firewall")
    os.sched_setaffinity(0, {0})
    with programs() as loaded, stage(loaded, routed=True) as gateway:
        gateway.rules(DROP_ALL)
        ports = _ports()
        near = str(address("internet", 2, 4))
        baseline = min(gateway.measure(near, ports, SIZE, seconds).nanoseconds for _ in range(rounds))
        gateway.rules("")
        few, wide, many = _compiled(report, rounds)
        with inside(gateway.net.names["gw"]):
            _applied(report, many, 1 if short else 3)
            _one(report, many, rounds * 5)
            _changed(report, many, rounds)
            _forwarded(report, gateway, (few, wide, many), baseline, rounds, seconds)
            kernel_rules.apply(model(), few)
            versions = itertools.islice(itertools.cycle((many, few)), 4 if short else 12)
            _lost(report, gateway, "", [partial(kernel_rules.apply, model(), each, known=model()) for each in versions])
        _peer(report, gateway, baseline, rounds, seconds)
    _compared(report)
    flood.measure(report)
    report.notes += (
        f"{PREFIXES:,} prefixes, {MANY:,} agreements where nothing else is said; {FLOWS} established flows of one more",
        "seconds are CPU time of the program and the kernel: other work on the machine hardly matters",
        "packets: CPU time of the gateway alone; the generator's own cost is measured apart and taken off",
        "firewalld: Debian's engine in the same namespace; it accepts established flows before its rules",
        "not allowed: packets of flows that no agreement opens",
        "flood: SYNs of sources drawn from the internet's addresses to a published service; no handshake ends",
    )
    return report


def _policy(prefixes: int, agreements: int) -> Policy:
    """Return a policy of that size, and one agreement more that carries the measured flows."""
    now = int(time.time())
    known = large(prefixes, max(agreements, 100), now).agreements
    what = offer("sink", f"udp/{TARGET_PORT}-{TARGET_PORT + FLOWS}", str(address("internet", 2, 4)), zone_="internet")
    who = client("generator", f"{address('sdn', 2, 4)}/32")
    one = agreement("measured", who.name, what.name, now - DAY, now + DAY)
    return Policy(
        tuple(ZONES),
        agreements=Agreements(
            known.organisations, (*known.services, what), (*known.clients, who), (*known.agreements[:agreements], one)
        ),
    )


def _compiled(report: Report, rounds: int) -> tuple[Ruleset, Ruleset, Ruleset]:
    few = _ruleset(_policy(PREFIXES // 100, FEW))
    policy = _policy(PREFIXES, MANY)
    report.add("compile", [_seconds(partial(_ruleset, policy)) for _ in range(min(rounds, 3))], "s", COMPILE)
    return few, _ruleset(_with(policy, policy.agreements.agreements[-FEW:])), _ruleset(policy)


def _ruleset(policy: Policy) -> Ruleset:
    return compile_transit(compile_policy(policy), model())


def _applied(report: Report, many: Ruleset, rounds: int) -> None:
    times = []
    for _ in range(rounds):
        kernel_rules.reset()
        times.append(_seconds(partial(kernel_rules.apply, model(), many)))
    report.add("apply, nothing there before", times, "s", APPLY)


def _one(report: Report, many: Ruleset, rounds: int) -> None:
    """Take one agreement away and give it back, as a reload whose other paths are the same does."""
    policy = many.tables.policy
    fewer = _ruleset(_with(policy, policy.agreements.agreements[1:]))
    times = []
    for old, new in itertools.islice(itertools.cycle(((many, fewer), (fewer, many))), 2 * rounds):
        times.append(_seconds(partial(kernel_rules.reopen, old, new, time.time())) * 1e3)
    report.add("one agreement", times, "ms", ONE)


def _changed(report: Report, many: Ruleset, rounds: int) -> None:
    """Give one client a prefix more and take it away: what the others have stays."""
    policy = many.tables.policy
    known = policy.agreements
    wider = replace(known, clients=(*known.clients, client("new", "192.168.0.0/24")))
    other = _ruleset(replace(policy, agreements=wider))
    versions = itertools.islice(itertools.cycle((other, many)), 2 * min(rounds, 3))
    times = [_seconds(partial(kernel_rules.apply, model(), made, known=model())) for made in versions]
    report.add("apply, one client's prefixes changed", times, "s")


def _forwarded(
    report: Report, gateway: Stage, all_: tuple[Ruleset, Ruleset, Ruleset], baseline: float, rounds: int, seconds: float
) -> None:
    values: list[list[float]] = [[], [], []]
    refused: list[list[float]] = [[], [], []]
    few, wide, many = all_
    now = time.time()
    kernel_rules.add(few, now)
    kernel_rules.reopen(many, wide, now)
    for _ in range(rounds):
        for index, (made, before) in enumerate(((few, many), (wide, few), (many, wide))):
            if made.names == before.names:  # two that differ in agreements alone are the same parts
                kernel_rules.reopen(before, made, now)
            kernel_rules.switch(None, made)
            _establish(gateway)
            values[index].append(_cost(gateway, seconds) - baseline)
            refused[index].append(_refused(gateway, seconds) - baseline)
        kernel_rules.reopen(many, wide, now)
    names = (f"{FEW} agreements, {PREFIXES // 100:,} prefixes", f"{FEW} agreements", f"{MANY:,} agreements")
    for name, passed, dropped in zip(names, values, refused, strict=True):
        report.add(f"forwarded at {name}", passed, "ns/packet")
        report.add(f"not allowed, at {name}", dropped, "ns/packet")
    for name, kind, aim in ((f"{FEW}", 1, RATIO), (names[0], 0, None)):
        ratios = [small / great for small, great in zip(values[kind], values[2], strict=True)]
        report.add(f"packets/s at {MANY:,} agreements against {name}", ratios, "times", aim)


def _lost(report: Report, gateway: Stage, who: str, applies: Sequence[Callable[[], object]]) -> None:
    """Replace the policy under steady traffic, again and again."""
    _establish(gateway)
    over = threading.Event()

    def replaced() -> None:
        with inside(gateway.net.names["gw"]):
            os.sched_setaffinity(0, {1})
            for apply in applies:
                apply()
        over.set()

    thread = threading.Thread(target=replaced)
    thread.start()
    sent = arrived = 0.0
    while not over.is_set():
        cost = gateway.measure(str(address("internet", 2, 4)), _ports(), SIZE, 2, pace=PACE)
        sent, arrived = sent + 2 * PACE, arrived + 2 * PACE * cost.arrived
    thread.join()
    aim = None if who else NO_LOSS
    report.add(f"{who}lost of {PACE:,} packets/s in {len(applies)} applies", [round(sent - arrived)], "packets", aim)


def _peer(report: Report, gateway: Stage, baseline: float, rounds: int, seconds: float) -> None:
    """Measure firewalld with ten and with a thousand agreements."""
    for count in (FEW, TURN):
        policy = _policy(PREFIXES // MANY * max(count, 100), count)
        gateway.rules("")
        with inside(gateway.net.names["gw"]):
            ours = [_anew(policy) for _ in range(rounds)]
        gateway.rules(WAYS)
        passed, refused = [], []
        with firewalld.firewalld(gateway.net.names["gw"], policy) as peer:
            took = peer.start()
            for _ in range(rounds):
                _establish(gateway)
                passed.append(_cost(gateway, seconds) - baseline)
                refused.append(_refused(gateway, seconds) - baseline)
            report.add(f"firewalld: forwarded at {count:,} agreements", passed, "ns/packet")
            report.add(f"firewalld: not allowed, at {count:,} agreements", refused, "ns/packet")
            if count == TURN:
                one = [*firewalld.rules(policy, policy.agreements.agreements[:1])]
                peer.remove(one)
                times = [took_ for _ in range(rounds) for took_ in (peer.add(one), peer.remove(one))]
                report.add(f"compile and apply the same {count:,} agreements", ours, "s")
                report.add(f"firewalld: apply {count:,} agreements", [took], "s")
                report.add(f"firewalld: one agreement of {count:,}", [each * 1e3 for each in times], "ms")
                _lost(report, gateway, "firewalld: ", [peer.reload])


def _anew(policy: Policy) -> float:
    """Return the seconds from a policy to its ruleset in a kernel that has none."""
    kernel_rules.reset()
    return _seconds(lambda: kernel_rules.apply(model(), _ruleset(policy)))


def _compared(report: Report) -> None:
    """Set what was measured of ours beside what was measured of firewalld, which has a tenth of the agreements."""
    value = {figure.name: figure.value for figure in report.figures}
    for what in ("forwarded", "not allowed,"):
        ratio = value[f"firewalld: {what} at {TURN:,} agreements"] / value[f"{what} at {MANY:,} agreements"]
        report.add(f"packets/s {what} against firewalld", [ratio], "times")
    ratio = value[f"firewalld: apply {TURN:,} agreements"] / value[f"compile and apply the same {TURN:,} agreements"]
    report.add(f"compile and apply the same {TURN:,} agreements: as quick as firewalld", [ratio], "times")
    ratio = value[f"firewalld: one agreement of {TURN:,}"] / value["one agreement"]
    report.add("one agreement: as many changes a second as firewalld", [ratio], "times")


def _with(policy: Policy, agreements: tuple[Agreement, ...]) -> Policy:
    return replace(policy, agreements=replace(policy.agreements, agreements=agreements))


def _ports() -> list[tuple[int, int]]:
    return [(SOURCE_PORT + n, TARGET_PORT + n) for n in range(FLOWS)]


def _establish(gateway: Stage) -> None:
    """Let one packet go each way of each flow: the sink takes what comes, so the other end answers unasked."""
    for source, target in _ports():
        with gateway.net.udp("sdn", 2, source) as there, gateway.net.udp("internet", 2, target) as here:
            there.sendto(b"x", here.getsockname())
            here.sendto(b"y", there.getsockname())
            there.recv(10)


def _cost(gateway: Stage, seconds: float) -> float:
    cost = gateway.measure(str(address("internet", 2, 4)), _ports(), SIZE, seconds)
    if cost.arrived < 0.99:  # what is dropped early is cheap: such a figure would flatter
        raise RuntimeError(f"only {cost.arrived:.1%} of the packets came through")
    return cost.nanoseconds


def _refused(gateway: Stage, seconds: float) -> float:
    """Return what a packet costs that belongs to no flow and that nothing allows."""
    others = [(source, target + 2 * FLOWS) for source, target in _ports()]
    cost = gateway.measure(str(address("internet", 2, 4)), others, SIZE, seconds)
    if cost.arrived:
        raise RuntimeError(f"{cost.arrived:.1%} of packets came through that nothing allows")
    return cost.nanoseconds


def _seconds(what: Callable[[], object]) -> float:
    """Return the CPU time of this process and of those that it waits for: other work on the machine hardly matters."""
    began = _spent()
    what()
    return _spent() - began


def _spent() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
