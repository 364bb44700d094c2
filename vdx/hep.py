"""HEP3, in which SIP is handed to Homer and sngrep: a UDP datagram for each message (the EEP specification, version 3).

A packet is `HEP3`, its whole length, and chunks of vendor, type, length and value, all numbers big-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

MAX_PACKET = 65_507
"""Octets of a packet: what a UDP datagram over IPv4 holds. A longer message is cut."""

AGENT = 2026
"""The capture id that names us where several send to one collector, unless a site says otherwise."""

_MAGIC = b"HEP3"
_GENERIC = 0
_FAMILY, _PROTOCOL, _SOURCE4, _TARGET4, _SOURCE6, _TARGET6, _SOURCE_PORT, _TARGET_PORT = range(1, 9)
_SECONDS, _MICROSECONDS, _PAYLOAD_TYPE, _AGENT = range(9, 13)
_PAYLOAD, _CORRELATION = 15, 17
_AF_INET, _AF_INET6 = 2, 10
_IPPROTO: Final = {"udp": 17}
_TCP = 6
_SIP = 1

End = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Captured:
    """One message as a collector gets it: who sent it to whom over what, when (seconds since 1970), of which call."""

    source: End
    target: End
    transport: str
    at: float
    data: bytes
    call: str = ""


def packet(captured: Captured, agent: int = AGENT) -> bytes | None:
    """Write a packet; None where an end is no address, or the two are of different families."""
    try:
        source, target = ip_address(captured.source[0]), ip_address(captured.target[0])
    except ValueError:
        return None
    if source.version != target.version:
        return None
    seconds, micros = divmod(round(captured.at * 1_000_000), 1_000_000)
    four = source.version == 4
    chunks = [
        _chunk(_FAMILY, bytes([_AF_INET if four else _AF_INET6])),
        _chunk(_PROTOCOL, bytes([_IPPROTO.get(captured.transport, _TCP)])),
        _chunk(_SOURCE4 if four else _SOURCE6, source.packed),
        _chunk(_TARGET4 if four else _TARGET6, target.packed),
        _chunk(_SOURCE_PORT, captured.source[1].to_bytes(2)),
        _chunk(_TARGET_PORT, captured.target[1].to_bytes(2)),
        _chunk(_SECONDS, seconds.to_bytes(4)),
        _chunk(_MICROSECONDS, micros.to_bytes(4)),
        _chunk(_PAYLOAD_TYPE, bytes([_SIP])),
        _chunk(_AGENT, agent.to_bytes(4)),
    ]
    if captured.call:
        chunks.append(_chunk(_CORRELATION, captured.call.encode()))
    head = b"".join(chunks)
    room = MAX_PACKET - len(_MAGIC) - 2 - len(head) - 6
    head += _chunk(_PAYLOAD, captured.data[:room])
    return _MAGIC + struct.pack("!H", len(_MAGIC) + 2 + len(head)) + head


def _chunk(kind: int, value: bytes) -> bytes:
    return struct.pack("!HHH", _GENERIC, kind, 6 + len(value)) + value
