"""The last known state of a bucket on disk, so that a program can start while the bus is away.

One file a bucket, replaced whole: after a power cut there is the old one or the new one. Its time of change says when
the state was last known to be the server's. Only its owner may read it: it holds digests of PINs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from vdx.bus.errors import BadRecord
from vdx.bus.limits import MAX_BUCKET
from vdx.bus.replica import Entry


class _File(msgspec.Struct):
    bucket: str
    entries: list[tuple[str, int, float | None, msgspec.Raw]]
    """[key, revision, lease, record as it came]"""


class Snapshot:
    """The file of one bucket."""

    def __init__(self, folder: Path, bucket: str) -> None:
        self.path = folder / f"{bucket}.json"
        self._bucket = bucket

    def load(self) -> tuple[list[Entry], float] | None:
        """Give the entries and the wall clock time they were last known at; None where there is no file.

        Raises `BadRecord` for a file that cannot be read: it is of no use, the next write replaces it.
        """
        try:
            with self.path.open("rb") as file:
                data = file.read(MAX_BUCKET)
                known = os.fstat(file.fileno()).st_mtime
            read = msgspec.json.decode(data, type=_File)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadRecord(f"{self.path} cannot be read ({error}): started without it") from error
        if read.bucket != self._bucket:
            raise BadRecord(f"{self.path} is of bucket {read.bucket!r}: started without it")
        return [Entry(key, bytes(value), revision, lease) for key, revision, lease, value in read.entries], known

    def save(self, entries: Iterable[Entry]) -> None:
        """Replace the file; raises OSError."""
        rows = [(each.key, each.revision, each.lease, msgspec.Raw(each.value or b"null")) for each in entries]
        data = msgspec.json.encode(_File(self._bucket, rows))
        part = self.path.with_suffix(".part")
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def touch(self, now: float) -> None:
        """Note that what the file says held at `now`, wall clock; raises OSError."""
        os.utime(self.path, (now, now))
