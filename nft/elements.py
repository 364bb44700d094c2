"""Operations on set elements, and their bytes in nf_tables (linux/netfilter/nf_tables.h). Pure.

A batch is a list of operations that happen together or not at all. Runs of the same kind on the same set share one
message. The statements of a set's declaration (limit, counter) come with each new element by themselves.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from nft import attributes as nl
from nft.errors import ModelError, WireError
from nft.schema import Key, Shape, Value

SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
BATCH_BEGIN, BATCH_END = 0x10, 0x11  # NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END
NEW_SET, GET_SET = SUBSYSTEM << 8 | 9, SUBSYSTEM << 8 | 10
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


@dataclass(frozen=True, slots=True)
class Put:
    """Add an element. ``timeout`` in seconds; None is the set's own. The same element again is no error."""

    shape: Shape
    key: Key
    data: Value | None = None
    timeout: float | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Remove:
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
    """What stands around every key and value of one set. Opening a stream writes some thirty: they are made once."""

    __slots__ = ("after_key", "after_value", "before_key", "before_value")

    def __init__(self, shape: Shape) -> None:
        size = shape.key_bytes
        self.before_key = nl.nested(KEY, nl.attribute(VALUE, bytes(size)))[:8]
        self.after_key = bytes(-size % 4)
        size = shape.data.size if shape.data else 0
        self.before_value = nl.nested(DATA, nl.attribute(VALUE, bytes(size)))[:8]
        self.after_value = bytes(-size % 4)


_frame = cache(_Frame)
_BEFORE_TIMEOUT = nl.attribute(TIMEOUT, bytes(8))[:4]
_ELEMENT = struct.Struct("=HH")  # the header of NFTA_LIST_ELEM


def encode(operation: Operation) -> bytes:
    """Encode one element of NFTA_SET_ELEM_LIST_ELEMENTS."""
    shape = operation.shape
    frame = _frame(shape)
    body = frame.before_key + shape.encode_key(operation.key) + frame.after_key
    if isinstance(operation, Put):
        if shape.data is None:
            if operation.data is not None:
                raise ModelError(f"{shape.name}: an element has no value")
        elif operation.data is None:
            raise ModelError(f"{shape.name}: an element lacks its value")
        else:
            body += frame.before_value + shape.data.pack(operation.data) + frame.after_value
        if operation.timeout is not None:
            body += _BEFORE_TIMEOUT + _U64.pack(max(1, round(operation.timeout * 1000)))
        if operation.comment:
            body += nl.attribute(USERDATA, userdata(operation.comment))
    return _ELEMENT.pack(len(body) + 4, 1 | nl.NESTED) + body


def userdata(comment: str) -> bytes:
    """Encode a comment as libnftnl does: type, length, text with its NUL."""
    text = comment.encode() + b"\0"
    if len(text) > MAX_COMMENT:
        raise ModelError(f"a comment of {len(text) - 1} bytes is longer than {MAX_COMMENT - 1}")
    return bytes((COMMENT, len(text))) + text


@dataclass(frozen=True, slots=True)
class Run:
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
    chosen: list[Operation] = []
    body: list[bytes] = []
    size = 0
    for operation in operations:
        encoded = encode(operation)
        if chosen and (not _alike(chosen[0], operation) or size + len(encoded) > MAX_RUN):
            yield _run(chosen, body)
            chosen, body, size = [], [], 0
        chosen.append(operation)
        body.append(encoded)
        size += len(encoded)
    if chosen:
        yield _run(chosen, body)


def _alike(one: Operation, other: Operation) -> bool:
    return one.shape is other.shape and type(one) is type(other)


def _run(chosen: list[Operation], body: list[bytes]) -> Run:
    kind = NEW_ELEMENT if isinstance(chosen[0], Put) else DELETE_ELEMENT
    return Run(kind, tuple(chosen), _list(chosen[0].shape, body))


def _list(shape: Shape, elements: list[bytes]) -> bytes:
    return named(shape) + nl.nested(LIST_ELEMENTS, b"".join(elements))


@cache
def named(shape: Shape) -> bytes:
    """Encode the head of every request about a set's elements."""
    return GENERIC + nl.attribute(LIST_TABLE, nl.name(shape.table)) + nl.attribute(LIST_SET, nl.name(shape.name))


def batch(listed: list[Run], sequence: int) -> bytes:
    """Encode a transaction: begin (``sequence``), the runs (one more each, the last acknowledged), end."""
    last = len(listed) - 1
    parts = [nl.message(BATCH_BEGIN, nl.REQUEST, sequence, nl.GENERIC.pack(0, 0, SUBSYSTEM))]
    for index, run in enumerate(listed):
        flags = nl.REQUEST | (nl.CREATE if run.kind == NEW_ELEMENT else 0) | (nl.ACK if index == last else 0)
        parts.append(nl.message(run.kind, flags, sequence + 1 + index, run.payload))
    parts.append(nl.message(BATCH_END, nl.REQUEST, sequence + 2 + last, nl.GENERIC.pack(0, 0, SUBSYSTEM)))
    return b"".join(parts)


def get(shape: Shape, key: Key, sequence: int) -> bytes:
    """Encode the question for one element; one message answers it, the element or an error."""
    payload = _list(shape, [nl.nested(1, nl.nested(KEY, nl.attribute(VALUE, shape.encode_key(key))))])
    return nl.message(GET_ELEMENT, nl.REQUEST, sequence, payload)


def dump(shape: Shape, sequence: int) -> bytes:
    """Encode the question for all elements of a set."""
    return nl.message(GET_ELEMENT, nl.REQUEST | nl.DUMP, sequence, named(shape))


def decode_list(shape: Shape, payload: bytes) -> Iterator[Element]:
    """Read the elements of one NEW_ELEMENT message."""
    listed = nl.mapping(payload[nl.GENERIC.size :]).get(LIST_ELEMENTS, b"")
    for _, body in nl.attributes(listed):
        yield decode(shape, body)


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
