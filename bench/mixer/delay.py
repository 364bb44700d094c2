"""How much later something leaves the mixer than it came: from the packet that changes to the packet that shows it."""

from __future__ import annotations

import select
import struct
import time
from collections.abc import Callable, Sequence

from bench.mixer.load import record
from mixer.wire import Address, Format, Join, Media, Scene, Scenes, Sound, Stream, Tile, Watch
from tests.mixer.worker.world import Worker, bound

QUIET = 75
"""Units (blocks or pictures) before the change: the room has settled by then."""
AFTER = 50
LARGE = 700
"""Octets of a packet of noise; one of a black picture that stays the same is far smaller."""
LOUD = 0x40
"""Of 127: the magnitude in A-law of a loud sample, whose even bits are turned (G.711)."""

SPOKEN, SEEN = Format("pcma", 8), Format("h264", 96)

Unit = Sequence[bytes]
"""The payloads of one block or picture."""


def sound_delay() -> float:
    """Give milliseconds from the first loud packet to the first loud packet out (PCMA to PCMA)."""
    return _delay("audio", SPOKEN, knock(QUIET), (160, 0.02), is_loud)


def video_delay() -> float:
    """Give milliseconds from the first picture of noise to the first large packet out (H.264 to H.264)."""
    return _delay("video", SEEN, flash(QUIET), (3600, 0.04), is_large)


def knock(quiet: int) -> Sequence[Unit]:
    """Give so many blocks of silence, and then loud ones."""
    silence, loud = bytes([0xD5]) * 160, (bytes([0xAA]) * 8 + bytes([0x2A]) * 8) * 10  # 500 Hz
    return [[silence]] * quiet + [[loud]] * AFTER


def flash(quiet: int) -> Sequence[Unit]:
    """Give so many black pictures, and then noise."""
    caps = "video/x-raw,format=I420,width=640,height=360,framerate=25/1"
    packets = record(
        f"concat name=c ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=2000 key-int-max=1000 !"
        " video/x-h264,profile=constrained-baseline ! rtph264pay pt=96 mtu=1200 ! appsink name=sink sync=false"
        f" videotestsrc pattern=black num-buffers={quiet} ! {caps} ! c."
        f" videotestsrc pattern=snow num-buffers={AFTER} ! {caps} ! c.",
        90_000,
    )
    units: dict[int, list[bytes]] = {}
    for packet in packets:
        units.setdefault(packet.stamp, []).append(packet.payload)
    return list(units.values())


def is_large(packet: bytes) -> bool:
    """Say whether it is part of noise."""
    return len(packet) > LARGE


def is_loud(packet: bytes) -> bool:
    """Say whether a packet of PCMA is loud."""
    return sum((octet ^ 0x55) & 0x7F > LOUD for octet in packet[12:]) > 20


def _delay(
    media: Media, form: Format, units: Sequence[Unit], step: tuple[int, float], shows: Callable[[bytes], bool]
) -> float:
    ticks, seconds = step
    worker = Worker()
    ends = [bound() for _ in range(4)]
    rtp, rtcp, sink, out = ends
    try:
        sink.connect(rtp.getsockname())  # what others on this machine send is not taken for ours
        worker.start(fps=25, gain_control=False)
        to = Address("127.0.0.1", sink.getsockname()[1])
        stream = Stream(media, remote=to, remote_rtcp=to, receive=(form,), send=form, width=640, height=360)
        worker.do(Join("a", (stream,)), (rtp.fileno(), rtcp.fileno()))
        hear_and_see_himself(worker)
        began, number = time.monotonic(), 0
        changed = 0.0
        for place, unit in enumerate(units):
            if place == QUIET:
                changed = time.monotonic()
            for packet in packed(unit, form, number, place * ticks):
                out.sendto(packet, rtp.getsockname())
            number += len(unit)
            while (left := began + (place + 1) * seconds - time.monotonic()) > 0:
                if select.select([sink], [], [], left)[0] and shows(sink.recv(2000)) and changed:
                    return (time.monotonic() - changed) * 1000
    finally:
        worker.close()
        for one in ends:
            one.close()
    raise RuntimeError(f"the change of {media} never came out")


def packed(unit: Unit, form: Format, number: int, stamp: int) -> list[bytes]:
    """Give the RTP packets of a unit, numbered from here."""
    last = len(unit) - 1
    heads = (
        struct.pack("!BBHII", 0x80, (at == last) << 7 | form.payload_type, number + at, stamp, 7)
        for at in range(len(unit))
    )
    return [head + payload for head, payload in zip(heads, unit, strict=True)]


def hear_and_see_himself(worker: Worker) -> None:
    """Let the one who is there hear and see himself."""
    worker.do(Sound("a", echo=True))
    worker.do(Scenes((Scene("all", 640, 360, (Tile(0, 0, 640, 360, "a"),)),), (Watch("a", "all"),)))
