"""How much is sent to each receiver: a rate from what he reports, and one of a few classes from the rate. Pure.

Debian's media engine has no estimator of bandwidth. What receivers report once a second is enough to leave a congested
line quickly and come back slowly; and a receiver who estimates himself (REMB, TMMBR) is believed. Classes are few, so
that receivers share encoders.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

CLASSES = (96, 192, 384, 768, 1536, 3072, 6144)
"""Kilobits a second, each twice the one before: seven encoders serve any number of receivers."""

SIZES = {90: (160, 90), 180: (320, 180), 360: (640, 360), 720: (1280, 720), 1080: (1920, 1080)}
_HEIGHTS = {96: 180, 192: 180, 384: 360, 768: 360, 1536: 720, 3072: 720, 6144: 1080}
"""The tallest picture that a rate makes look good at 25 pictures a second."""

LOSS_HIGH = 0.08
"""Fraction lost above which the line is taken as full."""
LOSS_LOW = 0.02
"""Below it, as free: radio links lose that much at any rate."""
GROWTH = 1.08
"""A second: from one class to the next in nine seconds."""
FLOOR = 64.0
SHORT = 0.8
"""Of what is sent, how much must arrive as fast as it was sent (transport-cc): less, and a queue grows on the way."""
SHORT_REPORTS = 3
"""Reports in a row that must say so: one may have caught half a picture, or a busy moment."""
LEFT = 0.95
"""Of what arrives, how much is sent from then on: the queue is to go, too."""
CALM = 5
"""Reports in a row that must be good before the rate grows again after a fall."""


@dataclass(frozen=True, slots=True)
class Send:
    """What a receiver is sent: kilobits a second, width, height, pictures a second."""

    kbps: int
    width: int
    height: int
    fps: int


class Rate:
    """The rate of one receiver, from its reports."""

    def __init__(self, limit: int) -> None:
        self._limit = float(limit)
        self._rate = float(limit)
        self._asked = float(limit)
        self._calm = CALM
        self._short = 0

    @property
    def kbps(self) -> float:
        """Kilobits a second that he may be sent."""
        return max(FLOOR, min(self._rate, self._asked, self._limit))

    def report(self, loss: float) -> None:
        """Take the fraction lost since the report before, once a second."""
        if loss > LOSS_HIGH:
            self._rate = max(FLOOR, self.kbps * (1.0 - loss / 2))
            self._calm = 0
        elif loss < LOSS_LOW:
            self._calm += 1
            if self._calm > CALM:
                self._rate = min(self._limit, self._rate * GROWTH)

    def carried(self, sent: float, arrived: float) -> None:
        """Take how fast packets were sent and how fast the same ones arrived, in kilobits a second, once a second.

        It tells of a full line before anything is lost.
        """
        self._short = self._short + 1 if arrived < SHORT * sent else 0
        if self._short >= SHORT_REPORTS:
            self._rate = max(FLOOR, min(self.kbps, LEFT * arrived))
            self._calm = self._short = 0

    def ask(self, kbps: float) -> None:
        """Take what the receiver himself says he can get (REMB, TMMBR)."""
        self._asked = max(FLOOR, kbps)


def choose(kbps: float, before: int, *, width: int, height: int, fps: int) -> Send:
    """Choose the class for a rate: the highest below it; up only with a tenth to spare, so that it does not swing.

    `before` is the class that is sent now, 0 for none.
    """
    rate = CLASSES[0]
    for step in CLASSES[1:]:
        needed = step * (0.95 if step == before else 1.1 if 0 < before < step else 1.0)
        if kbps >= needed:
            rate = step
    tallest = min(height, _HEIGHTS[rate])
    fitting = [size for size in SIZES.values() if size[1] <= tallest and size[0] <= width]
    wide, high = fitting[-1] if fitting else SIZES[90]
    return Send(rate, wide, high, fps)


def remb(fci: bytes) -> float | None:
    """Read a receiver's estimate (draft-alvestrand-rmcat-remb-03, section 2.2): kilobits a second, or None."""
    if len(fci) < 8 or fci[:4] != b"REMB":
        return None
    word = int.from_bytes(fci[5:8], "big")
    return float((word & 0x3FFFF) << (word >> 18)) / 1000


def tmmbr(fci: bytes) -> float | None:
    """Read a request of RFC 5104, section 4.2.1: kilobits a second of its first entry, or None."""
    if len(fci) < 8:
        return None
    (word,) = struct.unpack("!I", fci[4:8])
    return float(((word >> 9) & 0x1FFFF) << (word >> 26)) / 1000
