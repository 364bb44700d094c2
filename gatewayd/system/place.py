"""Put files where they belong so that after a power cut either the old or the new is there."""

from __future__ import annotations

import os
from pathlib import Path


def put(path: Path, content: bytes, mode: int = 0o644, group: int = 0) -> None:
    """Write a file whole: its new content is on the disk before it has the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if group:
            os.fchown(file.fileno(), -1, group)
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    part.rename(path)
    settle(path.parent)


def settle(directory: Path) -> None:
    """Have the names in a directory on the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
