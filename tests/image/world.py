"""What an appliance under test is told, and the namespace that stands for its networks."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CARDS = {"sdn0": "52:54:00:00:00:01", "net0": "52:54:00:00:00:02", "mgmt0": "52:54:00:00:00:03"}
HOSPITAL, CLINIC, OPERATOR = "198.18.0.20", "192.0.2.20", "10.9.0.20"
GATEWAY = "198.18.0.10"
FIRST, SECOND, BROKEN = "0.1.0", "0.1.1", "0.1.2"

SITE = """\
name: edge1
zones:
  sdn:
    interface: sdn0
    addresses: [198.18.0.10/24]
    media: {addresses: [198.18.0.10], ports: 40000-40999}
    sip: [{transport: udp, address: 198.18.0.10}]
  internet:
    interface: net0
    addresses: [192.0.2.10/24]
    encryption: "off"
    media: {addresses: [192.0.2.10], ports: 40000-40999}
    sip: [{transport: udp, address: 192.0.2.10}]
  mgmt:
    interface: mgmt0
    addresses: [10.9.0.10/24]
peers:
  hospital: {zone: sdn, sources: [198.18.0.20/32], target: {address: 198.18.0.20}}
  clinic: {zone: internet, sources: [192.0.2.20/32], target: {address: 192.0.2.20}, media: [192.0.2.20/32]}
dialplan:
  - {alias: "clinic*", zone: sdn, to: clinic}
"""
SETUP = "cards:\n" + "".join(f"  {name}: {mac}\n" for name, mac in CARDS.items()) + "site: site.yaml\n"


@contextmanager
def networks(*, cards: bool = True, name: str = "") -> Iterator[str]:
    """Make a namespace in which every peer of the appliance lives, with a tap for each of its cards.

    Without `cards` it is the appliance's own, which has them itself.
    """
    name = f"vdximg{os.getpid()}{name}"

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        for card in () if cards else CARDS:
            ip("-n", name, "link", "add", card, "type", "veth", "peer", "name", f"p-{card}")
            ip("-n", name, "link", "set", f"p-{card}", "up")
        for card, address in () if not cards else zip(CARDS, (HOSPITAL, CLINIC, OPERATOR), strict=True):
            ip("-n", name, "tuntap", "add", "dev", f"t-{card}", "mode", "tap")
            ip("-n", name, "address", "add", f"{address}/24", "dev", f"t-{card}")
            ip("-n", name, "link", "set", f"t-{card}", "up")
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


def call(namespace: str) -> dict[str, Any]:
    """Place a call through the appliance; gives what arrived where."""
    command: list[str | Path] = ["ip", "netns", "exec", namespace]
    command += [ROOT / ".venv/bin/python", "-m", "tests.image.caller", HOSPITAL, CLINIC, GATEWAY]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@cache
def tree() -> Path:
    """Build the tree of the image and nothing else, without a kernel; gives it. Once a run: containers stand on it.

    VDX_RELEASE names another release of Debian than the image's own.
    """
    release = os.environ.get("VDX_RELEASE", "bookworm")
    name = "tree" if release == "bookworm" else f"tree-{release}"
    return build(FIRST, "--tree-only", "--release", release, name=name) / "tree"


def build(version: str, *more: str, name: str = "", flavour: str = "cloud") -> Path:
    """Build an image; gives the directory it is in."""
    home = ROOT / "build" / "image" / "test" / (name or version)
    command: list[str | Path] = ["images/build", "--pure", "--flavour", flavour, "--version", version]
    command += ["--out", home, *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return home
