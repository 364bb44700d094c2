"""How far lips and voice are apart for who receives both.

Somebody turns bright and loud in one moment; the other end puts picture and sound back together by what RTCP says of
their clocks (RFC 3550, section 6.4.1), as players do.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.mixer.delay import SEEN, SPOKEN, Unit, flash, hear_and_see_himself, is_large, is_loud, knock, packed
from mixer.wire import Address, Format, Join, Media, Stream
from tests.mixer.worker.world import PATIENCE, Worker, bound

SENDER_REPORT = 200
BEGIN = 2.0
"""Seconds before the change: the room has settled by then, and reports have come."""


@dataclass(slots=True)
class _Line:
    """One stream, both ways, and what has come of it at the other end."""

    media: Media
    form: Format
    units: Sequence[Unit]
    ticks: int
    seconds: float
    shows: Callable[[bytes], bool]
    ends: tuple[socket.socket, ...]
    """Of the mixer RTP and RTCP; of the other end the same."""
    sent: int = 0
    number: int = 0
    report: tuple[float, int] | None = None
    """Seconds of the sender's clock, and the RTP time stamp that goes with them."""
    changed: int | None = None
    """The time stamp of the first packet that shows the change."""

    @property
    def stream(self) -> Stream:
        rtp, rtcp = (Address("127.0.0.1", one.getsockname()[1]) for one in self.ends[2:])
        return Stream(
            self.media, remote=rtp, remote_rtcp=rtcp, receive=(self.form,), send=self.form, width=640, height=360
        )

    def send(self, out: socket.socket, elapsed: float) -> None:
        """Send what is due."""
        while self.sent < len(self.units) and elapsed >= self.sent * self.seconds:
            unit = self.units[self.sent]
            for packet in packed(unit, self.form, self.number, self.sent * self.ticks):
                out.sendto(packet, self.ends[0].getsockname())
            self.number += len(unit)
            self.sent += 1

    def read(self) -> None:
        """Take what has come."""
        if select.select([self.ends[2]], [], [], 0)[0]:
            packet = self.ends[2].recv(2000)
            if self.changed is None and self.sent * self.seconds > BEGIN and self.shows(packet):
                (self.changed,) = struct.unpack_from("!I", packet, 4)
        if select.select([self.ends[3]], [], [], 0)[0]:
            packet = self.ends[3].recv(2000)
            if packet[1] == SENDER_REPORT:
                whole, fraction, stamp = struct.unpack_from("!III", packet, 8)
                self.report = whole + fraction / 2**32, stamp

    def moment(self) -> float | None:
        """Give when, by the sender's clock, the change is to be seen or heard."""
        if self.report is None or self.changed is None:
            return None
        at, stamp = self.report
        ahead = (self.changed - stamp + 2**31) % 2**32 - 2**31
        return at + ahead * self.seconds / self.ticks


def sound_after_picture() -> float:
    """Give milliseconds by which sound is late against the picture; below 0 it is early."""
    worker, out = Worker(), bound()
    lines = [
        _Line("audio", SPOKEN, knock(int(BEGIN / 0.02)), 160, 0.02, is_loud, tuple(bound() for _ in range(4))),
        _Line("video", SEEN, flash(int(BEGIN / 0.04)), 3600, 0.04, is_large, tuple(bound() for _ in range(4))),
    ]
    try:
        worker.start(fps=25, gain_control=False)
        theirs = tuple(one.fileno() for line in lines for one in line.ends[:2])
        worker.do(Join("a", tuple(line.stream for line in lines)), theirs)
        hear_and_see_himself(worker)
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < PATIENCE:
            for line in lines:
                line.send(out, elapsed)
                line.read()
            heard, seen = (line.moment() for line in lines)
            if heard is not None and seen is not None:
                return (heard - seen) * 1000
            select.select([one for line in lines for one in line.ends[2:]], [], [], 0.005)
    finally:
        worker.close()
        for one in (out, *(one for line in lines for one in line.ends)):
            one.close()
    raise RuntimeError("the change never came out of the mixer, or no reports did")
