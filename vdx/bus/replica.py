"""A bucket in memory, kept as the server has it; no I/O, and the time is handed in.

Theory of operation. The server tells every change it has stored, with its revision: a number that grows by one with
each change of the bucket. What was missed is asked for by a *walk*: all that the bucket holds from a revision on.

    restore     from disk, when the program starts: old, but better than nothing
    begin       a connection is new: the server is walked from the start, beside the state that calls still use
    apply       a change, told or walked; of one key the highest revision counts, in whatever order they come
    finish      the walk is over: what changed since the last connection comes out, deletions included
    gap         a revision is missing between those that were told: walk from there (`caught_up` closes it)
    expire      a lease ran out and the server has not said so; only while connected, as absence says nothing without

A record that cannot be read is left out, and said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Literal

from vdx.bus.errors import BadRecord
from vdx.bus.kinds import Record, decode
from vdx.bus.limits import GRACE_SECONDS

Why = Literal["deleted", "expired", "unreadable"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored change: `value` None: the key is gone, `expired` says why; `lease` in seconds, None without end."""

    key: str
    value: bytes | None
    revision: int
    lease: float | None = None
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Put(Generic[Record]):
    """A record is new or has changed."""

    key: str
    record: Record
    revision: int


@dataclass(frozen=True, slots=True)
class Gone(Generic[Record]):
    """A record is no more; `record` is what it was."""

    key: str
    record: Record
    why: Why


@dataclass(frozen=True, slots=True)
class Synced:
    """The state is as the server has it: after every connection, when all is compared."""

    records: int


Change = Put[Record] | Gone[Record] | Synced


@dataclass(slots=True)
class _Held(Generic[Record]):
    entry: Entry
    record: Record
    heard: float


class Replica(Generic[Record]):
    """The records of one bucket; `records` is a plain dict, always there to be read."""

    def __init__(self, record: type[Record], complain: Callable[[str, BadRecord], None]) -> None:
        self.records: dict[str, Record] = {}
        self.seen = 0
        """Everything up to this revision is known."""
        self._record = record
        self._complain = complain
        self._held: dict[str, _Held[Record]] = {}
        self._fresh: dict[str, Entry] | None = None
        self._newest: dict[str, int] = {}
        self._highest = 0

    def restore(self, entries: Iterable[Entry]) -> None:
        """Take the state from disk; the first walk compares it."""
        for _ in self._put_all(entries, 0.0):
            pass

    def begin(self) -> None:
        """Start over with a server: nothing of it is known yet, and the state stays as it is."""
        self._fresh, self._newest = {}, {}
        self.seen = self._highest = 0

    def apply(self, entry: Entry, now: float, *, walked: bool) -> list[Change[Record]]:
        """Take one change; gives what it means to those who watch: nothing while the first walk goes on."""
        self._highest = max(self._highest, entry.revision)
        if self._fresh is None and not walked and entry.revision == self.seen + 1:
            self.seen = entry.revision
        if entry.revision <= self._newest.get(entry.key, 0):
            return []
        self._newest[entry.key] = entry.revision
        if self._fresh is not None:
            self._fresh[entry.key] = entry
            return []
        return list(self._take(entry, now))

    def doubtful(self, entry: Entry) -> bool:
        """Tell whether a told change should be known already: a walk overtook it, or the bucket was made anew."""
        return self._fresh is None and entry.revision <= self.seen

    def finish(self, walked_to: int, now: float) -> list[Change[Record]]:
        """End the first walk, which came to revision `walked_to`: give all that differs from before."""
        fresh, self._fresh = self._fresh or {}, None
        changes: list[Change[Record]] = []
        for key in [key for key in self._held if key not in fresh]:
            changes += self._drop(key, "deleted")
        changes += self._put_all(fresh.values(), now)
        self.caught_up(walked_to)
        return [*changes, Synced(len(self.records))]

    @property
    def gap(self) -> bool:
        """Whether a change was told that does not follow on what is known."""
        return self._fresh is None and self._highest > self.seen

    def caught_up(self, walked_to: int) -> None:
        """End a walk that started behind what is known: everything up to `walked_to` is known now."""
        self.seen = max(self.seen, walked_to)
        self._highest = max(self._highest, self.seen)
        self._newest = {key: held.entry.revision for key, held in self._held.items()}

    def expire(self, now: float) -> list[Change[Record]]:
        """Let go of what nobody renewed."""
        changes: list[Change[Record]] = []
        for key in [key for key, held in self._held.items() if _ends(held) <= now]:
            changes += self._drop(key, "expired")
        return changes

    @property
    def next_expiry(self) -> float | None:
        """When the next lease runs out."""
        return min((_ends(held) for held in self._held.values() if held.entry.lease is not None), default=None)

    def revision(self, key: str) -> int:
        """Give the revision of a record, 0 where there is none: what a compare-and-set starts from."""
        held = self._held.get(key)
        return held.entry.revision if held else 0

    def entries(self) -> Mapping[str, Entry]:
        """Give all that is held, for the disk."""
        return {key: held.entry for key, held in self._held.items()}

    def _put_all(self, entries: Iterable[Entry], now: float) -> Iterator[Change[Record]]:
        for entry in entries:
            yield from self._take(entry, now)

    def _take(self, entry: Entry, now: float) -> Iterator[Change[Record]]:
        if entry.value is None:
            yield from self._drop(entry.key, "expired" if entry.expired else "deleted")
            return
        held = self._held.get(entry.key)
        if held is not None and held.entry.value == entry.value:  # renewed, or the same after a new connection
            held.entry, held.heard = entry, now
            return
        try:
            record = decode(entry.value, self._record)
        except BadRecord as error:
            self._complain(entry.key, error)
            yield from self._drop(entry.key, "unreadable")
            return
        self._held[entry.key] = _Held(entry, record, now)
        self.records[entry.key] = record
        yield Put(entry.key, record, entry.revision)

    def _drop(self, key: str, why: Why) -> Iterator[Change[Record]]:
        if self._held.pop(key, None) is not None:
            yield Gone(key, self.records.pop(key), why)


def _ends(held: _Held[Record]) -> float:
    return float("inf") if held.entry.lease is None else held.heard + held.entry.lease + GRACE_SECONDS
