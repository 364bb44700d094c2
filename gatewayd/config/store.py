"""Contents under their digests: texts, lists, the table of a fragment (its text and lists), the table of a version.

A content is whole before anything names it, and two equal ones are one file. What is read is compared with its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

import msgspec

from gatewayd.config.disk import Disk
from gatewayd.config.errors import StorageError
from gatewayd.config.whole import Source
from vdx.pinhole import Part

FOLDER = "contents"

T = TypeVar("T")


class FragmentTable(Part, frozen=True):
    """Whose fragment it is, and the digests of its text and of its lists by file name."""

    fragment: str
    text: str
    lists: dict[str, str] = msgspec.field(default_factory=dict)


class WholeTable(Part, frozen=True):
    """The fragments of a version, by their refs."""

    fragments: dict[str, str]


class Keeping(Protocol):
    """Where the text and lists of a fragment are put."""

    def put(self, fragment: str, text: bytes, lists: Mapping[str, bytes]) -> str:
        """Keep a fragment and return its ref; raises `StorageError`."""


class Loose:
    """A fragment in memory, on its way to be pushed."""

    def __init__(self) -> None:
        self.text = b""
        self.lists: dict[str, bytes] = {}

    def put(self, fragment: str, text: bytes, lists: Mapping[str, bytes]) -> str:
        """Keep a fragment; it has no ref yet."""
        del fragment  # whoever pushes says whose it is
        self.text, self.lists = text, dict(lists)
        return ""


class Store:
    """The contents on a disk."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def put(self, fragment: str, text: bytes, lists: Mapping[str, bytes]) -> str:
        """Keep a fragment and return its ref; raises `StorageError`."""
        table = FragmentTable(
            fragment, self._keep(text), {name: self._keep(content) for name, content in sorted(lists.items())}
        )
        return self._keep(msgspec.json.encode(table, order="sorted"))

    def put_whole(self, fragments: Mapping[str, str]) -> str:
        """Keep which fragments are a version, and return its ref; raises `StorageError`."""
        return self._keep(msgspec.json.encode(WholeTable(dict(fragments)), order="sorted"))

    def fragment(self, ref: str, name: str, file: str) -> Source:
        """Give a fragment, to be called `name` and shown as `file`; raises `StorageError`."""
        table = self._table(ref, FragmentTable)
        lists = {each: self._read(digest) for each, digest in table.lists.items()}
        return Source(name, file, self._read(table.text), lists, ref)

    def whole(self, ref: str) -> dict[str, str]:
        """Give the fragments of a version; raises `StorageError`."""
        return self._table(ref, WholeTable).fragments

    def sweep(self, wholes: Iterable[str], fragments: Iterable[str]) -> int:
        """Remove what nothing names that is still needed; return how many contents went. Raises `StorageError`."""
        needed = set(wholes)
        refs = set(fragments)
        for whole in wholes:
            refs.update(self.whole(whole).values())
        for ref in refs:
            table = self._table(ref, FragmentTable)
            needed.update((ref, table.text, *table.lists.values()))
        gone = [name for name in self._disk.names(FOLDER) if name not in needed]
        for name in gone:
            self._disk.remove(f"{FOLDER}/{name}")
        return len(gone)

    def _keep(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        name = f"{FOLDER}/{digest}"
        if self._disk.read(name) != content:
            self._disk.write(name, content)
        return digest

    def _table(self, ref: str, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(self._read(ref), type=kind)
        except msgspec.MsgspecError as error:
            raise StorageError(f"content {ref[:12]} is not what it should be: {error}") from error

    def _read(self, digest: str) -> bytes:
        content = self._disk.read(f"{FOLDER}/{digest}")
        if content is None:
            raise StorageError(f"content {digest[:12]} is not kept any more")
        if hashlib.sha256(content).hexdigest() != digest:
            raise StorageError(f"content {digest[:12]} has changed on the disk: push it again")
        return content
