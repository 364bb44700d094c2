"""A trace as a capture that Wireshark, tshark and sngrep open (the pcap format of draft-ietf-opsawg-pcap).

The packets are made up around messages: with the true addresses and ports, without Ethernet. What came over TCP is
framed as TCP; everything else as UDP, also what was encrypted on its way: the messages are plain in here.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from vdx.trace import TraceEntry

MAGIC, MAJOR, MINOR = 0xA1B2C3D4, 2, 4
LINKTYPE_RAW = 101
"""Packets begin with their IP header; its version says which."""

MAX_PACKET = 65_535
"""Octets of a packet: what the length of an IPv4 header can say. A longer message is cut, or goes on as TCP."""

_TTL = 64
_TCP_HEADER, _UDP_HEADER = 20, 8
_PSH_ACK = 0x18
_SEGMENT = 60_000

_End = tuple[str, int]


def capture(entries: Iterable[TraceEntry]) -> bytes:
    """Write a whole capture file of the messages among `entries`."""
    return b"".join([_file_header(), *_records(entries)])


def _file_header() -> bytes:
    return struct.pack("!IHHiIII", MAGIC, MAJOR, MINOR, 0, 0, MAX_PACKET, LINKTYPE_RAW)


def _records(entries: Iterable[TraceEntry]) -> Iterator[bytes]:
    sent: dict[tuple[_End, _End], int] = {}  # octets of each direction of a TCP connection
    for entry in entries:
        if not entry.transport or not _same_family(entry):
            continue
        source, target = (entry.theirs, entry.ours) if entry.inward else (entry.ours, entry.theirs)
        seconds, micros = divmod(round(entry.at * 1_000_000), 1_000_000)
        for packet in _packets(entry, source, target, sent):
            yield struct.pack("!IIII", seconds, micros, len(packet), len(packet)) + packet


def _same_family(entry: TraceEntry) -> bool:
    try:
        return ip_address(entry.ours[0]).version == ip_address(entry.theirs[0]).version
    except ValueError:  # a host that was never looked up: nothing went there
        return False


def _packets(entry: TraceEntry, source: _End, target: _End, sent: dict[tuple[_End, _End], int]) -> Iterator[bytes]:
    if entry.transport != "tcp":
        data = entry.data[: MAX_PACKET - 20 - _UDP_HEADER]
        yield _ip(source[0], target[0], socket.IPPROTO_UDP, _udp(source, target, data))
        return
    for start in range(0, len(entry.data), _SEGMENT):
        data = entry.data[start : start + _SEGMENT]
        number = sent.get((source, target), 1)
        sent[source, target] = (number + len(data)) % 2**32
        header = struct.pack(
            "!HHIIBBHHH",
            source[1],
            target[1],
            number,
            sent.get((target, source), 1),
            _TCP_HEADER // 4 << 4,
            _PSH_ACK,
            0xFFFF,
            0,
            0,
        )
        yield _ip(source[0], target[0], socket.IPPROTO_TCP, _summed(source, target, socket.IPPROTO_TCP, header, data))


def _udp(source: _End, target: _End, data: bytes) -> bytes:
    header = struct.pack("!HHHH", source[1], target[1], _UDP_HEADER + len(data), 0)
    return _summed(source, target, socket.IPPROTO_UDP, header, data)


def _summed(source: _End, target: _End, protocol: int, header: bytes, data: bytes) -> bytes:
    """Put the checksum over the pseudo header into a UDP or TCP header (RFC 768, RFC 9293, RFC 8200 8.1)."""
    at = 6 if protocol == socket.IPPROTO_UDP else 16
    pseudo = ip_address(source[0]).packed + ip_address(target[0]).packed
    pseudo += struct.pack("!II", len(header) + len(data), protocol)
    total = _checksum(pseudo + header + data) or 0xFFFF
    return header[:at] + total.to_bytes(2) + header[at + 2 :] + data


def _ip(source: str, target: str, protocol: int, payload: bytes) -> bytes:
    ends = ip_address(source).packed + ip_address(target).packed
    if len(ends) == 32:  # RFC 8200 3
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, _TTL) + ends + payload
    length = 20 + len(payload)  # RFC 791 3.1
    head = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0, _TTL, protocol, 0) + ends
    return head[:10] + _checksum(head).to_bytes(2) + head[12:] + payload


def _checksum(data: bytes) -> int:
    """Give the Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
