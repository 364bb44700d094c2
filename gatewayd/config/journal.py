"""The journal: one JSON object a line, each with the digest of the line before, only ever appended to.

Three kinds of damage are told apart. What follows the last line end is *torn*: a power cut came while it was written,
nobody was told that it is done, and the next line takes its place. A line that cannot be read, or whose digest does not
fit, is *damage*: the lines around it still count, `verify` names the place, and it stays there for whoever looks into
it. Lines taken off the end leave no trace in the file: so each digest is in the system's log too.
"""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from gatewayd.config.disk import Disk
from gatewayd.config.errors import StorageError
from gatewayd.config.events import FIRST, Entry, Happening
from vdx.journal import fields
from vdx.versions import MAX_WHY

NAME = "journal"
"""The file."""

RECENT = 1_000
"""Lines that are kept in memory, for pages that ask again and again for the newest ones."""

_DECODER = msgspec.json.Decoder(Entry)
_ENCODER = msgspec.json.Encoder(order="sorted")

log = logging.getLogger(__name__)


class Line(NamedTuple):
    """An entry with its digest; `fault` is what is wrong with its place in the chain."""

    entry: Entry
    digest: str
    fault: str = ""


class Draft(NamedTuple):
    """An entry that is to be the next one, and the line as it is written."""

    entry: Entry
    line: bytes


class Journal:
    """The lines so far, and the way to add one. `wall` gives the seconds since 1970; `take` gets each line once."""

    def __init__(self, disk: Disk, wall: Callable[[], float], take: Callable[[Entry], None]) -> None:
        self._disk = disk
        self._wall = wall
        self._take = take
        content = disk.read(NAME) or b""
        self._end = content.rfind(b"\n") + 1
        lines: list[Line] = []
        self.damage = _read(content[: self._end], lines)
        for line in lines:
            take(line.entry)
        self.recent = deque(lines, RECENT)
        self.last = lines[-1].entry.number if lines else 0
        self.head = _head(content[: self._end])
        if torn := len(content) - self._end:
            log.warning("journal.torn bytes=%d: a line that was never finished is left out", torn)
        if self.damage:
            log.error("journal.damaged: %s", self.damage)

    def add(self, what: Happening, who: str, why: str) -> Entry:
        """Append a line and have it on the disk; raises `StorageError`, and then nothing has happened.

        It is these three steps, of which only the second waits for the disk. Nobody may come between them.
        """
        draft = self.draft(what, who, why)
        self.write(draft)
        return self.count(draft)

    def draft(self, what: Happening, who: str, why: str) -> Draft:
        """Give the next line."""
        entry = Entry(self.last + 1, self.head, self._wall(), who, why[:MAX_WHY], what)
        return Draft(entry, _ENCODER.encode(entry) + b"\n")

    def write(self, draft: Draft) -> None:
        """Have a line on the disk; raises `StorageError`. Blocks, and changes nothing here: any thread may do it."""
        self._disk.append(NAME, draft.line, self._end)

    def count(self, draft: Draft) -> Entry:
        """Have a line count that is on the disk."""
        entry, line = draft
        digest = _digest(line[:-1])
        self._end += len(line)
        self.last = entry.number
        self.head = digest
        self.recent.append(Line(entry, digest))
        self._take(entry)
        said = fields(who=entry.who, number=entry.number, digest=digest)
        log.info("%s: %s", entry.what.__struct_config__.tag, entry.why or "no reason given", extra=said)
        return entry

    def after(self, number: int) -> list[Line]:
        """Give the lines after a number, oldest first; older ones than the newest few are read again. Blocks."""
        lines = list(self.recent)
        if lines and lines[0].entry.number > number + 1:
            lines = []
            _read((self._disk.read(NAME) or b"")[: self._end], lines)
        return [line for line in lines if line.entry.number > number]

    def verify(self) -> str:
        """Read the whole file again; return where the chain is broken, "" where it is whole."""
        content = self._disk.read(NAME) or b""
        if len(content) < self._end:
            raise StorageError("the journal is shorter than it was: lines were taken off its end")
        return _read(content[: self._end], [])


def _read(content: bytes, into: list[Line]) -> str:
    """Read whole lines; return the first damage in words."""
    faults = []
    before = FIRST
    for position, raw in enumerate(content.splitlines(), 1):
        try:
            entry = _DECODER.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            faults.append(f"line {position} cannot be read")
        else:
            fault = "" if entry.before == before else f"line {position} does not follow the one before it"
            into.append(Line(entry, _digest(raw), fault))
            faults += [fault] if fault else []
        before = _digest(raw)
    return f"{faults[0]}: the journal was changed by hand, or the disk has failed" if faults else ""


def chain(content: bytes) -> str:
    """Tell where the chain of a whole file is broken, "" where it is not; a torn end does not count."""
    return _read(content[: content.rfind(b"\n") + 1], [])


def _head(content: bytes) -> str:
    lines = content.splitlines()
    return _digest(lines[-1]) if lines else FIRST


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
