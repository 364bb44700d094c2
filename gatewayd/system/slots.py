"""Which version is in which slot, and which the machine would start: pure.

A slot is a partition whose label names the version in it. A version is started by its kernel image on the boot
partition; the number of tries it has left stands in that file's name (``vdx_1.4.2+2-1.efi``: two left, one done), as
systemd-boot counts them. Without a number it has proved itself. The highest version with tries left, or proved, starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gatewayd.system.errors import DiskError, ReleaseError

PREFIX = "vdx_"
EMPTY = "vdx_empty"
FILLING = "vdx_filling"
TRIES = 2
"""Starts that a new version has to prove itself: the second is for a mishap that was not its own."""

VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})(~[a-z0-9]{1,16})?", re.ASCII)
_ENTRY = re.compile(r"vdx_(?P<version>[0-9][0-9a-z.~]*?)(?:\+(?P<left>\d+)(?:-(?P<done>\d+))?)?\.efi", re.ASCII)


@dataclass(frozen=True, slots=True)
class Slot:
    """A partition for a root: its device, number on the disk, label, and size in octets."""

    device: Path
    number: int
    label: str
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A kernel image on the boot partition; `left` is None where its version has proved itself."""

    name: str
    version: str
    left: int | None = None
    done: int = 0

    @property
    def good(self) -> bool:
        """Whether the machine would start it."""
        return self.left is None or self.left > 0


def order(version: str) -> tuple[int, int, int, int, str]:
    """Give what versions are ordered by: 1.2.0~rc1 comes before 1.2.0. Raises `ReleaseError`."""
    found = VERSION.fullmatch(version)
    if found is None:
        raise ReleaseError(f"{version[:40]!r} is no version: one looks like 1.4.2")
    major, minor, patch, early = found.groups()
    return int(major), int(minor), int(patch), 0 if early else 1, early or ""


def entry(name: str) -> Entry | None:
    """Read the name of a kernel image; None for a file of somebody else."""
    found = _ENTRY.fullmatch(name)
    if found is None:
        return None
    left, done = found["left"], found["done"]
    return Entry(name, found["version"], None if left is None else int(left), int(done or 0))


def named(version: str, left: int | None = None, done: int = 0) -> str:
    """Give the name of a version's kernel image."""
    tries = "" if left is None else f"+{left}" + (f"-{done}" if done else "")
    return f"{PREFIX}{version}{tries}.efi"


def free(slots: Iterable[Slot], running: str) -> Slot:
    """Give the slot that the next version goes to: the one this machine does not run from. Raises `DiskError`."""
    others = [slot for slot in slots if slot.label != PREFIX + running]
    if not others:
        raise DiskError("this disk has no second slot: it was not made from an image of ours")
    return min(others, key=lambda slot: (slot.label not in (EMPTY, FILLING), slot.number))


def other(entries: Iterable[Entry], slots: Iterable[Slot], running: str) -> Entry:
    """Give the version to go back to; raises `DiskError` where there is none that is whole."""
    there = {slot.label for slot in slots}
    found = [each for each in entries if each.version != running and PREFIX + each.version in there]
    if not found:
        raise DiskError(f"there is no other version on this disk than {running}")
    return max(found, key=lambda each: (each.good, order(each.version)))
