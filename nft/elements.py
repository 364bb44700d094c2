"""Operations on set elements, and their bytes in nf_tables (linux/netfilter/nf_tables.h). Pure.

A batch is a list of operations that happen together or not at all. Runs of the same kind on the same set share one
message. The statements of a set's declaration (limit, counter) come with each new element by themselves.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeAlias

from msgspec import Struct

from nft import attributes as nl
from nft.errors import ModelError, WireError
from nft.schema import Key, Shape, Value

SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
BATCH_BEGIN, BATCH_END = 0x10, 0x11  # NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END
GET_SET = SUBSYSTEM << 8 | 10
NEW_ELEMENT, GET_ELEMENT, DELETE_ELEMENT = SUBSYSTEM << 8 | 12, SUBSYSTEM << 8 | 13, SUBSYSTEM << 8 | 14
INET = 1  # NFPROTO_INET
GENERIC = nl.GENERIC.pack(INET, 0, 0)

LIST_TABLE, LIST_SET, LIST_ELEMENTS = 1, 2, 3  # NFTA_SET_ELEM_LIST_*
KEY, DATA, TIMEOUT, EXPIRATION, USERDATA, EXPRESSION = 1, 2, 4, 5, 6, 7  # NFTA_SET_ELEM_*
EXPRESSIONS = 11  # NFTA_SET_ELEM_EXPRESSIONS: where a set declares more than one statement
VALUE = 1  # NFTA_DATA_VALUE
COUNTER_BYTES, COUNTER_PACKETS = 1, 2  # NFTA_COUNTER_*
COMMENT = 0  # NFTNL_UDATA_SET_ELEM_COMMENT

MAX_COMMENT = 128  # bytes, as nft itself allows
MAX_RUN = 32768  # bytes of elements in one message; the nest that holds them has a 16-bit length
_U64 = struct.Struct("!Q")


class Put(Struct, frozen=True, gc=False):
    """Add an element. ``timeout`` in seconds; None is the set's own. The same element again is no error."""

    shape: Shape
    key: Key
    data: Value | None = None
    timeout: float | None = None
    comment: str = ""


class Remove(Struct, frozen=True, gc=False):
    """Delete an element that must be there."""

    shape: Shape
    key: Key


Operation: TypeAlias = Put | Remove


@dataclass(frozen=True, slots=True)
class Element:
    """An element as the kernel holds it; times in seconds, None where the set has none."""

    key: Key
    data: Value | None = None
    timeout: float | None = None
    expires: float | None = None
    packets: int = 0
    octets: int = 0
    comment: str = ""


class _Frame:
    """What stands around every key and value of one set. Opening a stream writes some twenty: they are made once."""

    __slots__ = (
        "after_key",
        "after_value",
        "before_key",
        "before_list",
        "closing",
        "pack_key",
        "plain",
        "removed",
        "shape",
        "timed",
    )

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.pack_key = shape.packer()
        size = shape.key_bytes
        self.before_key = nl.nested(KEY, nl.attribute(VALUE, bytes(size)))[:8]
        self.closing = bytes(-size % 4)
        self.removed = _head(8 + size + len(self.closing)) + self.before_key
        self.after_key, self.after_value, self.plain = self.closing, b"", self.removed
        if shape.data:
            value = nl.nested(DATA, nl.attribute(VALUE, bytes(shape.data.size)))
            self.after_key += value[:8]
            self.after_value = bytes(-shape.data.size % 4)
            self.plain = _head(8 + size + len(self.closing) + len(value)) + self.before_key
        rest = 8 + size + len(self.after_key) + (shape.data.size + len(self.after_value) if shape.data else 0)
        self.timed = _head(rest + len(_BEFORE_TIMEOUT) + _U64.size) + self.before_key
        names = nl.attribute(LIST_TABLE, nl.name(shape.table)) + nl.attribute(LIST_SET, nl.name(shape.name))
        self.before_list = GENERIC + names

    def removes(self, operations: Iterable[Remove]) -> list[bytes]:
        """Encode deletions from this set."""
        before, pack, after = self.removed, self.pack_key, self.closing
        return [before + pack(*operation.key) + after for operation in operations]

    def puts(self, operations: Iterable[Put]) -> list[bytes]:
        """Encode additions to this set."""
        field, between, pack_key = self.shape.data, self.after_key, self.pack_key
        encoded: list[bytes] = []
        timeout, last = b"", None
        for operation in operations:
            data = operation.data
            if operation.comment or (data is None) != (field is None):
                encoded.append(self._put(operation))
                continue
            body = pack_key(*operation.key) + between
            if field is not None:
                body += field.pack(data) + self.after_value
            if operation.timeout is None:
                encoded.append(self.plain + body)
            else:
                if operation.timeout != last:  # neighbours mostly live as long
                    last = operation.timeout
                    timeout = _timeout(last)
                encoded.append(self.timed + body + timeout)
        return encoded

    def _put(self, operation: Put) -> bytes:
        shape, data = self.shape, operation.data
        if (data is None) != (shape.data is None):
            raise ModelError(f"{shape.name}: an element {'has no' if data is not None else 'lacks its'} value")
        body = self.pack_key(*operation.key) + self.after_key
        if shape.data is not None:
            body += shape.data.pack(data) + self.after_value
        if operation.timeout is not None:
            body += _timeout(operation.timeout)
        if operation.comment:
            body += nl.attribute(USERDATA, userdata(operation.comment))
        return _head(8 + len(body)) + self.before_key + body


