"""The entries of one call: its beginning, packed as it settles, and its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import msgspec

from b2bua.sip import Flow, Target
from b2bua.trace.entry import Entry, Message, Note, Row
from b2bua.trace.limits import FIRST_ENTRIES, LAST_ENTRIES, MAX_CALL_OCTETS
from b2bua.trace.packing import pack, unpack
from vdx.ids import CallId

Key = tuple[str, bytes]
"""Zone and Call-ID of a leg."""


_ROWS = msgspec.msgpack.Decoder(list[Row])
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
        "_settled",
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
        self._packed: tuple[bytes, ...] = ()
        self._settled = 0  # how many entries are packed
        self._paths: tuple[Flow | Target, ...] = ()  # of their messages

    def __iter__(self) -> Iterator[Entry]:
        for packed in self._packed:
            yield from self._unpacked(unpack(packed))
        yield from self._first
        yield from self._last or _EMPTY

    def add(self, entry: Entry, octets: int) -> int:
        """Keep an entry with that many octets; gives by how many the trace grew."""
        first, last = self._first, self._last
        room = last is None and self._settled + len(first) < FIRST_ENTRIES
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

    @property
    def is_loose(self) -> bool:
        """Whether some of the first entries are not packed."""
        return bool(self._first)

    def pack(self) -> int:
        """Pack what there is of the first entries. Gives by how many octets the trace grew."""
        paths = list(self._paths)
        rows: list[Row] = []
        said: list[bytes] = []
        for one in self._first:
            if isinstance(one, Message):
                if one.path not in paths:
                    paths.append(one.path)
                rows.append(Row(one.number, one.at, None, one.leg, one.inward, paths.index(one.path), len(one.data)))
                said.append(one.data)
            else:
                rows.append(Row(one.number, one.at, one.event))
        told = msgspec.msgpack.encode(rows)
        packed = pack(b"".join((len(told).to_bytes(_PREFIX), told, *said)))
        self._packed += (packed,)
        self._settled += len(rows)
        self._paths = tuple(paths)
        self._first = []
        grown = len(packed) - sum(map(len, said))
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
        self._packed, self._paths, self._settled = (), (), 0
        self._first, self._last = [], None


def _octets(entry: Entry) -> int:
    return len(entry.data) if isinstance(entry, Message) else 0
