"""The disk this machine started from: its slots and its boot partition, as the kernel shows them."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatewayd.system.errors import DiskError
from gatewayd.system.paths import START
from gatewayd.system.slots import EMPTY, FILLING, PREFIX, Entry, Slot, entry

SYSTEM = Path("/")
SECTOR = 512
"""Octets that sysfs counts sizes in, whatever the disk has."""

STARTED = START / "disk"
"""The name of the disk that this start is from, where the firmware's boot loader told it."""

ESP = "vdx_esp"
DATA = "vdx_data"
COMMAND_SECONDS = 120
"""For what writes a few sectors; a disk that takes longer is broken."""


def run(*command: str, given: str | None = None) -> str:
    """Run a program of the system and give what it wrote; raises `DiskError` with its own last words."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs, no shell
            command, capture_output=True, text=True, check=True, timeout=COMMAND_SECONDS, input=given
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()
        raise DiskError(f"{command[0]} failed: {said[-1] if said else error.returncode}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DiskError(f"{command[0]} failed: {error}") from error
    return done.stdout


def release(system: Path = SYSTEM) -> dict[str, str]:
    """Read os-release of what runs."""
    lines = (system / "usr/lib/os-release").read_text().splitlines()
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines) if name}


def running(system: Path = SYSTEM) -> str:
    """Give the version that runs; raises `DiskError` elsewhere than on an appliance."""
    for word in (system / "proc/cmdline").read_text().split():
        if word.startswith("vdx.root=" + PREFIX):
            return word.removeprefix("vdx.root=" + PREFIX)
    raise DiskError("this is no appliance that started from an image: its versions are not ours to change")


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk that the running root is on. `name` is as the kernel has it, such as ``nvme0n1``."""

    name: str
    device: Path
    slots: tuple[Slot, ...]
    esp: Path
    data: Path

    @classmethod
    def found(cls, version: str, system: Path = SYSTEM) -> Disk:
        """Find it by the label of the running version; raises `DiskError`."""
        partitions: dict[str, list[tuple[str, Slot]]] = {}
        for uevent in sorted((system / "sys/class/block").glob("*/uevent")):
            told = dict(line.split("=", 1) for line in uevent.read_text().splitlines() if "=" in line)
            if "PARTN" not in told:
                continue
            where = uevent.parent
            disk = where.resolve().parent.name
            size = int((where / "size").read_text()) * SECTOR
            slot = Slot(system / "dev" / told["DEVNAME"], int(told["PARTN"]), told.get("PARTNAME", ""), size)
            partitions.setdefault(disk, []).append((slot.label, slot))
        holders = [disk for disk, has in partitions.items() if any(label == PREFIX + version for label, _ in has)]
        started = system / STARTED.relative_to("/")
        if started.exists():  # others with the same version are no matter, such as the stick it was installed from
            holders = [disk for disk in holders if disk == started.read_text().strip()]
        if len(holders) != 1:
            text = "no disk has" if not holders else f"{' and '.join(holders)} have"
            raise DiskError(f"{text} version {version}, which runs: leave exactly one disk with it in this machine")
        has = dict(partitions[holders[0]])
        if ESP not in has or DATA not in has:
            raise DiskError(
                f"disk {holders[0]} has no partition {ESP} or {DATA}: it was not made from an image of ours"
            )
        slots = tuple(
            slot
            for label, slot in partitions[holders[0]]
            if label not in (ESP, DATA) and (label in (EMPTY, FILLING) or label.startswith(PREFIX))
        )
        return cls(holders[0], system / "dev" / holders[0], slots, has[ESP].device, has[DATA].device)

    def label(self, slot: Slot, label: str) -> None:
        """Give a slot another label, on the disk and in the kernel."""
        run(
            "sfdisk",
            "--quiet",
            "--no-reread",
            "--no-tell-kernel",
            "--part-label",
            str(self.device),
            str(slot.number),
            label,
        )
        run("partx", "--update", "--nr", str(slot.number), str(self.device))

    @contextmanager
    def boot(self) -> Iterator[Boot]:
        """Mount the boot partition for a while; raises `DiskError` where somebody else has it."""
        place = Path("/run/vdx-boot")
        place.mkdir(mode=0o700, exist_ok=True)
        with place.with_suffix(".lock").open("wb") as one:
            try:
                fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel gives it back, however this ends
            except BlockingIOError as error:
                raise DiskError("another update or rollback is at work: wait until it is done") from error
            with self._mounted(place) as boot:
                yield boot

    @contextmanager
    def _mounted(self, place: Path) -> Iterator[Boot]:
        run("mount", "-t", "vfat", "-o", "umask=0077,nosuid,nodev,noexec,sync", str(self.esp), str(place))
        try:
            yield Boot(place / "EFI/Linux")
        finally:
            run("umount", str(place))


class Boot:
    """The kernel images on the boot partition; each change is one rename, or can be done again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def entries(self) -> list[Entry]:
        """List the versions that can be started."""
        return [found for path in sorted(self._directory.iterdir()) if (found := entry(path.name))]

    def remove(self, one: Entry) -> None:
        """Take a version away."""
        (self._directory / one.name).unlink(missing_ok=True)
        self.sync()

    def rename(self, one: Entry, name: str) -> None:
        """Change a version's tries."""
        (self._directory / one.name).rename(self._directory / name)
        self.sync()

    def part(self) -> Path:
        """Give where a new kernel image is written before it has its name; what was left there goes."""
        path = self._directory / "next.part"
        path.unlink(missing_ok=True)
        return path

    def keep(self, part: Path, name: str) -> None:
        """Give a written kernel image its name: from here on it can be started."""
        part.rename(self._directory / name)
        self.sync()

    def sync(self) -> None:
        """Have everything on the disk."""
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