_ELEMENT = struct.Struct("=HH")  # the header of NFTA_LIST_ELEM, and of the nest around all of a message


def _head(length: int) -> bytes:
    return _ELEMENT.pack(length + _ELEMENT.size, 1 | nl.NESTED)


def _timeout(seconds: float) -> bytes:
    return _BEFORE_TIMEOUT + _U64.pack(max(1, round(seconds * 1000)))


_frame = cache(_Frame)
_BEFORE_TIMEOUT = nl.attribute(TIMEOUT, bytes(8))[:4]


def encode(operation: Operation) -> bytes:
    """Encode one element of NFTA_SET_ELEM_LIST_ELEMENTS."""
    frame = _frame(operation.shape)
    (encoded,) = frame.puts((operation,)) if isinstance(operation, Put) else frame.removes((operation,))
    return encoded


def userdata(comment: str) -> bytes:
    """Encode a comment as libnftnl does: type, length, text with its NUL."""
    text = comment.encode() + b"\0"
    if len(text) > MAX_COMMENT:
        raise ModelError(f"a comment of {len(text) - 1} bytes is longer than {MAX_COMMENT - 1}")
    return bytes((COMMENT, len(text))) + text


class Run(Struct, frozen=True):
    """One message of a batch and the operations it carries."""

    kind: int
    operations: tuple[Operation, ...]
    payload: bytes

    @property
    def shape(self) -> Shape:
        """Return the set it changes."""
        return self.operations[0].shape

    def at(self, offset: int) -> int:
        """Return the index of the operation at a byte offset of the whole message, -1 where it is not in any."""
        position = nl.MESSAGE.size + len(self.payload)
        for index in range(len(self.operations) - 1, -1, -1):
            position -= len(encode(self.operations[index]))
            if position <= offset:
                return index if offset < nl.MESSAGE.size + len(self.payload) else -1
        return -1


def runs(operations: Iterable[Operation]) -> Iterator[Run]:
    """Group operations, in their order, into messages: neighbours on one set share one."""
    for (kind, shape), group in groupby(operations, _SORT):
        chosen = list(group)
        frame = _frame(shape)
        write: Callable[[Any], list[bytes]] = frame.puts if kind is Put else frame.removes
        body = write(chosen)
        joined = b"".join(body)
        if len(joined) <= MAX_RUN:
            yield _run(frame, chosen, joined)
            continue
        start, size = 0, 0
        for index, encoded in enumerate(body):
            if size + len(encoded) > MAX_RUN:
                yield _run(frame, chosen[start:index], b"".join(body[start:index]))
                start, size = index, 0
            size += len(encoded)
        yield _run(frame, chosen[start:], b"".join(body[start:]))


_SORT = attrgetter("__class__", "shape")  # what the operations of one message have in common


def _run(frame: _Frame, chosen: list[Operation], body: bytes) -> Run:
    kind = NEW_ELEMENT if type(chosen[0]) is Put else DELETE_ELEMENT
    return Run(kind, tuple(chosen), _list(frame, body))


def _list(frame: _Frame, elements: bytes) -> bytes:
    """Encode the payload of a message about elements, each of which fills whole words."""
    return frame.before_list + _ELEMENT.pack(len(elements) + 4, LIST_ELEMENTS | nl.NESTED) + elements


def named(shape: Shape) -> bytes:
    """Encode the head of every request about a set's elements."""
    return _frame(shape).before_list


