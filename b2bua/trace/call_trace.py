"""The entries of one call: its beginning, packed once it is settled, and its end."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator

from b2bua.trace.entry import Entry, Message
from b2bua.trace.limits import FIRST_ENTRIES, LAST_ENTRIES, MAX_CALL_OCTETS, PACK_LEVEL
from vdx.ids import CallId

Key = tuple[str, bytes]
"""Zone and Call-ID of a leg."""


class CallTrace:
    """The entries of one call, the first and the last of them; `left_out` in between.

    The messages of a set-up repeat each other: packed together they take a fifth.
    """

    __slots__ = (
        "_bare",
        "_first",
        "_last",
        "_packed",
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
        self._last: deque[Entry] = deque()
        self._packed: bytes | None = None
        self._bare: tuple[tuple[Entry, int], ...] = ()  # what is packed, without octets but with their number

    def __iter__(self) -> Iterator[Entry]:
        if self._packed is not None:
            yield from self._unpacked(zlib.decompress(self._packed))
        yield from self._first
        yield from self._last

    def add(self, entry: Entry) -> int:
        """Keep an entry; gives by how many octets the trace grew."""
        before = self.octets
        self.octets += _octets(entry)
        room = len(self._first) < FIRST_ENTRIES and not self._last and self._packed is None
        if room and self.octets <= MAX_CALL_OCTETS // 2:
            self._first.append(entry)
            return self.octets - before
        self._last.append(entry)
        while len(self._last) > LAST_ENTRIES or (self.octets > MAX_CALL_OCTETS and len(self._last) > 1):
            self.octets -= _octets(self._last.popleft())
            self.left_out += 1
        return self.octets - before

    def pack(self) -> int:
        """Pack the first entries, once; what follows goes to the last ones. Gives by how many octets the trace grew."""
        if self._packed is not None or not self._first:
            return 0
        before = sum(map(_octets, self._first))
        self._packed = zlib.compress(b"".join(one.data for one in self._first if isinstance(one, Message)), PACK_LEVEL)
        self._bare = tuple(
            (one._replace(data=b""), len(one.data)) if isinstance(one, Message) else (one, 0) for one in self._first
        )
        self._first.clear()
        grown = len(self._packed) - before
        self.octets += grown
        return grown

    def _unpacked(self, data: bytes) -> Iterator[Entry]:
        at = 0
        for entry, length in self._bare:
            yield entry._replace(data=data[at : at + length]) if isinstance(entry, Message) else entry
            at += length

    def clear(self) -> None:
        """Forget every entry and say how many there were."""
        self.left_out += len(self._bare) + len(self._first) + len(self._last)
        self.octets = 0
        self._packed, self._bare = None, ()
        self._first.clear()
        self._last.clear()


def _octets(entry: Entry) -> int:
    return len(entry.data) if isinstance(entry, Message) else 0
