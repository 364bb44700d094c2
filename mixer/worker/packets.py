"""What the kernel lets through to a media socket: RTP and RTCP of the kinds agreed, nothing else.

A classic BPF program on each socket (socket(7), SO_ATTACH_FILTER) drops what is not of version 2 or has a payload type
nobody agreed on, before it costs anything: noise, scans, STUN, a codec the other side was never offered.
So is what comes from another address than that of the other side, which is the edge: no stranger is heard in a room.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Collection, Iterable
from ipaddress import ip_address

SO_ATTACH_FILTER = 26
"""asm-generic/socket.h; the same on every architecture we run on."""

HEADER = 8
"""Octets of a UDP header, which a filter of a UDP socket sees."""

NETWORK = 0xFFF00000
"""SKF_NET_OFF of linux/filter.h: what is loaded from here on is counted from the IP header."""

SOURCES = {4: 12, 6: 8}
"""Where the source address stands in an IP header, by its version."""

RTCP_FIRST, RTCP_LAST = 192, 223
"""Packet types of RTCP where it shares a port with RTP (RFC 5761, section 4)."""

DRAINED = 4096
"""Packets thrown away at most when a socket is taken over: all that its buffer can hold."""

_WORD = 0x20
_LOAD, _AND, _EQUAL, _LEAST, _MORE, _RETURN = 0x30, 0x54, 0x15, 0x35, 0x25, 0x06
_ALL, _NOTHING = 0xFFFFFFFF, 0


Program = list[tuple[int, int, int, int]]
"""Instructions: code, jump where true, jump where false, operand."""


def only_from(host: str | None, program: Program) -> Program:
    """Let through what comes from `host`, an IP address, and what `program` lets through of it; None: nothing."""
    if host is None:
        return [(_RETURN, 0, 0, _NOTHING)]
    address = ip_address(host)
    first = NETWORK + SOURCES[address.version]
    before: Program = []
    for place in range(0, len(address.packed), 4):
        (word,) = struct.unpack_from("!I", address.packed, place)
        before += [(_WORD, 0, 0, first + place), (_EQUAL, 1, 0, word), (_RETURN, 0, 0, _NOTHING)]
    return before + program


def rtp(payload_types: Collection[int], *, rtcp: bool) -> Program:
    """Write the filter of an RTP socket; with `rtcp`, that shares it."""
    types = sorted(payload_types)
    program = _version(2 + 2 * rtcp + len(types))
    program.append((_LOAD, 0, 0, HEADER + 1))
    if rtcp:
        program.append((_LEAST, 0, 1, RTCP_FIRST))
        program.append((_MORE, 0, len(types) + 2, RTCP_LAST))
    program.append((_AND, 0, 0, 0x7F))
    program += [(_EQUAL, len(types) - place, 0, one) for place, one in enumerate(types)]
    return [*program, (_RETURN, 0, 0, _NOTHING), (_RETURN, 0, 0, _ALL)]


def rtcp() -> Program:
    """Write the filter of an RTCP socket."""
    return [
        *_version(3),
        (_LOAD, 0, 0, HEADER + 1),
        (_LEAST, 0, 1, RTCP_FIRST),
        (_MORE, 0, 1, RTCP_LAST),
        (_RETURN, 0, 0, _NOTHING),
        (_RETURN, 0, 0, _ALL),
    ]


def _version(left: int) -> Program:
    """Begin a filter: what is not of version 2 is dropped, `left` instructions further on."""
    return [(_LOAD, 0, 0, HEADER), (_AND, 0, 0, 0xC0), (_EQUAL, 0, left, 0x80)]


def attach(one: socket.socket, program: Iterable[tuple[int, int, int, int]]) -> None:
    """Put a filter on a socket, in place of the one before."""
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    held = ctypes.create_string_buffer(code, len(code))
    one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(code) // 8, ctypes.addressof(held)))


def drain(one: socket.socket) -> None:
    """Throw away what waits: it was meant for the room before, or is older than the filter."""
    one.setblocking(False)
    try:
        for _ in range(DRAINED):
            one.recv(1)
    except OSError:
        return


def payload_of(packet: bytes) -> tuple[bytes, int]:
    """Give payload and time stamp of an RTP packet (RFC 3550, section 5.1)."""
    start = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10 and len(packet) >= start + 4:
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    return packet[start:], int.from_bytes(packet[4:8], "big")
