"""The entries of one call: its beginning, packed once it is settled, and its end."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator

import msgspec

from b2bua.sip import Flow, Target
from b2bua.trace.entry import Entry, Event, Leg, Message, Note
from b2bua.trace.limits import FIRST_ENTRIES, LAST_ENTRIES, MAX_CALL_OCTETS, PACK_LEVEL
from vdx.ids import CallId

Key = tuple[str, bytes]
"""Zone and Call-ID of a leg."""


class _Row(msgspec.Struct, array_like=True, frozen=True):
    """An entry that is packed: of a message all but its octets and its path, of which it has the number."""

    number: int
    at: float
    event: Event | None = None
    leg: Leg = ""
    inward: bool = False
    path: int = 0
    length: int = 0


_ROWS = msgspec.msgpack.Decoder(list[_Row])
_PREFIX = 4
"""Octets before the packed rows: how many they are."""

_EMPTY: tuple[Entry, ...] = ()


class CallTrace:
    """The entries of one call, the first and the last of them; `left_out` in between.

    The messages of a set-up repeat each other: packed together they take a fifth.
    """

    __slots__ = (
        "_first",
        "_last",
        "_packed",
        "_paths",
        "began",
        "call",
        "ended",
        "keys",
        "left_out",
        "octets",
        "parties",
        "pins",
    )

    def __init__(self, call: CallId, now: float, parties: tuple[str, str] = ("", "")) -> None:
        self.call = call
        self.began = now
        self.parties = parties
        self.pins: tuple[bytes, ...] = ()  # that were dialled, the last ones
        self.ended: float | None = None
        self.keys: list[Key] = []
        self.left_out = 0
        self.octets = 0
        self._first: list[Entry] = []
        self._last: deque[Entry] | None = None
        self._packed: bytes | None = None
        self._paths: tuple[Flow | Target, ...] = ()  # of the messages that are packed

    def __iter__(self) -> Iterator[Entry]:
        if self._packed is not None:
            yield from self._unpacked(zlib.decompress(self._packed))
        yield from self._first
        yield from self._last or _EMPTY

    def add(self, entry: Entry, octets: int) -> int:
        """Keep an entry with that many octets; gives by how many the trace grew."""
        first, last = self._first, self._last
        room = last is None and self._packed is None and len(first) < FIRST_ENTRIES
        if room and self.octets + octets <= MAX_CALL_OCTETS // 2:
            first.append(entry)
            self.octets += octets
            return octets
        if last is None:
            last = self._last = deque()
        before = self.octets
        self.octets += octets
        last.append(entry)
        while len(last) > LAST_ENTRIES or (self.octets > MAX_CALL_OCTETS and len(last) > 1):
            self.octets -= _octets(last.popleft())
            self.left_out += 1
        return self.octets - before

    def pack(self) -> int:
        """Pack the first entries, once; what follows goes to the last ones. Gives by how many octets the trace grew."""
        if self._packed is not None or not self._first:
            return 0
        paths: dict[Flow | Target, int] = {}
        rows: list[_Row] = []
        said: list[bytes] = []
        for one in self._first:
            if isinstance(one, Message):
                path = paths.setdefault(one.path, len(paths))
                rows.append(_Row(one.number, one.at, None, one.leg, one.inward, path, len(one.data)))
                said.append(one.data)
            else:
                rows.append(_Row(one.number, one.at, one.event))
        before = sum(map(len, said))
        told = msgspec.msgpack.encode(rows)
        self._packed = zlib.compress(b"".join((len(told).to_bytes(_PREFIX), told, *said)), PACK_LEVEL)
        self._paths = tuple(paths)
        self._first = []
        grown = len(self._packed) - before
        self.octets += grown
        return grown

    def _unpacked(self, data: bytes) -> Iterator[Entry]:
        at = _PREFIX + int.from_bytes(data[:_PREFIX])
        for row in _ROWS.decode(data[_PREFIX:at]):
            if row.event is not None:
                yield Note(row.number, row.at, row.event)
            else:
                end = at + row.length
                yield Message(row.number, row.at, row.leg, row.inward, self._paths[row.path], data[at:end])
                at = end

    def clear(self) -> None:
        """Forget every entry and say how many there were."""
        self.left_out += sum(1 for _ in self)
        self.octets = 0
        self._packed, self._paths = None, ()
        self._first, self._last = [], None


def _octets(entry: Entry) -> int:
    return len(entry.data) if isinstance(entry, Message) else 0
