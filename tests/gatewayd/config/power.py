"""A file system that loses power: what was not synced is gone, half there or there; what was renamed may be undone.

It stands in for the calls that `gatewayd.config.disk` makes, and counts them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest

from gatewayd.config import disk

Fate = Literal["lost", "half", "kept"]
FATES: tuple[Fate, ...] = ("lost", "half", "kept")
"""What becomes of what was written and not synced."""


class PowerCut(BaseException):
    """The power is gone: nothing that runs may catch this and go on."""


@dataclass
class File:
    """What is on the platter, and what the kernel would show."""

    synced: bytes = b""
    seen: bytes = b""


@dataclass
class Power:
    """Steps are counted; at step `cut_at` the power goes, at `full_at` and after the disk is full."""

    root: Path
    cut_at: int = -1
    full_at: int = -1
    code: int = errno.ENOSPC
    steps: int = 0
    files: dict[int, tuple[Path, File]] = field(default_factory=dict)
    known: dict[Path, File] = field(default_factory=dict)
    renames: dict[Path, bytes | None] = field(default_factory=dict)
    made: set[Path] = field(default_factory=set)

    def step(self, *, writes: bool = True) -> None:
        """Count a step, and go or be full there."""
        self.steps += 1
        if self.steps == self.cut_at:
            raise PowerCut
        if writes and 0 <= self.full_at <= self.steps:
            raise OSError(self.code, os.strerror(self.code))

    # The calls

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        """Open a file or a folder."""
        if not flags & os.O_WRONLY:
            number = os.open(path, flags)
            self.files[number] = (Path(path), File())
            return number
        self.step()
        begins = not Path(path).exists()
        number = os.open(path, flags, mode)
        there = self.known.setdefault(Path(path), File(*(2 * (b"" if begins else Path(path).read_bytes(),))))
        there.seen = Path(path).read_bytes()
        if begins:
            self.made.add(Path(path))
        self.files[number] = (Path(path), there)
        return number

    def pwrite(self, number: int, content: memoryview, at: int) -> int:
        """Write at most a few bytes: callers have to go on."""
        self.step()
        part = bytes(content[:4096])
        done = os.pwrite(number, part, at)
        path, file = self.files[number]
        file.seen = path.read_bytes()
        return done

    def ftruncate(self, number: int, length: int) -> None:
        """Cut a file off, which works on a full disk."""
        self.step(writes=False)
        os.ftruncate(number, length)
        path, file = self.files[number]
        file.seen = path.read_bytes()

    def fsync(self, number: int) -> None:
        """Have a file or a folder on the platter."""
        self.step()
        path, file = self.files[number]
        if path.is_dir():
            self.renames = {new: old for new, old in self.renames.items() if new.parent != path}
            self.made = {each for each in self.made if each.parent != path}
        else:
            file.synced = file.seen

    def close(self, number: int) -> None:
        """Close."""
        self.files.pop(number)
        os.close(number)

    def replace(self, old: Path, new: Path) -> None:
        """Rename; the old content comes back unless the folder is synced."""
        self.step()
        self.renames.setdefault(new, new.read_bytes() if new.exists() else None)
        old.rename(new)
        self.known[new] = self.known.pop(old)
        self.made.discard(old)

    # The cut

    def settle(self, fate: Fate) -> None:
        """Leave in the directory what a machine finds that starts after the cut."""
        for number in list(self.files):
            self.close(number)
        for path, file in self.known.items():
            if fate == "kept" or not path.exists():
                continue
            if fate == "lost" and (path in self.made or path in self.renames):
                before = self.renames.get(path)
                path.unlink() if before is None else path.write_bytes(before)
            elif file.seen != file.synced:
                common = next(
                    (i for i, pair in enumerate(zip(file.synced, file.seen, strict=False)) if pair[0] != pair[1]), None
                )
                start = min(len(file.synced), len(file.seen)) if common is None else common
                some = (len(file.seen) - start) // 2 if fate == "half" else 0
                path.write_bytes(file.seen[: start + some] if some else file.synced)


@contextmanager
def power(
    monkeypatch: pytest.MonkeyPatch, root: Path, *, cut_at: int = -1, full_at: int = -1, code: int = errno.ENOSPC
) -> Iterator[Power]:
    """Have the disk module use a file system that may lose power."""
    made = Power(root, cut_at, full_at, code)
    names = ("open", "pwrite", "ftruncate", "fsync", "close")
    calls = {name: getattr(os, name) for name in dir(os) if name.startswith("O_") or name == "fstat"}
    with monkeypatch.context() as patch:
        patch.setattr(disk, "os", SimpleNamespace(**calls, **{name: getattr(made, name) for name in names}))
        patch.setattr(Path, "replace", lambda self, new: made.replace(self, Path(new)))
        yield made
