"""STUN binding requests at SIP sockets: the keepalive of phones behind a NAT (RFC 5626 3.5.2, RFC 8489). Pure.

An answer says where a request came from and is hardly longer than it, so nobody gains by forging sources; how many one
source may send is the firewall's matter.
"""

from __future__ import annotations

import ipaddress
import struct
import zlib

MAGIC = 0x2112_A442
_REQUEST, _SUCCESS = 0x0001, 0x0101
_HEAD = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_XOR_MAPPED_ADDRESS, _FINGERPRINT = 0x0020, 0x8028
_FINGERPRINT_XOR = 0x5354_554E

MAX_REQUEST = 548
"""Octets: RFC 8489 6.1 has requests fit into 576 with the headers of IP and UDP."""


def is_stun(data: bytes) -> bool:
    """Tell STUN from SIP (RFC 8489 6.3): two zero bits, the magic cookie."""
    return len(data) >= _HEAD.size and data[0] < 4 and data[4:8] == MAGIC.to_bytes(4)


def answer(data: bytes, source: tuple[str, int]) -> bytes | None:
    """Answer a binding request; None for anything else, which is passed over in silence."""
    if not is_stun(data) or len(data) > MAX_REQUEST:
        return None
    kind, length, _, transaction = _HEAD.unpack_from(data)
    if kind != _REQUEST or length != len(data) - _HEAD.size or length % 4:
        return None
    address = ipaddress.ip_address(source[0].partition("%")[0])
    key = (MAGIC.to_bytes(4) + transaction)[: len(address.packed)]
    mapped = bytes(one ^ other for one, other in zip(address.packed, key, strict=True))
    value = struct.pack("!BBH", 0, 1 if address.version == 4 else 2, source[1] ^ (MAGIC >> 16)) + mapped
    body = _ATTRIBUTE.pack(_XOR_MAPPED_ADDRESS, len(value)) + value
    head = _HEAD.pack(_SUCCESS, len(body) + 8, MAGIC, transaction)  # the fingerprint counts itself in (14.7)
    check = zlib.crc32(head + body) ^ _FINGERPRINT_XOR
    return head + body + _ATTRIBUTE.pack(_FINGERPRINT, 4) + check.to_bytes(4)
