"""The few things that versions do with a disk, each either done and durable or not done.

A test stands in for this with a disk that loses power between any two of its steps.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from gatewayd.config.errors import StorageError

MODE = 0o600
"""Versions name people and why they did what: only their owner reads them."""

WHAT_TO_DO = "what ran before runs on; make room or repair the disk, and try again"


class Disk(Protocol):
    """One directory and its folders; names are relative to it. Raises `StorageError`."""

    def read(self, name: str) -> bytes | None:
        """Give the content of a file, None where there is none."""

    def names(self, folder: str) -> list[str]:
        """Give the names of the files in a folder."""

    def write(self, name: str, content: bytes) -> None:
        """Put a whole file in place: after a power cut it is there with all of its content, or not at all."""

    def append(self, name: str, content: bytes, at: int) -> None:
        """Write content at an offset, the end of what counts, and have it on the disk; what failed is cut off again."""

    def remove(self, name: str) -> None:
        """Remove a file; that it is gone need not last."""


class Directory:
    """A `Disk` in a directory of this machine, which is made where it is missing."""

    def __init__(self, root: Path, mode: int = MODE) -> None:
        self._root = root
        self._mode = mode

    def read(self, name: str) -> bytes | None:
        """Give the content of a file, None where there is none."""
        with _told(self._root / name, "read"):
            try:
                return (self._root / name).read_bytes()
            except FileNotFoundError:
                return None

    def names(self, folder: str) -> list[str]:
        """Give the names of the files in a folder."""
        with _told(self._root / folder, "read"):
            try:
                return sorted(each.name for each in (self._root / folder).iterdir())
            except FileNotFoundError:
                return []

    def write(self, name: str, content: bytes) -> None:
        """Write beside, sync, rename, sync the folder."""
        path = self._root / name
        with _told(path, "written"):
            self._make(path.parent)
            part = path.with_name(f".{path.name}.part")
            try:
                file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, self._mode)
                try:
                    _all(file, content, 0)
                    os.fsync(file)
                finally:
                    os.close(file)
                part.replace(path)
            except OSError:
                with suppress(OSError):
                    part.unlink()
                raise
            _sync(path.parent)

    def append(self, name: str, content: bytes, at: int) -> None:
        """Cut off what stands after `at`, which never counted, write, sync."""
        path = self._root / name
        with _told(path, "written"):
            self._make(path.parent)
            begins = not path.exists()
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, self._mode)
            try:
                if os.fstat(file).st_size != at:
                    os.ftruncate(file, at)
                try:
                    _all(file, content, at)
                    os.fsync(file)
                except OSError:
                    with suppress(OSError):
                        os.ftruncate(file, at)
                    raise
            finally:
                os.close(file)
            if begins:
                _sync(path.parent)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with _told(self._root / name, "removed"):
            (self._root / name).unlink(missing_ok=True)

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync(folder.parent)


def _all(file: int, content: bytes, at: int) -> None:
    left = memoryview(content)
    while left:
        done = os.pwrite(file, left, at)
        left, at = left[done:], at + done


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def _told(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path} cannot be {done}: {error.strerror}; {WHAT_TO_DO}") from error
