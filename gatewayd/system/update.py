"""A new version into the free slot, or back to the other one.

The order is what makes it safe: the kernel images that lead to the free slot go first, its label says that it is being
filled, the root is written and read back, the label is set, and only then a kernel image gets the name by which it is
started. Power may go at any moment: before the last step the running version starts again, after it the new one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from gatewayd.system import slots
from gatewayd.system.errors import DiskError, ReleaseError
from gatewayd.system.machine import Boot, Disk
from gatewayd.system.release import CHUNK, Release
from gatewayd.system.slots import Slot, order


def check(release: Release, running: str, flavour: str) -> None:
    """Refuse what is not for this machine; raises `ReleaseError`."""
    told = release.manifest
    if told.flavour != flavour:
        raise ReleaseError(f"the update is for {told.flavour} machines, and this one runs the image for {flavour}")
    if told.version == running:
        raise ReleaseError(f"version {running} runs already")
    if order(told.version) < order(running):
        text = f"version {told.version} is older than {running}, which runs: `gatewayctl system rollback` goes back"
        raise ReleaseError(text)


def install(release: Release, disk: Disk, running: str) -> Iterator[str]:
    """Put a checked release into the free slot; yields what is being done. Raises `ReleaseError`, `DiskError`."""
    told = release.manifest
    slot = slots.free(disk.slots, running)
    if told.root.size > slot.size:
        raise ReleaseError(f"the root has {told.root.size >> 20} MiB, and the slot {slot.size >> 20}")
    with disk.boot() as boot:
        for each in boot.entries():
            if each.version != running:
                boot.remove(each)
        disk.label(slot, slots.FILLING)
        part = boot.part()
        yield f"version {told.version}: kernel image"
        _kernel(release, part)
        yield f"version {told.version}: {told.root.size >> 20} MiB to {slot.device}"
        _root(release, slot)
        disk.label(slot, slots.PREFIX + told.version)
        boot.keep(part, slots.named(told.version, slots.TRIES))
    yield f"version {told.version} starts with the next boot; {running} comes back by itself if it is not well"


def rollback(disk: Disk, boot: Boot, running: str) -> str:
    """Have the other version start from now on, and give it; raises `DiskError` where there is none."""
    entries = boot.entries()
    back = slots.other(entries, disk.slots, running)
    if not back.good:
        boot.rename(back, slots.named(back.version, slots.TRIES))
    for each in entries:
        if each.version == running and order(running) > order(back.version):
            boot.rename(each, slots.named(running, 0, max(1, each.done)))
    return back.version


def versions(disk: Disk, running: str) -> dict[str, Any]:
    """Tell which version runs, what is in the slots, and which versions could start, as JSON has it."""
    with disk.boot() as boot:
        entries = [asdict(each) for each in boot.entries()]
    slots_ = [{"device": str(each.device), "label": each.label} for each in disk.slots]
    return {"running": running, "slots": slots_, "entries": entries}


def _kernel(release: Release, part: Path) -> None:
    try:
        with part.open("wb") as file:
            release.kernel(file.write)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DiskError(f"the boot partition cannot be written: {error.strerror}") from error


def _root(release: Release, slot: Slot) -> None:
    try:
        with slot.device.open("r+b") as file:
            release.root(file.write)
            file.flush()
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # what is read back comes from the disk
        with slot.device.open("rb") as file:
            found = _digest(file, release.manifest.root.size)
    except OSError as error:
        raise DiskError(f"{slot.device} cannot be written: {error.strerror}: the disk may be failing") from error
    if found != release.manifest.root.sha256:
        raise DiskError(f"{slot.device} does not hold what was written to it: replace the disk")


def _digest(file: IO[bytes], size: int) -> str:
    digest = hashlib.sha256()
    while size and (chunk := file.read(min(CHUNK, size))):
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest()
