"""The version that runs, onto another disk of this machine: how an image on a stick becomes an appliance.

The disk gets partitions as `images/stages/disk.sh` makes them. Its boot partition is filled last, under a name that is
given after everything else is on the disk: one that was cut off does not start, and is installed again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatewayd.system import slots
from gatewayd.system.errors import DiskError
from gatewayd.system.machine import DATA, ESP, SECTOR, SYSTEM, Disk, run
from gatewayd.system.release import CHUNK

DEVICES = Path("/dev")
MIB = 1 << 20
ESP_MIB, SLOT_MIB = 512, 768
LEAST = 3800 * 10**6
"""Octets of a disk: what is sold as 4 GB, less what some makers round away."""

TRIES = 3
"""Starts that an installed version has to prove itself, as on a written image."""

BOOT_CODE = 440
"""Octets in front of the table of partitions: what a machine without UEFI is told."""

LOADERS = ("EFI/BOOT/BOOTX64.EFI", "EFI/systemd/systemd-bootx64.efi", "loader/loader.conf")
KIND_ESP, KIND_ROOT = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"
KIND_VAR = "4D21B016-B534-45C2-A9FB-5C16E091FD2D"


@dataclass(frozen=True, slots=True)
class Target:
    """A disk that an appliance could be installed on; `size` in octets."""

    name: str
    size: int
    model: str

    def __str__(self) -> str:
        return f"{self.name}, {self.size / 1e9:.0f} GB{f', {self.model}' if self.model else ''}"


def targets(running: Disk, system: Path = SYSTEM) -> list[Target]:
    """List the disks of this machine but the one that it started from."""
    found = []
    for home in sorted((system / "sys/class/block").iterdir()):
        if not (home / "device").exists() or (home / "partition").exists() or home.name == running.name:
            continue
        size = int((home / "size").read_text()) * SECTOR
        model = home / "device/model"
        if size and (home / "ro").read_text().strip() == "0" and not home.name.startswith(("sr", "fd")):
            found.append(Target(home.name, size, model.read_text().strip() if model.exists() else ""))
    return found


def table() -> str:
    """Write the partitions of an appliance's disk as sfdisk(8) reads them."""
    rows = [
        f"start=1MiB, size={ESP_MIB}MiB, type={KIND_ESP}, name={ESP}",
        f'size={SLOT_MIB}MiB, type={KIND_ROOT}, name={slots.FILLING}, attrs="GUID:60"',
        f'size={SLOT_MIB}MiB, type={KIND_ROOT}, name={slots.EMPTY}, attrs="GUID:60"',
        f"type={KIND_VAR}, name={DATA}",
    ]
    return "\n".join(["label: gpt", "first-lba: 2048", *rows, ""])


def install(running: Disk, version: str, target: Target) -> Iterator[str]:
    """Put the running version on a disk, of which everything is lost; yields what is done. Raises `DiskError`."""
    if target.size < LEAST:
        raise DiskError(f"{target.name} has {target.size // MIB} MiB: an appliance needs a disk of 4 GB")
    here = next(slot for slot in running.slots if slot.label == slots.PREFIX + version)
    there = DEVICES / target.name
    yield f"{target.name}: partitions"
    run("sfdisk", "--quiet", "--wipe=always", "--wipe-partitions=always", str(there), given=table())
    run("udevadm", "settle")
    esp, root, _, data = (_partition(target.name, number) for number in range(1, 5))
    yield f"{target.name}: version {version}, {here.size // MIB} MiB"
    _copy(here.device, root, here.size)
    run("mkfs.ext4", "-q", "-F", "-L", DATA, str(data))
    run("mkfs.vfat", "-F", "32", "-n", "VDXESP", str(esp))
    yield f"{target.name}: what starts it"
    with _mounted(running.esp, "ro") as source, _mounted(esp, "rw") as place:
        _loaders(source, place, version)
    run("sfdisk", "--quiet", "--part-label", str(there), "2", slots.PREFIX + version)
    _boot_code(running.device, there)
    os.sync()
    yield f"version {version} is on {target.name}: take out the disk that this machine started from, then restart"


def _partition(disk: str, number: int) -> Path:
    return DEVICES / (f"{disk}p{number}" if disk[-1].isdigit() else f"{disk}{number}")


def _copy(source: Path, target: Path, size: int) -> None:
    """Copy so many octets, and read them back from the disk."""
    try:
        with source.open("rb") as read, target.open("r+b") as write:
            written = _through(read.fileno(), size, write.fileno())
            os.fsync(write.fileno())
            os.posix_fadvise(write.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        with target.open("rb") as file:
            found = _through(file.fileno(), size)
    except OSError as error:
        raise DiskError(f"{target} cannot be written: {error.strerror}: the disk may be failing") from error
    if found != written:
        raise DiskError(f"{target} does not hold what was written to it: take another disk")


def _through(read: int, size: int, write: int | None = None) -> bytes:
    digest = hashlib.sha256()
    while size and (chunk := os.read(read, min(CHUNK, size))):
        digest.update(chunk)
        size -= len(chunk)
        while write is not None and chunk:
            chunk = chunk[os.write(write, chunk) :]
    return digest.digest()


def _loaders(source: Path, place: Path, version: str) -> None:
    kernels = [
        path for path in (source / "EFI/Linux").iterdir() if (one := slots.entry(path.name)) and one.version == version
    ]
    if not kernels:
        raise DiskError(f"the boot partition has no kernel image of version {version}")
    for name in LOADERS:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, place / name)
    part = place / "EFI/Linux/next.part"
    part.parent.mkdir(parents=True)
    shutil.copyfile(kernels[0], part)
    os.sync()
    part.rename(part.with_name(slots.named(version, TRIES)))


def _boot_code(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("r+b") as write:
        write.write(read.read(BOOT_CODE))
        write.flush()
        os.fsync(write.fileno())


@contextmanager
def _mounted(device: Path, mode: str) -> Iterator[Path]:
    where = Path("/run") / f"vdx-install-{device.name}"
    where.mkdir(mode=0o700, exist_ok=True)
    run("mount", "-t", "vfat", "-o", f"{mode},umask=0077,nosuid,nodev,noexec", str(device), str(where))
    try:
        yield where
    finally:
        run("umount", str(where))
