"""How long calls waited in the middle, read from a capture there (tcpdump -i any, LINKTYPE_LINUX_SLL2)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

FILE = struct.Struct("=IHHiIII")
RECORD = struct.Struct("=IIII")  # seconds, fraction, captured, length
MICROSECONDS, NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
LINUX_SLL2 = 276
DIRECTION, COOKED = 10, 20  # offset of the packet's direction, length of the header (linux/if_packet.h)
OUTGOING = 4  # PACKET_OUTGOING

_CALL = re.compile(rb"\r\n(?:From|f)[ \t]*:[^\r]*<sip:(u[0-9]+)@", re.IGNORECASE)
_INVITE = re.compile(rb"\r\nCSeq[ \t]*:[ \t]*[0-9]+[ \t]+INVITE\r\n", re.IGNORECASE)


def waits(file: Path) -> list[float]:
    """Give the seconds each answered call waited: INVITE in to INVITE out, and 200 in to 200 out.

    Calls are told apart by the user of From; of what was sent more than once the first counts.
    """
    seen: dict[tuple[bytes, bytes, bool], float] = {}
    for at, out, data in packets(file):
        start = data[:7]
        if start in {b"INVITE ", b"SIP/2.0"} and (start == b"INVITE " or data[8:11] == b"200"):
            call = _CALL.search(data)
            if call and _INVITE.search(data):
                seen.setdefault((call[1], start, out), at)
    found: list[float] = []
    for user, start, out in list(seen):
        if start == b"SIP/2.0" and out:
            times = [seen.get((user, what, way)) for what in (b"INVITE ", b"SIP/2.0") for way in (False, True)]
            if None not in times:
                invite_in, invite_out, ok_in, ok_out = (time for time in times if time is not None)
                found.append(invite_out - invite_in + ok_out - ok_in)
    return found


def packets(file: Path) -> Iterator[tuple[float, bool, bytes]]:
    """Yield time in seconds, whether it left, and the UDP payload of each IPv4 packet."""
    data = file.read_bytes()
    magic, *_, link = FILE.unpack_from(data)
    if magic not in {MICROSECONDS, NANOSECONDS} or link != LINUX_SLL2:
        raise ValueError(f"{file} is no capture of all interfaces: magic {magic:x}, link {link}")
    part = 1e-9 if magic == NANOSECONDS else 1e-6
    at = FILE.size
    while at + RECORD.size <= len(data):
        seconds, fraction, captured, _ = RECORD.unpack_from(data, at)
        at += RECORD.size
        frame = data[at : at + captured]
        at += captured
        header = (frame[COOKED] & 0xF) * 4
        yield seconds + fraction * part, frame[DIRECTION] == OUTGOING, frame[COOKED + header + 8 :]
