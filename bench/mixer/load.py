"""Participants made of packets: clips that are encoded once, and replayed to every port."""

from __future__ import annotations

import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import NamedTuple

from mixer.wire import Address, Format, Join, Stream
from mixer.worker.engine import Gst, load
from tests.mixer.worker.world import Worker, bound

SECONDS = 4
"""Of a clip, which then begins anew with its key picture."""
KBPS = {360: 600, 720: 1300, 1080: 2500}
SPEAKERS = 3
"""Who sends sound that is mixed; the others send silence."""


class Packet(NamedTuple):
    """One packet of a clip."""

    due: float
    """Seconds from the start."""
    stamp: int
    marker: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class Clip:
    """Packets of some seconds."""

    packets: tuple[Packet, ...]
    clock: int
    payload_type: int
    width: int = 0
    height: int = 0


def video_clip(height: int, fps: int) -> Clip:
    """Make a moving picture with some noise in it."""
    width = height * 16 // 9
    launch = (
        f"videotestsrc pattern=smpte horizontal-speed=3 num-buffers={SECONDS * fps} !"
        f" video/x-raw,format=I420,width={width},height={height},framerate={fps}/1 !"
        f" x264enc tune=zerolatency speed-preset=veryfast bitrate={KBPS[height]} key-int-max=100000 threads=2 !"
        " video/x-h264,profile=constrained-baseline !"
        " rtph264pay pt=96 mtu=1200 timestamp-offset=0 aggregate-mode=zero-latency ! appsink name=sink sync=false"
    )
    return Clip(record(launch, 90_000), 90_000, 96, width, height)


def sound_clip(*, silent: bool = False) -> Clip:
    """Make a voice-like sound, or silence."""
    source = "wave=silence" if silent else "wave=pink-noise volume=0.3"
    launch = (
        f"audiotestsrc {source} samplesperbuffer=960 num-buffers={SECONDS * 50} !"
        " audio/x-raw,rate=48000,channels=1 ! opusenc bitrate=32000 audio-type=voice !"
        " rtpopuspay pt=111 timestamp-offset=0 ! appsink name=sink sync=false"
    )
    return Clip(record(launch, 48_000), 48_000, 111)


def record(launch: str, clock: int) -> tuple[Packet, ...]:
    """Take the packets of a pipeline that ends in an appsink named `sink`."""
    load()
    pipeline = Gst.parse_launch(launch)
    sink = pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    packets: list[Packet] = []
    first: int | None = None
    while (sample := sink.pull_sample()) is not None:
        buffer = sample.get_buffer()
        octets = bytes(buffer.extract_dup(0, buffer.get_size()))
        stamp = int.from_bytes(octets[4:8], "big")
        first = stamp if first is None else first
        packets.append(Packet((stamp - first) / clock, stamp - first, bool(octets[1] & 0x80), octets[12:]))
    pipeline.set_state(Gst.State.NULL)
    return tuple(packets)


@dataclass(slots=True)
class _Sending:
    clip: Clip
    to: tuple[str, int]
    source: int
    number: int = 0


class Player(threading.Thread):
    """Let so many participants join a room and replay clips; what is sent to them nobody reads."""

    def __init__(self, worker: Worker, people: int, video: Clip, sound: Clip, *, height: int = 0) -> None:
        """`height` is that of the pictures that they are sent; 0: as they send."""
        super().__init__(daemon=True)
        self.joins: list[tuple[Join, tuple[int, ...]]] = []
        """How each came in, with his sockets: he may come again."""
        silence = sound_clip(silent=True)
        self._sockets: list[socket.socket] = []
        self._sending: list[_Sending] = []
        self._out = bound()
        self._stopping = False
        for number in range(people):
            clips = (sound if number < SPEAKERS else silence, video)
            streams, descriptors = [], []
            for clip in clips:
                theirs = (bound(), bound())
                sink = bound()
                self._sockets += [*theirs, sink]
                descriptors += [one.fileno() for one in theirs]
                streams.append(_stream(clip, sink.getsockname()[1], height or clip.height))
                self._sending.append(_Sending(clip, theirs[0].getsockname(), 1000 + len(self._sending)))
            self.joins.append((Join(f"p{number}", tuple(streams)), tuple(descriptors)))
            worker.do(*self.joins[-1])

    def run(self) -> None:
        """Replay until `stop`: all packets of a moment at once, as cameras that run at one pace send them."""
        began, turn = time.monotonic(), 0
        due = sorted(
            ((packet.due, place, packet) for place, one in enumerate(self._sending) for packet in one.clip.packets),
            key=lambda one: one[:2],
        )
        while not self._stopping:
            for moment, place, packet in due:
                wait = began + turn * SECONDS + moment - time.monotonic()
                if wait > 0:
                    time.sleep(wait)
                if self._stopping:
                    return
                one = self._sending[place]
                stamped = (packet.stamp + turn * SECONDS * one.clip.clock) & 0xFFFFFFFF
                kind = packet.marker << 7 | one.clip.payload_type
                head = struct.pack("!BBHII", 0x80, kind, one.number, stamped, one.source)
                one.number = (one.number + 1) & 0xFFFF
                self._out.sendto(head + packet.payload, one.to)
            turn += 1

    def stop(self) -> None:
        """End it."""
        self._stopping = True
        if self.is_alive():
            self.join()
        for one in (*self._sockets, self._out):
            one.close()


def _stream(clip: Clip, port: int, height: int) -> Stream:
    video = clip.clock == 90_000
    form = Format("h264" if video else "opus", clip.payload_type)
    return Stream(
        "video" if video else "audio",
        remote=Address("127.0.0.1", port),
        remote_rtcp=Address("127.0.0.1", port),
        receive=(form,),
        send=form,
        kbps={360: 768, 720: 1536, 1080: 3072}.get(height, 64) if video else 64,
        width=height * 16 // 9 if video else 16,
        height=height if video else 16,
    )
