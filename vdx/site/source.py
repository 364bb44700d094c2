"""Read a site file: YAML that remembers its lines, then the models, then messages a person can act on."""

from __future__ import annotations

import difflib
import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn, TypeVar, get_args

import pydantic
import yaml

from vdx.errors import VdxError
from vdx.site import nodes
from vdx.site.block import LocatedError, Model
from vdx.site.model import Site
from vdx.site.nodes import MAX_DEPTH, Node, NodeError
from vdx.site.policy import MAX_LIST_BYTES, list_files
from vdx.site.values import WORD

MAX_BYTES = 16 * 1024 * 1024
"""Bytes of a site file: a hundred thousand prefixes take about 3 MB."""

MAX_NODES = 2_000_000
"""Values after aliases are followed: what explodes past this is refused before it fills the memory."""

AnyModel = TypeVar("AnyModel", bound=Model)
Path_ = tuple[str | int, ...]
Lines = dict[Path_, int]


class Fault(NamedTuple):
    """One thing that is wrong in a site file."""

    line: int
    where: str
    what: str
    file: str = ""
    """Where it is another file than the one that was read."""


class SiteError(VdxError):
    """A site file cannot be used: every fault with file, line and the way out."""

    def __init__(self, name: str, faults: list[Fault]) -> None:
        self.name = name
        self.faults = sorted(faults)
        super().__init__("\n".join(self._sentences()))

    def _sentences(self) -> Iterator[str]:
        for line, where, what, file in self.faults:
            name = file or self.name
            place = f"{name}:{line}" if line else name  # a file that cannot be read has no lines
            yield f"{place}: {where + ': ' if where else ''}{what}"


class LoadedSite(NamedTuple):
    """A site with its source: the line of every value, and a version that changes with the content.

    `lists` are the lists of prefixes that it names, as they were read. `files` names the files of what came from
    another one than `name`.
    """

    site: Site
    lines: Lines
    version: str
    name: str
    lists: Mapping[str, bytes] = MappingProxyType({})
    files: Mapping[Path_, str] = MappingProxyType({})

    def origin(self, *path: str | int) -> str:
        """Name file and line of a value, for comments in rules and messages."""
        return f"{file_of(self.files, path) or self.name}:{line_of(self.lines, path)}"


class Text(NamedTuple):
    """YAML as plain data, with the line of every value."""

    data: Any
    lines: Lines


