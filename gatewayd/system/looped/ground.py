"""The throw-away network of a call to itself: the gateway in one namespace, both telephones in another.

    telephones: caller ---- sdn0  :gateway: gatewayd, b2bua, mediad of this very version, with a site of their own
                callee ---- net0  :

The process and all it starts are in a user namespace of their own, without any right outside of it; nothing is bound to
a name, so nothing is left after a crash.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatewayd.network.netlink import IPRoute
from gatewayd.sandbox import CLONE_NEWNET, setns, unshare
from gatewayd.system import health
from gatewayd.system.errors import CallError

CALLER, CALLEE, GATEWAY = "198.18.0.20", "192.0.2.20", "198.18.0.10"
"""Addresses for benchmarks and documents (RFC 2544, RFC 5737): nobody's, even if they could leave."""

USER = "callee"
SITE = f"""\
name: looped
zones:
  sdn:
    interface: sdn0
    addresses: [{GATEWAY}/24]
    media: {{addresses: [{GATEWAY}], ports: 40000-40999}}
    sip: [{{transport: udp, address: {GATEWAY}}}]
  internet:
    interface: net0
    addresses: [192.0.2.10/24]
    encryption: "off"
    media: {{addresses: [192.0.2.10], ports: 40000-40999}}
    sip: [{{transport: udp, address: 192.0.2.10}}]
peers:
  caller: {{zone: sdn, sources: [{CALLER}/32], target: {{address: {CALLER}}}}}
  callee: {{zone: internet, sources: [{CALLEE}/32], target: {{address: {CALLEE}}}, media: [{CALLEE}/32]}}
dialplan:
  - {{alias: {USER}, zone: sdn, to: callee}}
"""
LINKS = {"sdn0": ("caller", CALLER), "net0": ("callee", CALLEE)}
PROGRAMS = ("gatewayd", "mediad", "b2bua")
READY_SECONDS = 300.0
"""Until the programs have found each other: some 3 s, and a hundred times that in a machine emulated on a busy host."""

LOOK_SECONDS = 0.2
END_SECONDS = 10.0


@contextmanager
def gateway(home: Path) -> Iterator[None]:
    """Have the gateway of this version serve its own site, and this process among its peers; raises `CallError`.

    Goes on inside the namespaces of `sandbox.enter`, with one thread only. `home` is an empty directory.
    """
    peers = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        unshare(CLONE_NEWNET)
        with IPRoute() as route:
            (loopback,) = route.link_lookup(ifname="lo")
            route.link("set", index=loopback, state="up")
            for name, (far, _) in LINKS.items():
                route.link("add", ifname=name, kind="veth", peer={"ifname": far, "net_ns_fd": peers})
        for directory in ("run", "state", "b2bua"):
            (home / directory).mkdir(mode=0o700)
        (home / "site.yaml").write_text(SITE)
        for program in PROGRAMS:
            with (home / f"{program}.log").open("wb") as log:
                started[program] = subprocess.Popen(_command(program, home), stdout=log, stderr=log)  # noqa: S603 - ours
        setns(peers)
        with IPRoute() as route:
            for far, address in LINKS.values():
                (index,) = route.link_lookup(ifname=far)
                route.addr("add", index=index, address=address, prefixlen=24)
                route.link("set", index=index, state="up")
        _ready(home, started)
        yield
    finally:
        for process in started.values():
            process.send_signal(signal.SIGTERM)
        for process in started.values():
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        os.close(peers)


def said(home: Path) -> Iterator[str]:
    """Give the last words of each program."""
    for program in PROGRAMS:
        log = home / f"{program}.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        yield from (f"{program}: {line}" for line in lines[-10:])


def _command(program: str, home: Path) -> list[str | Path]:
    run: list[str | Path] = [sys.executable, "-P", "-m", program, "--run-dir", home / "run"]
    if program == "gatewayd":
        return [*run, "--site", home / "site.yaml", "--state-dir", home / "state", "--owner", "b2bua=0"]
    return [*run, "--state-dir", home / "b2bua"] if program == "b2bua" else run


def _ready(home: Path, started: dict[str, subprocess.Popen[bytes]]) -> None:
    end = time.monotonic() + READY_SECONDS
    while amiss := health.asked(home / "run"):
        ended = [program for program, process in started.items() if process.poll() is not None]
        if ended:
            raise CallError(f"{ended[0]} ended")
        if time.monotonic() > end:
            raise CallError("; ".join(amiss))
        time.sleep(LOOK_SECONDS)
