"""How long a stream takes to open: from the request on the pinhole socket to its answer, when it is in the kernel.

A real `gatewayd` in a lab, whose own policy has 100,000 prefixes of clients with agreements; and in turn with it, one
in another lab without any. The client asks as `b2bua` does; each request opens one RTP stream (four pinholes, about
thirty elements, one transaction) and the next releases it. The kernel part alone is the same transaction committed by
raw netlink from this process.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import time
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import yaml

from bench.report import Aim, Report
from bench.site import add_media_addresses
from lab.lab import Lab
from lab.users import B2BUA
from nft import relay
from nft.kernel import Kernel
from vdx import pinhole, wire

PREFIXES = 100_000
CLIENTS = 100
FILLED = 20_000
"""Pinholes that are open while a stream is opened."""

PINHOLES = 4
"""Of one RTP stream: two ends, RTP and RTCP."""

PRIORITY = -10
"""What `gatewayd` gives itself: the transaction alone is measured under its conditions."""

QUANTILES = (("p50", 0.50), ("p99", 0.99))
WHOLE, KERNEL = Aim("at most", 0.5), Aim("at most", 0.1)


def run(*, short: bool) -> Report:
    """Measure at 0 and at 20,000 pinholes; `short` opens fewer streams."""
    rounds, samples = (1, 200) if short else (5, 2_000)
    report = Report("opening")
    with Lab.temporary("bench") as lab, Lab.temporary("bare") as bare:
        add_media_addresses(lab, 7)  # 20,000 pinholes fill one to the last port, and what was closed rests
        add_media_addresses(bare, 7)
        _add_prefixes(lab)
        for each in (lab, bare):
            each.start("gatewayd")
        held = _held(lab)
        took = [[asyncio.run(_as_owner(each, 0, samples, 1))[0] for each in (lab, bare)] for _ in range(rounds)]
        _add(report, "0 pinholes", [loaded for loaded, _ in took])
        for name, at in QUANTILES:
            ratios = [_quantile(loaded, at) / _quantile(empty, at) for loaded, empty in took]
            report.add(f"with {PREFIXES:,} prefixes against none, {name}", ratios, "times")
        _add(report, f"{FILLED:,} pinholes", asyncio.run(_as_owner(lab, FILLED, samples, rounds)))
        times = [lab.host("edge").call(lambda: _kernel_alone(samples)) for _ in range(rounds)]
        for name, at in QUANTILES:
            values = [_quantile(each, at) * 1e3 for each in times]
            report.add(f"the transaction alone, {name}", values, "ms", KERNEL if name == "p99" else None)
    report.notes.append(f"{held:,} prefixes in the policy that runs; {samples} streams a round, {rounds} rounds")
    return report


def _add(report: Report, filled: str, took: list[list[float]]) -> None:
    for name, at in QUANTILES:
        values = [_quantile(times, at) * 1e3 for times in took]
        report.add(f"request to committed, {filled}, {name}", values, "ms", WHOLE if name == "p99" else None)


def _quantile(times: list[float], at: float) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * at))]


def _add_prefixes(lab: Lab) -> None:
    """Give the site clients with that many prefixes together, and an agreement for each; before `gatewayd` starts."""
    networks = itertools.islice(ip_network("100.64.0.0/10").subnets(new_prefix=28), 0, 2 * PREFIXES, 2)
    site = lab.state.site
    document = yaml.safe_load(site.read_text())
    clients = {}
    for number in range(CLIENTS):
        name = f"client-{number}"
        lines = itertools.islice(networks, PREFIXES // CLIENTS)
        (site.parent / f"{name}.txt").write_text("".join(f"{network}\n" for network in lines))
        clients[name] = {"organisation": "country", "zone": "sdn", "files": [f"{name}.txt"]}
    service = {"organisation": "country", "zone": "internet", "endpoints": ["192.0.2.77/32"], "tcp": [443]}
    document["agreements"] = {
        "organisations": ["country"],
        "services": {"archive": {**service, "approval": False}},
        "clients": clients,
        "agreements": {
            f"for-{name}": {"client": name, "service": "archive", "starts": "2026-01-01"} for name in clients
        },
    }
    site.write_text(yaml.safe_dump(document, sort_keys=False))


def _held(lab: Lab) -> int:
    """Return how many prefixes the kernel tells apart, as the largest map of the policy says."""
    text = lab.host("edge").run(["nft", "list", "table", "inet", "transit"]).stdout
    return max(block.count(" : ") for block in text.split("map ") if block.startswith("agreed_from_sdn4"))


async def _as_owner(lab: Lab, filled: int, samples: int, rounds: int) -> list[list[float]]:
    """Ask as the user that `b2bua` runs as: the socket tells owners apart by their user."""
    os.setegid(B2BUA.gid)
    os.seteuid(B2BUA.uid)
    try:
        connection = await wire.connect(lab.state.run / "pinhole.sock", pinhole.OwnerCodec)
    finally:
        os.seteuid(0)
        os.setegid(0)
    try:
        return await _streams(lab, connection, filled, samples, rounds)
    finally:
        connection.close()


async def _streams(
    lab: Lab, connection: wire.Connection[pinhole.Reply | pinhole.Event], filled: int, samples: int, rounds: int
) -> list[list[float]]:
    hospital, clinic = lab.host("hospital").address(), lab.host("clinic").address()
    numbers = itertools.count(1)

    def stream(lease: str) -> pinhole.Stream:
        a = pinhole.End("sdn", "hospital", 4, pinhole.Remote(hospital, 6000), pinhole.Remote(hospital, 6001), hospital)
        b = pinhole.End("internet", "clinic", 4, None, None, clinic)
        return pinhole.Stream(lease, "rtp", a, b)

    async def ask(request: pinhole.Request) -> pinhole.Reply:
        connection.send(request)
        reply = await connection.receive()
        if reply is None or isinstance(reply, pinhole.Refused | pinhole.Learned | pinhole.Revoked):
            raise RuntimeError(f"gatewayd answered {reply}")
        return reply

    await ask(pinhole.Hold(0, ()))
    held: list[str] = []
    for call in _calls("fill", filled // PINHOLES // 10):
        leases = [f"{call}.{index}" for index in range(10)]
        await ask(pinhole.Lease(next(numbers), call, tuple(stream(lease) for lease in leases)))
        held += leases
    took: list[list[float]] = []
    for _ in range(rounds):
        times: list[float] = []
        for call in _calls("time", samples):
            lease = f"{call}.0"
            began = time.perf_counter()
            await ask(pinhole.Lease(next(numbers), call, (stream(lease),)))
            times.append(time.perf_counter() - began)
            await ask(pinhole.Release(next(numbers), (lease,)))
        took.append(times)
    await ask(pinhole.Release(next(numbers), tuple(held)))
    return took


def _calls(prefix: str, count: int) -> Iterator[str]:
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    for number in range(count):
        digits = "".join(letters[number >> shift & 31] for shift in range(40, -5, -5))
        yield f"{prefix}{digits}"[:13]


def _kernel_alone(samples: int) -> list[float]:
    os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    gc.freeze()
    kernel = Kernel()
    sdn = relay.Address(1, 200, ip_address("198.18.0.200"), "sdn0")
    net = relay.Address(2, 200, ip_address("203.0.113.200"), "net0")
    remote, source = ip_address("198.18.1.10"), ip_address("198.51.100.10")
    bridges = tuple(
        relay.Bridge("bench", relay.End(sdn, 40000 + n, (remote, 6000 + n)), relay.End(net, 40000 + n, None, (source,)))
        for n in (0, 1)
    )
    times = []
    for _ in range(samples):
        batch = relay.open(bridges)
        began = time.perf_counter()
        kernel.commit(batch)
        times.append(time.perf_counter() - began)
        kernel.commit(relay.close(bridges))
    kernel.close()
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    return times
