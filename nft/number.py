"""Pinholes as packet marks.

A pinhole is one UDP port of the gateway on one media address. Its number is the 32-bit mark that its packets carry::

    zone (8 bits, 1..254) | class (2 bits) | media address of the zone (6 bits) | UDP port (16 bits)

so a mark alone tells the zone (``ip rule fwmark 0xZZ000000/0xff000000 lookup TABLE`` picks that zone's routes), the
source address with which a packet leaves (its upper half), and how it is marked for routers (RFC 2474). 0 is not media.
``LOCAL`` takes the place of a pinhole where a packet is to be delivered to a socket on this machine.
"""

from __future__ import annotations

from typing import NewType

from nft.errors import ModelError

Number = NewType("Number", int)

LOCAL = Number(0xFF00_0000)  # "deliver to a socket here": zone 255 is no zone
ZONE_MASK = 0xFF00_0000
ADDRESS_MASK = 0xFFFF_0000
PASSING = 0x00FF_0000  # with a zone, in place of address and port: a packet that the policy lets pass into that zone
MAX_ZONE = 254
MAX_ADDRESS = 255  # of a class and a media address together
MAX_MEDIA_ADDRESS = 63  # of a zone: 64 with 5,000 streams each, more than the relay's sets hold
CLASSES = ("video", "audio", "control")
"""By their numbers; what is neither picture nor sound is control."""


def number(zone: int, index: int, port: int) -> Number:
    """Return the pinhole number of a port (1..65535) on a zone's (1..254) media address (0..255)."""
    if not 1 <= zone <= MAX_ZONE:
        raise ModelError(f"zone index {zone} is not in 1..{MAX_ZONE}")
    if not 0 <= index <= MAX_ADDRESS:
        raise ModelError(f"index {index} is not in 0..{MAX_ADDRESS}")
    if not 1 <= port <= 0xFFFF:
        raise ModelError(f"port {port} is not in 1..65535")
    return Number(zone << 24 | index << 16 | port)


def classed(index: int, kind: int) -> int:
    """Return the byte of a media address (0..63) with the number of a class."""
    return kind << 6 | index


def zone_mark(zone: int) -> int:
    """Return the mark that stands for a zone alone: what ``ip rule fwmark`` compares under ``ZONE_MASK``."""
    return number(zone, 0, 1) & ZONE_MASK


def passing_mark(zone: int) -> int:
    """Return the mark of a packet that the policy lets pass into a zone; no pinhole has it, as no port is 0."""
    return zone_mark(zone) | PASSING