_OF_BATCH = nl.GENERIC.pack(0, 0, SUBSYSTEM)


def batch(listed: list[Run], sequence: int, echo: Collection[Shape] = ()) -> bytes:
    """Encode a transaction: begin (``sequence``), the runs (one more each, the last acknowledged), end.

    What is deleted of the sets in ``echo`` is told as it was at that moment (``decode_deleted``).
    """
    last = len(listed) - 1
    parts = [nl.message(BATCH_BEGIN, nl.REQUEST, sequence, _OF_BATCH)]
    for index, run in enumerate(listed):
        flags = nl.REQUEST | (nl.ACK if index == last else 0)
        if run.kind == NEW_ELEMENT:
            flags |= nl.CREATE
        elif run.shape in echo:
            flags |= nl.ECHO
        parts.append(nl.message(run.kind, flags, sequence + 1 + index, run.payload))
    parts.append(nl.message(BATCH_END, nl.REQUEST, sequence + 2 + last, _OF_BATCH))
    return b"".join(parts)


def get(shape: Shape, key: Key, sequence: int) -> bytes:
    """Encode the question for one element; one message answers it, the element or an error."""
    return nl.message(GET_ELEMENT, nl.REQUEST, sequence, _list(_frame(shape), encode(Remove(shape, key))))


def dump(shape: Shape, sequence: int) -> bytes:
    """Encode the question for all elements of a set."""
    return nl.message(GET_ELEMENT, nl.REQUEST | nl.DUMP, sequence, named(shape))


def decode_list(shape: Shape, payload: bytes) -> Iterator[Element]:
    """Read the elements of one NEW_ELEMENT message."""
    listed = nl.mapping(payload[nl.GENERIC.size :]).get(LIST_ELEMENTS, b"")
    for _, body in nl.attributes(listed):
        yield decode(shape, body)


def decode_deleted(echo: Collection[Shape], payload: bytes) -> Iterator[tuple[Shape, Element]]:
    """Read the elements of one DELETE_ELEMENT message, which names its set."""
    read = nl.mapping(payload[nl.GENERIC.size :])
    for shape in echo:
        if nl.name(shape.name) == read.get(LIST_SET):
            for _, body in nl.attributes(read.get(LIST_ELEMENTS, b"")):
                yield shape, decode(shape, body)


def decode(shape: Shape, body: bytes) -> Element:
    """Read one element."""
    found = nl.mapping(body)
    if KEY not in found:
        raise WireError(f"{shape.name}: an element without a key")
    packets, octets = _counter(found)
    data = None
    if shape.data is not None and DATA in found:
        data = shape.data.unpack(_exact(nl.mapping(found[DATA]).get(VALUE, b""), shape.data.size))
    return Element(
        shape.decode_key(_exact(nl.mapping(found[KEY]).get(VALUE, b""), shape.key_bytes)),
        data,
        _milliseconds(found.get(TIMEOUT)),
        _milliseconds(found.get(EXPIRATION)),
        packets,
        octets,
        _comment(found.get(USERDATA, b"")),
    )


def _exact(data: bytes, size: int) -> bytes:
    if len(data) < size:
        raise WireError(f"a value of {len(data)} bytes where {size} are declared")
    return data[:size]


def _milliseconds(value: bytes | None) -> float | None:
    return None if value is None or len(value) != _U64.size else _U64.unpack(value)[0] / 1000


def _counter(found: dict[int, bytes]) -> tuple[int, int]:
    candidates = [found[EXPRESSION]] if EXPRESSION in found else []
    if EXPRESSIONS in found:
        candidates += [body for _, body in nl.attributes(found[EXPRESSIONS])]
    for candidate in candidates:
        parts = nl.mapping(candidate)
        if parts.get(1) == b"counter\0":  # NFTA_EXPR_NAME
            values = nl.mapping(parts.get(2, b""))  # NFTA_EXPR_DATA
            packets, octets = values.get(COUNTER_PACKETS, bytes(8)), values.get(COUNTER_BYTES, bytes(8))
            return int.from_bytes(packets, "big"), int.from_bytes(octets, "big")
    return 0, 0


def _comment(data: bytes) -> str:
    at = 0
    while at + 2 <= len(data):
        kind, length = data[at], data[at + 1]
        if kind == COMMENT:
            return data[at + 2 : at + 2 + length].split(b"\0", 1)[0].decode(errors="replace")
        at += 2 + length
    return ""
