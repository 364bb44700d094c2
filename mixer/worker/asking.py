"""What each sender is asked for: no more than the places he is shown in can use. Pure.

Decoding is the largest part of what a room costs, and grows with the picture. A sender who is told that he may send
less (TMMBR or REMB, where agreed) sends a smaller picture soon; one who is shown larger is told at once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from mixer.wire import Media, Scene

ENOUGH = ((90, 128), (180, 256), (360, 384))
"""Rows of pixels of a place, and the kilobits a second at which room systems send a picture that fills it and no larger
one. Less than the first is never asked for: there are systems that send nothing then."""

UNBOUNDED = 20_000
"""Kilobits a second that mean: as much as the session allows."""

PATIENCE = 10_000_000_000
"""Nanoseconds that somebody must have been shown smaller before he is asked for less: two who speak in turn are not
asked for another picture each time."""

_EMPTY_REPORT = 0x80, 201, 1
_CNAME = 1
_RATE_BITS_TMMBR, _RATE_BITS_REMB = 17, 18

Camera = tuple[str, Media]


class Wish:
    """What one sender is asked for: what fills his place, and never more than a line. Times: nanoseconds.

    More is asked for at once; less for a smaller place only when he has stood there for a while.
    """

    def __init__(self) -> None:
        self._fills: int | None = None
        """Kilobits a second that are asked for his place; None before the first."""
        self._wanted = self._line = UNBOUNDED
        self._since = 0
        """From when on less would have filled it."""

    @property
    def kbps(self) -> int:
        """Kilobits a second that he is asked for now."""
        return min(UNBOUNDED if self._fills is None else self._fills, self._line)

    def tell(self, fills: int, line: int, now: int) -> bool:
        """Take what fills his place and what a line carries; says whether another rate is asked for from now on."""
        before = self.kbps
        if fills != self._wanted:
            self._since = now
        self._wanted, self._line = fills, line
        if self._fills is None or fills > self._fills:
            self._fills = fills
        self.look(now)
        return self.kbps != before

    def look(self, now: int) -> None:
        """Ask for less where it is time to, once a second."""
        if self._fills is not None and self._wanted < self._fills and now - self._since >= PATIENCE:
            self._fills = self._wanted


def rows(scenes: Iterable[Scene]) -> dict[Camera, int]:
    """Give how many rows of pixels each camera or content fills at most in these views."""
    most: dict[Camera, int] = {}
    for tile in (tile for scene in scenes for tile in scene.tiles if tile.participant):
        camera: Camera = (tile.participant, tile.source)
        most[camera] = max(most.get(camera, 0), tile.height)
    return most


def enough(high: int) -> int:
    """Give the kilobits a second that fill a place of so many rows of pixels."""
    return next((kbps for most, kbps in ENOUGH if high <= most), UNBOUNDED)


def request(kind: str, kbps: int, *, ours: int, theirs: int, name: str) -> bytes:
    """Write the RTCP packets that ask the source `theirs` for no more: `kind` is `tmmbr` or `remb`.

    A compound packet (RFC 3550, section 6.1): an empty receiver report, our name, and the request.
    """
    if kind == "tmmbr":  # RFC 5104, section 4.2.1; 40 octets of overhead a packet: IPv4, UDP and RTP
        exponent, mantissa = _floating(kbps * 1000, _RATE_BITS_TMMBR)
        asked = struct.pack("!BBHIII", 0x83, 205, 4, ours, 0, theirs)
        asked += struct.pack("!I", exponent << 26 | mantissa << 9 | 40)
    else:  # draft-alvestrand-rmcat-remb-03, section 2.2
        exponent, mantissa = _floating(kbps * 1000, _RATE_BITS_REMB)
        asked = struct.pack("!BBHII", 0x8F, 206, 5, ours, 0) + b"REMB"
        asked += struct.pack("!II", 1 << 24 | exponent << 18 | mantissa, theirs)
    return struct.pack("!BBHI", *_EMPTY_REPORT, ours) + _described(ours, name) + asked


def notice(owner: int, word: bytes, *, ours: int, name: str) -> bytes:
    """Write the RTCP packets that tell who has bounded us that we heed it (TMMBN, RFC 5104 section 4.2.2).

    `word` is the bound as he wrote it: rate and overhead.
    """
    noticed = struct.pack("!BBHIII", 0x84, 205, 4, ours, 0, owner) + word
    return struct.pack("!BBHI", *_EMPTY_REPORT, ours) + _described(ours, name) + noticed


def _described(source: int, name: str) -> bytes:
    """Write the SDES packet (RFC 3550, section 6.5): one item, padded with at least one zero to whole words."""
    text = name.encode()[:255]
    item = struct.pack("!IBB", source, _CNAME, len(text)) + text
    item += bytes(4 - len(item) % 4)
    return struct.pack("!BBH", 0x81, 202, len(item) // 4) + item


def _floating(rate: int, bits: int) -> tuple[int, int]:
    exponent = max(0, rate.bit_length() - bits)
    return exponent, rate >> exponent
