"""The running version onto another disk: which disks are offered, what is refused, what is written when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gatewayd.system import installer, machine
from gatewayd.system.errors import DiskError
from gatewayd.system.installer import BOOT_CODE, LEAST, LOADERS, Target
from gatewayd.system.machine import Disk
from gatewayd.system.slots import Slot


def block(system: Path, name: str, octets: int, *, model: str = "", fixed: str = "0") -> None:
    home = system / "sys/class/block" / name
    (home / "device").mkdir(parents=True)
    (home / "size").write_text(f"{octets // 512}\n")
    (home / "ro").write_text(f"{fixed}\n")
    if model:
        (home / "device/model").write_text(f"{model}   \n")


def running(home: Path) -> Disk:
    return Disk("sda", home / "sda", (Slot(home / "sda2", 2, "vdx_1.4.2", 3 << 20),), home / "sda1", home / "sda4")


def test_other_disks_of_the_machine_are_offered(tmp_path: Path) -> None:
    block(tmp_path, "sda", 8 * 10**9)
    block(tmp_path, "nvme0n1", 256 * 10**9, model="QUICK 256")
    block(tmp_path, "sr0", 10**9)
    block(tmp_path, "sdb", 64 * 10**9, fixed="1")
    (tmp_path / "sys/class/block/loop0").mkdir()
    assert [str(each) for each in installer.targets(running(tmp_path), tmp_path)] == ["nvme0n1, 256 GB, QUICK 256"]


def test_a_disk_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="sdb has 1907 MiB: an appliance needs a disk of 4 GB"):
        list(installer.install(running(tmp_path), "1.4.2", Target("sdb", 2 * 10**9, "")))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Disks as files, their boot partitions as directories; commands are only written down."""
    (tmp_path / "sda2").write_bytes(b"root" * (3 << 18))
    (tmp_path / "sda").write_bytes(b"boot code" * 100)
    for name in ("sdb", "sdb2"):
        (tmp_path / name).write_bytes(b"")
    for name in (*LOADERS, "EFI/Linux/vdx_1.4.2.efi", "EFI/Linux/vdx_1.4.1.efi"):
        (tmp_path / "esp" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "esp" / name).write_text(name)
    (tmp_path / "new").mkdir()

    @contextmanager
    def mounted(_: Path, mode: str) -> Iterator[Path]:
        yield tmp_path / ("esp" if mode == "ro" else "new")

    def run(*command: str, given: str | None = None) -> str:
        with (tmp_path / "commands").open("a") as file:
            file.write(" ".join(command) + "\n" + (given or ""))
        return ""

    monkeypatch.setattr(installer, "_mounted", mounted)
    monkeypatch.setattr(installer, "run", run)
    monkeypatch.setattr(installer, "DEVICES", tmp_path)
    return tmp_path


def test_an_installed_disk_has_the_root_and_its_kernel_image(place: Path) -> None:
    said = list(installer.install(running(place), "1.4.2", Target("sdb", LEAST, "")))
    assert (place / "sdb2").read_bytes() == (place / "sda2").read_bytes()
    assert (place / "sdb").read_bytes() == (place / "sda").read_bytes()[:BOOT_CODE]
    assert [path.name for path in (place / "new/EFI/Linux").iterdir()] == ["vdx_1.4.2+3.efi"]
    assert {name for name in LOADERS if (place / "new" / name).exists()} == set(LOADERS)
    commands = (place / "commands").read_text().splitlines()
    assert commands[-1].endswith("--part-label " + f"{place}/sdb 2 vdx_1.4.2")  # only now a kernel image finds its root
    assert said[-1].endswith("then restart")


def test_a_disk_that_was_cut_off_is_not_started(place: Path) -> None:
    steps = installer.install(running(place), "1.4.2", Target("sdb", LEAST, ""))
    for _ in range(3):
        next(steps)
    assert not (place / "new/EFI").exists()
    assert "vdx_1.4.2" not in (place / "commands").read_text()


def test_partitions_have_the_names_that_a_start_looks_for() -> None:
    names = [line.split("name=")[1].split(",")[0] for line in installer.table().splitlines() if "name=" in line]
    assert names == [machine.ESP, "vdx_filling", "vdx_empty", machine.DATA]
