"""Messages of BFCP (RFC 8855 section 5): a header of twelve octets and attributes, both bounded."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct("!BBHIHH")
"""Version and flags, primitive, length in words of four octets, conference, transaction, user."""

MAX_PAYLOAD = 2_000
"""Octets after the header: the longest message of a floor server with one floor has 200."""

MAX_ATTRIBUTES = 64
"""Attributes of one message, those in groups included."""

MAX_DEPTH = 3
"""Groups within groups: the deepest of RFC 8855 is two."""

_RESPONSE = 0x10
_FRAGMENT = 0x08


class Malformed(Exception):  # noqa: N818 - a state of the octets, as RFC 8855 calls it
    """These octets are no message that can be answered."""


class Primitive(IntEnum):
    """What a message is (section 5.1)."""

    FLOOR_REQUEST = 1
    FLOOR_RELEASE = 2
    FLOOR_REQUEST_QUERY = 3
    FLOOR_REQUEST_STATUS = 4
    USER_QUERY = 5
    USER_STATUS = 6
    FLOOR_QUERY = 7
    FLOOR_STATUS = 8
    CHAIR_ACTION = 9
    CHAIR_ACTION_ACK = 10
    HELLO = 11
    HELLO_ACK = 12
    ERROR = 13
    FLOOR_REQUEST_STATUS_ACK = 14
    FLOOR_STATUS_ACK = 15
    GOODBYE = 16
    GOODBYE_ACK = 17


class Kind(IntEnum):
    """What an attribute is (section 5.2)."""

    BENEFICIARY_ID = 1
    FLOOR_ID = 2
    FLOOR_REQUEST_ID = 3
    PRIORITY = 4
    REQUEST_STATUS = 5
    ERROR_CODE = 6
    ERROR_INFO = 7
    PARTICIPANT_PROVIDED_INFO = 8
    STATUS_INFO = 9
    SUPPORTED_ATTRIBUTES = 10
    SUPPORTED_PRIMITIVES = 11
    USER_DISPLAY_NAME = 12
    USER_URI = 13
    BENEFICIARY_INFORMATION = 14
    FLOOR_REQUEST_INFORMATION = 15
    REQUESTED_BY_INFORMATION = 16
    FLOOR_REQUEST_STATUS = 17
    OVERALL_REQUEST_STATUS = 18


GROUPED = frozenset((14, 15, 16, 17, 18))
"""Attributes that begin with an id of two octets and hold others."""


class Status(IntEnum):
    """How a request stands (section 5.2.5)."""

    PENDING = 1
    ACCEPTED = 2
    GRANTED = 3
    DENIED = 4
    CANCELLED = 5
    RELEASED = 6
    REVOKED = 7


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: plain octets, or for a group its two octets of id (`value`) and `within`."""

    kind: int
    value: bytes = b""
    within: tuple[Attribute, ...] = ()
    mandatory: bool = True

    @property
    def number(self) -> int:
        """Its value as a number of 16 bits; -1 where it has none."""
        return int.from_bytes(self.value[:2]) if len(self.value) >= 2 else -1


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `version` is 1 over TCP and 2 over UDP, where `response` tells answers from requests."""

    primitive: int
    conference: int
    transaction: int
    user: int
    attributes: tuple[Attribute, ...] = ()
    version: int = 2
    response: bool = False

    def first(self, kind: Kind) -> Attribute | None:
        """Give the first attribute of a kind."""
        return next((one for one in self.attributes if one.kind == kind), None)


def number(kind: Kind, value: int) -> Attribute:
    """Make an attribute of 16 bits."""
    return Attribute(kind, value.to_bytes(2))


def group(kind: Kind, ident: int, *within: Attribute) -> Attribute:
    """Make a group."""
    return Attribute(kind, ident.to_bytes(2), within)


def length(head: bytes) -> int:
    """Give the octets of the message that begins so, header included; raises `Malformed`. It needs twelve octets."""
    payload = int.from_bytes(head[2:4]) * 4
    if payload > MAX_PAYLOAD:
        raise Malformed(f"a payload of {payload} octets, at most {MAX_PAYLOAD} are read")
    return HEADER.size + payload


def parse(data: bytes) -> Message:
    """Read one whole message; raises `Malformed`, also for fragments: no message of ours or theirs needs them."""
    if len(data) < HEADER.size:
        raise Malformed("shorter than a header")
    flags, primitive, _, conference, transaction, user = HEADER.unpack(data[: HEADER.size])
    if length(data) != len(data):
        raise Malformed("its length is not what its header says")
    version = flags >> 5
    if version not in {1, 2}:
        raise Malformed(f"version {version}")
    if flags & _FRAGMENT:
        raise Malformed("a fragment")
    attributes = tuple(_attributes(data[HEADER.size :], [MAX_ATTRIBUTES], MAX_DEPTH))
    return Message(primitive, conference, transaction, user, attributes, version, bool(flags & _RESPONSE))


def _attributes(data: bytes, left: list[int], depth: int) -> Iterator[Attribute]:
    at = 0
    while at < len(data):
        if len(data) - at < 2:
            raise Malformed("an attribute ends within its header")
        kind, size = data[at] >> 1, data[at + 1]
        left[0] -= 1
        if size < 2 or at + size > len(data) or left[0] < 0 or not depth:
            raise Malformed("an attribute is longer than its message, or there are too many")
        value = data[at + 2 : at + size]
        if kind in GROUPED:
            if len(value) < 2:
                raise Malformed("a group without an id")
            yield Attribute(kind, value[:2], tuple(_attributes(value[2:], left, depth - 1)), bool(data[at] & 1))
        else:
            yield Attribute(kind, value, (), bool(data[at] & 1))
        at += size + -size % 4


def serialise(message: Message) -> bytes:
    """Write a message; raises `Malformed` for one that does not fit."""
    payload = b"".join(map(_written, message.attributes))
    if len(payload) > MAX_PAYLOAD:
        raise Malformed(f"a payload of {len(payload)} octets")
    flags = message.version << 5 | (_RESPONSE if message.response and message.version > 1 else 0)
    return (
        HEADER.pack(flags, message.primitive, len(payload) // 4, message.conference, message.transaction, message.user)
        + payload
    )


def _written(one: Attribute) -> bytes:
    value = one.value + b"".join(map(_written, one.within))
    size = 2 + len(value)
    if size > 255:
        raise Malformed(f"an attribute of {size} octets")
    return bytes((one.kind << 1 | one.mandatory, size)) + value + bytes(-size % 4)


def words(kind: Kind, values: Sequence[int]) -> Attribute:
    """Make a list of supported kinds: attributes stand one bit higher than primitives (sections 5.2.10, 5.2.11)."""
    shift = 1 if kind is Kind.SUPPORTED_ATTRIBUTES else 0
    return Attribute(kind, bytes(value << shift for value in values))
