"""Updates on a disk of files; the order of what is written is what a power cut meets."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gatewayd.system import slots, update
from gatewayd.system.errors import DiskError, ReleaseError
from gatewayd.system.machine import Boot
from gatewayd.system.release import Release, keys
from gatewayd.system.slots import Slot, entry, named, order
from tests.gatewayd.system import releases
from tests.gatewayd.system.releases import KERNEL, KEY, ROOT, manifest, pem


class PowerCut(Exception):  # noqa: N818 - what it is
    """The power goes after so many steps."""


class PaperDisk:
    """Slots and boot partition as files; `left` steps until the power goes."""

    def __init__(self, home: Path, left: int = 10**6) -> None:
        self.home, self.left = home, left
        (home / "boot").mkdir(exist_ok=True)
        for number in (2, 3):
            if not (home / f"slot{number}").exists():
                (home / f"slot{number}").write_bytes(bytes(len(ROOT)))
                (home / f"label{number}").write_text("vdx_1.0.0" if number == 2 else slots.EMPTY)
        if not any((home / "boot").iterdir()):
            (home / "boot" / named("1.0.0")).write_bytes(b"old")

    @property
    def slots(self) -> tuple[Slot, ...]:
        rows = [(number, (self.home / f"label{number}").read_text()) for number in (2, 3)]
        return tuple(Slot(self.home / f"slot{number}", number, label, len(ROOT)) for number, label in rows)

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PowerCut

    def label(self, slot: Slot, label: str) -> None:
        self.step()
        (self.home / f"label{slot.number}").write_text(label)

    @contextmanager
    def boot(self) -> Iterator[Boot]:
        yield PaperBoot(self)

    def would_start(self) -> tuple[str, bytes]:
        """Give version and root that the machine would start with, as systemd-boot and the initial RAM disk choose."""
        found = [each for path in (self.home / "boot").iterdir() if (each := entry(path.name))]
        chosen = max(found, key=lambda each: (each.good, order(each.version)))
        device = next(slot.device for slot in self.slots if slot.label == "vdx_" + chosen.version)
        return chosen.version, device.read_bytes()


class PaperBoot(Boot):
    def __init__(self, disk: PaperDisk) -> None:
        super().__init__(disk.home / "boot")
        self._disk = disk

    def sync(self) -> None:
        self._disk.step()


def install(disk: PaperDisk, content: bytes) -> list[str]:
    release = Release(io.BytesIO(content), keys(pem(KEY)))
    update.check(release, "1.0.0", "metal")
    return list(update.install(release, disk, "1.0.0"))  # type: ignore[arg-type]


def test_a_new_version_starts_next_and_the_old_one_is_kept(tmp_path: Path) -> None:
    disk = PaperDisk(tmp_path)
    said = install(disk, releases.update())
    assert disk.would_start() == ("1.1.0", ROOT)
    assert sorted(path.name for path in (tmp_path / "boot").iterdir()) == ["vdx_1.0.0.efi", "vdx_1.1.0+2.efi"]
    assert (tmp_path / "boot/vdx_1.1.0+2.efi").read_bytes() == KERNEL
    assert said[-1].startswith("version 1.1.0 starts with the next boot")


@pytest.mark.parametrize("steps", range(4))
def test_the_power_may_go_at_any_step(tmp_path: Path, steps: int) -> None:
    install(PaperDisk(tmp_path), releases.update(manifest("1.0.5")))
    with pytest.raises(PowerCut):
        install(PaperDisk(tmp_path, steps), releases.update())
    if (tmp_path / "boot/vdx_1.1.0+2.efi").exists():  # everything before it was done
        assert PaperDisk(tmp_path).would_start() == ("1.1.0", ROOT)
    elif not (tmp_path / "boot/vdx_1.0.5+2.efi").exists():
        assert PaperDisk(tmp_path).would_start()[0] == "1.0.0"
    install(PaperDisk(tmp_path), releases.update())
    assert PaperDisk(tmp_path).would_start() == ("1.1.0", ROOT)


def test_what_arrives_broken_is_never_started(tmp_path: Path) -> None:
    disk = PaperDisk(tmp_path)
    with pytest.raises(ReleaseError, match="not what was signed"):
        install(disk, releases.update(root=ROOT[:-1] + b"!"))
    assert disk.would_start()[0] == "1.0.0"
    assert [slot.label for slot in disk.slots] == ["vdx_1.0.0", slots.FILLING]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (manifest("1.0.0"), "runs already"),
        (manifest("0.9.9"), "older than 1.0.0"),
        (manifest(flavour="cloud"), "for cloud machines"),
    ],
)
def test_what_is_not_for_this_machine_is_refused(tmp_path: Path, told: dict[str, object], reason: str) -> None:
    with pytest.raises(ReleaseError, match=reason):
        install(PaperDisk(tmp_path), releases.update(told))


def test_a_disk_that_forgets_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update, "_digest", lambda *_: "0" * 64)
    with pytest.raises(DiskError, match="does not hold what was written to it"):
        install(PaperDisk(tmp_path), releases.update())
    assert PaperDisk(tmp_path).would_start()[0] == "1.0.0"


def test_rollback_goes_back_and_forth(tmp_path: Path) -> None:
    disk = PaperDisk(tmp_path)
    install(disk, releases.update())
    boot = PaperBoot(disk)
    boot.rename(next(each for each in boot.entries() if each.version == "1.1.0"), named("1.1.0"))
    assert update.rollback(disk, boot, "1.1.0") == "1.0.0"  # type: ignore[arg-type]
    assert disk.would_start()[0] == "1.0.0"
    assert update.rollback(disk, boot, "1.0.0") == "1.1.0"  # type: ignore[arg-type]
    assert disk.would_start()[0] == "1.1.0"


def test_without_another_version_there_is_no_way_back(tmp_path: Path) -> None:
    disk = PaperDisk(tmp_path)
    with pytest.raises(DiskError, match="no other version"):
        update.rollback(disk, PaperBoot(disk), "1.0.0")  # type: ignore[arg-type]


def test_names_tell_tries() -> None:
    assert entry("vdx_1.4.2+2-1.efi") == slots.Entry("vdx_1.4.2+2-1.efi", "1.4.2", 2, 1)
    assert entry("vdx_1.4.2.efi") == slots.Entry("vdx_1.4.2.efi", "1.4.2")
    assert entry("vdx_2.0.0~rc1+0-3.efi") == slots.Entry("vdx_2.0.0~rc1+0-3.efi", "2.0.0~rc1", 0, 3)
    assert entry("BOOTX64.EFI") is None
    assert entry("next.part") is None
