"""The site file that `gatewayd` was started with, and the copy of what is active that other programs read."""

from __future__ import annotations

from pathlib import Path

import yaml

from gatewayd.config.disk import Directory
from gatewayd.config.merge import Merged, named_lists
from gatewayd.config.store import Keeping
from gatewayd.config.whole import Source
from vdx.site.policy import MAX_LIST_BYTES
from vdx.site.source import MAX_BYTES, Fault, SiteError
from vdx.versions import BASE


class Seen:
    """The site file at a path, with its lists beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """What messages call the base."""
        return self._path.name

    def keep(self, store: Keeping) -> str:
        """Put the file as it is now among the contents and return its ref; raises `SiteError`, `StorageError`."""
        text = _bounded(self._path, MAX_BYTES)
        source = Source(BASE, self.name, text)
        left = MAX_LIST_BYTES
        lists: dict[str, bytes] = {}
        for name in named_lists(source):
            path = self._path.parent / name
            if "/" in name or not path.is_file():  # putting the site together says what is missing, and where
                continue
            lists[name] = _bounded(path, left)
            left -= len(lists[name])
        return store.put(BASE, text, lists)


def _bounded(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise SiteError(str(path), [Fault(0, "", f"cannot be read: {error.strerror}")]) from error
    if len(content) > most:
        raise SiteError(str(path), [Fault(1, "", f"larger than {most >> 20} MiB: is this the right file?")])
    return content


ACTIVE_MODE = 0o644
"""Of the copy: `certd` and people read it as they read a site file, and no secret stands in one."""


class ActiveFile:
    """The copy of what is active, `active.yaml` in a directory with the lists that it names."""

    NAME = "active.yaml"

    def __init__(self, directory: Path) -> None:
        self._disk = Directory(directory, ACTIVE_MODE)

    def __call__(self, merged: Merged, base: Source) -> None:
        """Write it: the very text where the base is alone, else everything as one file; raises `StorageError`."""
        loaded = merged.loaded
        for name, content in loaded.lists.items():
            if self._disk.read(name) != content:
                self._disk.write(name, content)
        text = base.text if merged.alone else yaml.dump(merged.data, Dumper=_dumper(), sort_keys=False).encode()
        if self._disk.read(self.NAME) != text:  # who waits for a change is not woken for none
            self._disk.write(self.NAME, text)


def _dumper() -> type[yaml.SafeDumper]:
    """Give libyaml's dumper, ten times as quick, where it is there."""
    return getattr(yaml, "CSafeDumper", yaml.SafeDumper)
