"""A site while it is put together: plain data with the file and line of everything. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vdx.site.source import Lines, Path_

BLOCKS: tuple[tuple[str, ...], ...] = (
    ("peers",),
    ("rooms",),
    ("policy", "networks"),
    ("policy", "services"),
    ("agreements", "services"),
    ("agreements", "clients"),
    ("agreements", "agreements"),
)
"""Blocks of names that fragments add to."""

LISTS: tuple[tuple[str, ...], ...] = (("domains",), ("dialplan",), ("policy", "rules"), ("policy", "tests"))
"""Lists that fragments, or cuts, add to."""

LISTED = (("policy", "networks"), ("agreements", "services"), ("agreements", "clients"))
"""Blocks whose entries name lists of prefixes."""


@dataclass(frozen=True, slots=True)
class Source:
    """A fragment as it was pushed: whose it is, how messages call it, its text and lists, its ref."""

    name: str
    file: str
    text: bytes
    lists: Mapping[str, bytes] = field(default_factory=dict)
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a list, with the lines of what is in it and the file it came from ("": the base)."""

    value: Any
    lines: Lines
    file: str = ""


@dataclass(slots=True)
class Whole:
    """A site on its way: blocks as data with lines and files by path, entries of lists on their own."""

    data: dict[str, Any]
    lines: Lines
    files: dict[Path_, str] = field(default_factory=dict)
    items: dict[tuple[str, ...], list[Item]] = field(default_factory=dict)
    lists: dict[str, bytes] = field(default_factory=dict)

    def block(self, *path: str) -> dict[str, Any]:
        """Give a block of names to write to; one that is no block is left to the models to complain about."""
        here = self.data
        for part in path:
            inner = here.get(part)
            if inner is None:
                inner = here[part] = {}
            if not isinstance(inner, dict):
                return {}
            here = inner
        return here

    def put(self, path: Path_, value: Any, lines: Lines, file: str) -> None:  # noqa: ANN401 - what YAML holds
        """Add a named entry with its lines."""
        self.block(*map(str, path[:-1]))[str(path[-1])] = value
        self.lines.update({(*path, *inner): line for inner, line in lines.items()})
        self.files[path] = file


def at(data: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - what YAML holds
    """Give what stands at a path, None where nothing does."""
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data
