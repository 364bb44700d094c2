"""The network cards of this machine, and the names they are given.

`python -m gatewayd.system.cards` names them as the files for udev say (systemd.link(5)): once, after the first setup,
as udev does it at later starts. It has the one right for it (`vdx-cards.service`); the setup has not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from gatewayd.system import machine, paths
from gatewayd.system.errors import DiskError


def cards(system: Path = Path("/")) -> dict[str, str]:
    """Give the network cards of this machine: name by hardware address."""
    found = {}
    for device in sorted((system / "sys/class/net").glob("*/device")):
        address = (device.parent / "address").read_text().strip()
        found[address] = device.parent.name
    return found


def link(label: str, mac: str) -> bytes:
    """Write the file that names a card at each start."""
    return f"[Match]\nPermanentMACAddress={mac}\n\n[Link]\nName={label}\n".encode()


def told(folder: Path) -> Iterator[tuple[str, str]]:
    """Read the files that `link` wrote: name and hardware address of each card."""
    for path in sorted(folder.glob("*.link")):
        said = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
        yield said["Name"], said["PermanentMACAddress"]


def name(wanted: Mapping[str, str]) -> None:
    """Give the cards of this machine their names now; raises `DiskError`."""
    there = cards()
    for label, mac in wanted.items():
        if there.get(mac, label) != label:
            machine.run("ip", "link", "set", "dev", there[mac], "down")
            machine.run("ip", "link", "set", "dev", there[mac], "name", label)


def main() -> int:
    """Name them; returns 1 with a sentence on standard error where one cannot be."""
    try:
        name(dict(told(paths.NETWORK)))
    except (DiskError, OSError) as error:
        print(f"cards: {error}", file=sys.stderr)  # noqa: T201 - to the journal
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
