"""The disk of this machine, found in what the kernel shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewayd.system.errors import DiskError
from gatewayd.system.machine import Disk, running

LABELS = ("vdx_esp", "vdx_1.4.2", "vdx_empty", "vdx_data")


def disk(system: Path, name: str, labels: tuple[str, ...] = LABELS) -> None:
    """Show a disk with partitions; the kernel lists them as links into the disk's own directory."""
    home = system / "sys/devices" / name
    listed = system / "sys/class/block"
    listed.mkdir(parents=True, exist_ok=True)
    for number, label in enumerate(labels, 1):
        part = home / f"{name}{number}"
        part.mkdir(parents=True)
        (part / "uevent").write_text(f"DEVNAME={name}{number}\nPARTN={number}\nPARTNAME={label}\n")
        (part / "size").write_text("1572864\n")
        (listed / f"{name}{number}").symlink_to(part)


def test_the_disk_has_its_slots(tmp_path: Path) -> None:
    disk(tmp_path, "vda")
    found = Disk.found("1.4.2", tmp_path)
    assert (found.name, found.esp, found.data) == ("vda", tmp_path / "dev/vda1", tmp_path / "dev/vda4")
    assert [(slot.number, slot.label, slot.size) for slot in found.slots] == [
        (2, "vdx_1.4.2", 768 << 20),
        (3, "vdx_empty", 768 << 20),
    ]


def test_of_two_disks_with_the_same_version_the_one_that_was_started_counts(tmp_path: Path) -> None:
    disk(tmp_path, "vda")
    disk(tmp_path, "vdb")
    with pytest.raises(DiskError, match=r"vda and vdb have version 1\.4\.2, which runs: leave exactly one"):
        Disk.found("1.4.2", tmp_path)
    (tmp_path / "run/vdx-start").mkdir(parents=True)
    (tmp_path / "run/vdx-start/disk").write_text("vdb\n")
    assert Disk.found("1.4.2", tmp_path).name == "vdb"


def test_a_disk_of_somebody_else_is_refused(tmp_path: Path) -> None:
    disk(tmp_path, "vda", ("vdx_1.4.2", "home"))
    with pytest.raises(DiskError, match="disk vda has no partition vdx_esp or vdx_data"):
        Disk.found("1.4.2", tmp_path)
    with pytest.raises(DiskError, match=r"no disk has version 1\.4\.3"):
        Disk.found("1.4.3", tmp_path)


def test_the_version_that_runs_stands_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text("root=/dev/mapper/root vdx.root=vdx_1.4.2 vdx.size=1\n")
    assert running(tmp_path) == "1.4.2"
    (tmp_path / "proc/cmdline").write_text("root=/dev/sda1 quiet\n")
    with pytest.raises(DiskError, match="this is no appliance that started from an image"):
        running(tmp_path)
