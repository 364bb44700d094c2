"""Netlink messages and attributes as bytes (linux/netlink.h). Pure.

Lengths and types of headers are in host order; what nf_tables puts inside attributes is in network order.
"""

from __future__ import annotations

import struct

from nft.errors import WireError

NESTED = 0x8000  # NLA_F_NESTED
TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
MAX_ATTRIBUTE = 0xFFFF  # a length is 16 bits, its own four bytes included

MESSAGE = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
GENERIC: struct.Struct = struct.Struct("!BBH")  # nfgenmsg: family, version, resource
_HEADER = struct.Struct("=HH")  # nlattr: length, type

REQUEST, ACK, DUMP = 0x1, 0x4, 0x300  # NLM_F_REQUEST, NLM_F_ACK, NLM_F_ROOT | NLM_F_MATCH
ECHO = 0x8  # NLM_F_ECHO: tell what was done
DUMP_INTERRUPTED = 0x10  # NLM_F_DUMP_INTR
CREATE = 0x400  # NLM_F_CREATE
CAPPED, ACK_TLVS = 0x100, 0x200  # NLM_F_CAPPED, NLM_F_ACK_TLVS: of an error
ERROR, DONE = 2, 3  # NLMSG_ERROR, NLMSG_DONE


def attribute(kind: int, payload: bytes) -> bytes:
    """Encode one attribute, padded to 4 bytes."""
    length = len(payload) + 4
    if length > MAX_ATTRIBUTE:
        raise WireError(f"a netlink attribute of {length} bytes does not fit its 16-bit length")
    return _HEADER.pack(length, kind) + payload + bytes(-length % 4)


def nested(kind: int, payload: bytes) -> bytes:
    """Encode an attribute that holds attributes."""
    return attribute(kind | NESTED, payload)


def attributes(data: bytes) -> list[tuple[int, bytes]]:
    """Return the (type, payload) of each attribute; ``WireError`` where a length does not fit."""
    found: list[tuple[int, bytes]] = []
    at, end = 0, len(data)
    while at + 4 <= end:
        length, kind = _HEADER.unpack_from(data, at)
        if length < 4 or at + length > end:
            raise WireError(f"a netlink attribute says {length} bytes where {end - at} are left")
        found.append((kind & TYPE_MASK, data[at + 4 : at + length]))
        at += length + -length % 4
    return found


def mapping(data: bytes) -> dict[int, bytes]:
    """Return attributes by type; the last of a type counts."""
    return dict(attributes(data))


def message(kind: int, flags: int, sequence: int, payload: bytes) -> bytes:
    """Encode one message."""
    return MESSAGE.pack(MESSAGE.size + len(payload), kind, flags, sequence, 0) + payload


def messages(data: bytes) -> list[tuple[int, int, int, bytes]]:
    """Return (type, flags, sequence, payload) of each message of a datagram."""
    found: list[tuple[int, int, int, bytes]] = []
    at, end = 0, len(data)
    while at + MESSAGE.size <= end:
        length, kind, flags, sequence, _ = MESSAGE.unpack_from(data, at)
        if length < MESSAGE.size or at + length > end:
            raise WireError(f"a netlink message says {length} bytes where {end - at} are left")
        found.append((kind, flags, sequence, data[at + MESSAGE.size : at + length]))
        at += length + -length % 4
    return found


def name(value: str) -> bytes:
    """Encode a string as netlink wants it, with its NUL."""
    return value.encode() + b"\0"