def load(path: Path) -> LoadedSite:
    """Read the site file at `path`; raises `SiteError`."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SiteError(
                str(path), [Fault(1, "", f"file is larger than {MAX_BYTES >> 20} MiB: is this a site file?")]
            )
        with path.open("rb") as file:
            text = file.read(
                MAX_BYTES + 1
            )  # a pipe or a file that grows has no size; `parse` tells of one byte too many
    except OSError as error:
        raise SiteError(str(path), [Fault(0, "", f"cannot be read: {error.strerror}")]) from error
    return _with_lists(parse(text, path.name), path.parent)


def _with_lists(loaded: LoadedSite, directory: Path) -> LoadedSite:
    """Read the lists of prefixes that a site names; they count for its version."""
    lists: dict[str, bytes] = {}
    faults: list[Fault] = []
    digest = hashlib.sha256(loaded.version.encode())
    left = MAX_LIST_BYTES
    for name, where in list_files(loaded.site.policy, loaded.site.agreements):
        if name in lists:
            continue
        shown = ".".join(map(str, where))
        try:
            if not (directory / name).is_file():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))  # nor a pipe that never ends
            with (directory / name).open("rb") as file:
                lists[name] = file.read(left + 1)
        except OSError as error:
            faults.append(Fault(line_of(loaded.lines, where), shown, f"{name} cannot be read: {error.strerror}"))
            continue
        left -= len(lists[name])
        if left < 0:
            text = f"with {name}, the lists are larger than {MAX_LIST_BYTES >> 20} MiB: is this a list of prefixes?"
            faults.append(Fault(line_of(loaded.lines, where), shown, text))
            break
        digest.update(name.encode() + b"\0" + hashlib.sha256(lists[name]).digest())
    if faults:
        raise SiteError(loaded.name, faults)
    return loaded._replace(lists=lists, version=digest.hexdigest()[:12]) if lists else loaded


def parse(text: bytes, name: str = "site.yaml") -> LoadedSite:
    """Read a site from YAML text; raises `SiteError` with every fault found."""
    found = read(text, name)
    return LoadedSite(validated(Site, found, name), found.lines, hashlib.sha256(text).hexdigest()[:12], name)


def read(text: bytes, name: str) -> Text:
    """Read YAML text as plain data; raises `SiteError`."""
    if len(text) > MAX_BYTES:
        raise SiteError(name, [Fault(1, "", f"longer than {MAX_BYTES >> 20} MiB: is this a site file?")])
    lines: Lines = {}
    try:
        node = nodes.read(text)
        return Text(_Builder(name, lines).build(node) if node else {}, lines)
    except NodeError as error:
        raise SiteError(name, [Fault(error.line, "", error.what)]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SiteError(name, [Fault(mark.line + 1 if mark else 1, "", f"not YAML: {error.problem}")]) from error
    except yaml.YAMLError as error:
        raise SiteError(name, [Fault(1, "", f"not YAML: {error}")]) from error


def validated(
    model: type[AnyModel], text: Text, name: str, files: Mapping[Path_, str] = MappingProxyType({})
) -> AnyModel:
    """Make a model of what was read; raises `SiteError`. `files` are as in `LoadedSite`."""
    try:
        return model.model_validate(text.data)
    except pydantic.ValidationError as error:
        details = error.errors(include_url=False)
        raise SiteError(name, [_fault(model, detail, text.lines, files) for detail in details]) from None


class _Builder:
    """Build plain data from nodes and note where each value stands."""

    def __init__(self, name: str, lines: Lines) -> None:
        self._name = name
        self._lines = lines
        self._left = MAX_NODES

    def build(self, node: Node, path: Path_ = ()) -> Any:  # noqa: ANN401 - what YAML holds, before the models
        self._lines.setdefault(path, node.line)
        self._left -= 1
        if self._left < 0:
            self._fail(node.line, f"aliases expand to more than {MAX_NODES:,} values: write out what they stand for")
        if len(path) > MAX_DEPTH:
            self._fail(node.line, f"nested deeper than {MAX_DEPTH} levels: no key of a site file needs as many")
        if node.items is None:
            return node.value
        if node.keys is None:
            return [self.build(item, (*path, index)) for index, item in enumerate(node.items)]
        result: dict[str, Any] = {}
        for key, item in zip(node.keys, node.items, strict=True):
            self._enter(result, path, key, item)
        return result

    def _enter(self, result: dict[str, Any], path: Path_, key: Node, item: Node) -> None:
        if key.items is not None:
            self._fail(key.line, "a key must be a plain word")
        name = key.text
        if name in result:
            self._fail(key.line, f"{name!r} stands here and on line {self._lines[*path, name]}: remove one")
        self._lines[*path, name] = key.line
        result[name] = self.build(item, (*path, name))

    def _fail(self, line: int, what: str) -> NoReturn:
        raise SiteError(self._name, [Fault(line, "", what)])


def line_of(lines: Lines, path: Path_) -> int:
    """Give the line of a value, or of what it stands in."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def file_of(files: Mapping[Path_, str], path: Path_) -> str:
    """Give the file that a value came from, "" for the one that was read first."""
    while path and path not in files:
        path = path[:-1]
    return files.get(path, "")


def _fault(model: type[Model], detail: Any, lines: Lines, files: Mapping[Path_, str]) -> Fault:  # noqa: ANN401 - pydantic's
    path: Path_ = tuple(detail["loc"])
    context = detail.get("ctx") or {}
    located = context.get("error")
    if isinstance(located, LocatedError):
        path = (*path, *located.path)
    what = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        what = f"unknown key{_suggestion(model, path)}"
    elif detail["type"] == "missing":
        what = "is required"
    elif detail["type"] == "model_type":
        what = "must be a block of keys and values"
    elif path[-1:] == ("[key]",) and context.get("pattern") == WORD:
        path = path[:-1]
        what = "is no name here: write small letters a-z, digits, and . _ - after the first, no more than 64"
    # union and key markers of pydantic are no place in the file
    shown = [part for index, part in enumerate(path) if path[: index + 1] in lines or index == len(path) - 1]
    return Fault(line_of(lines, path), ".".join(str(part) for part in shown), what, file_of(files, path))


def _suggestion(model: type[Model], path: Path_) -> str:
    known = _known_keys(model, path[:-1])
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(sorted(known))}"


def _known_keys(model: type[Model], path: Path_) -> list[str]:
    """Walk the models along a path of the file to the keys that may stand at its end."""
    here = model
    for part in path:
        if part in here.model_fields:
            models = list(_models(here.model_fields[str(part)].annotation))
            here = models[0] if models else here
    return list(here.model_fields)


def _models(annotation: object) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
