"""The network cards of this machine, and the names they are given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gatewayd.errors import NetworkError
from gatewayd.system import machine


def cards(system: Path = Path("/")) -> dict[str, str]:
    """Give the network cards of this machine: name by hardware address."""
    found = {}
    for device in sorted((system / "sys/class/net").glob("*/device")):
        address = (device.parent / "address").read_text().strip()
        found[address] = device.parent.name
    return found


def name(wanted: Mapping[str, str]) -> None:
    """Give the cards of this machine their names now; at later starts udev does. Raises `DiskError`, `NetworkError`."""
    there = cards()
    for label, mac in wanted.items():
        if there[mac] == label:
            continue
        if label in there.values():
            raise NetworkError(
                f"cards: {label} is another card's name now: choose names that no card has, such as sdn0"
            )
        machine.run("ip", "link", "set", "dev", there[mac], "down")
        machine.run("ip", "link", "set", "dev", there[mac], "name", label)
