"""Participants made of packets: clips that are encoded once, and replayed to every port.

One who follows does as room systems do: told by TMMBR how much it may send, it sends the largest picture that looks
good at that rate, from its next picture on, and begins with a key picture.
"""

from __future__ import annotations

import heapq
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from bench.mixer.person import person
from mixer.wire import Address, Encoding, Feedback, Format, Join, Stream
from mixer.worker.adaptation import tmmbr
from mixer.worker.engine import Gst, load
from tests.mixer.worker.world import Worker, bound

SECONDS = 4
"""Of a clip, which then begins anew with its key picture."""
KBPS = {180: 250, 360: 380, 720: 1300, 1080: 2500}
LEAST = {180: 0, 360: 300, 720: 1000, 1080: 2000}
"""Kilobits a second under which a room system sends a smaller picture than that."""
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
    encoding: Encoding = "opus"
    width: int = 0
    height: int = 0
    fps: int = 0


_ENCODERS: dict[Encoding, str] = {
    "h264": "x264enc tune=zerolatency speed-preset=veryfast bitrate={kbps} key-int-max=100000 threads=2 !"
    " video/x-h264,profile=constrained-baseline !"
    " rtph264pay pt=96 mtu=1200 timestamp-offset=0 aggregate-mode=zero-latency",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast bitrate={kbps} key-int-max=100000"
    " option-string=log-level=none ! video/x-h265 ! rtph265pay pt=96 mtu=1200 timestamp-offset=0",
    "vp8": "vp8enc deadline=1 cpu-used=8 target-bitrate={kbps}000 end-usage=cbr keyframe-max-dist=100000 threads=2 !"
    " rtpvp8pay pt=96 mtu=1200 timestamp-offset=0",
}


@lru_cache
def video_clip(height: int, fps: int, *, restless: bool = False, encoding: Encoding = "h264") -> Clip:
    """Make the picture of a person who speaks; restless: of what moves everywhere, with noise in it."""
    width = height * 16 // 9
    form = f"video/x-raw,format=I420,width={width},height={height},framerate={fps}/1"
    bars = f"videotestsrc pattern=smpte horizontal-speed=3 num-buffers={SECONDS * fps} ! {form}"
    source = f"appsrc name=source format=time do-timestamp=false block=true max-bytes=10000000 caps={form}"
    made = _ENCODERS[encoding].format(kbps=KBPS[height])
    launch = f"{bars if restless else source} ! {made} ! appsink name=sink sync=false"
    pictures = None if restless else person(width, height, SECONDS * fps, fps)
    return Clip(record(launch, 90_000, pictures, fps), 90_000, 96, encoding, width, height, fps)


def sound_clip(*, silent: bool = False) -> Clip:
    """Make a voice-like sound, or silence."""
    source = "wave=silence" if silent else "wave=pink-noise volume=0.3"
    launch = (
        f"audiotestsrc {source} samplesperbuffer=960 num-buffers={SECONDS * 50} !"
        " audio/x-raw,rate=48000,channels=1 ! opusenc bitrate=32000 audio-type=voice !"
        " rtpopuspay pt=111 timestamp-offset=0 ! appsink name=sink sync=false"
    )
    return Clip(record(launch, 48_000), 48_000, 111)


def record(launch: str, clock: int, pictures: Iterator[bytes] | None = None, fps: int = 0) -> tuple[Packet, ...]:
    """Take the packets of a pipeline that ends in an appsink named `sink`; pictures go into an appsrc, `source`."""
    load()
    pipeline = Gst.parse_launch(launch)
    sink = pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    if pictures is not None:
        threading.Thread(target=_feed, args=(pipeline.get_by_name("source"), pictures, fps), daemon=True).start()
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


def _feed(source: Gst.Element, pictures: Iterator[bytes], fps: int) -> None:
    for number, octets in enumerate(pictures):
        buffer = Gst.Buffer.new_wrapped(octets)
        buffer.pts, buffer.duration = number * Gst.SECOND // fps, Gst.SECOND // fps
        source.push_buffer(buffer)
    source.end_of_stream()


@dataclass(slots=True)
class _Sending:
    """One stream of one participant."""

    clips: Sequence[Clip]
    """What it can send, the smallest first; a camera that follows nobody has one."""
    to: tuple[str, int]
    source: int
    told: socket.socket
    """Where RTCP comes."""
    clip: Clip = field(init=False)
    began: float = 0.0
    """When the clip began, in seconds since all did."""
    number: int = 0

    def __post_init__(self) -> None:
        self.clip = self.clips[-1]

    def packets(self) -> Iterator[tuple[float, bytes]]:
        """Give packets without end, each with its moment; what was told meanwhile is heeded picture by picture."""
        while True:
            for packet in self.clip.packets:
                moment = self.began + packet.due
                yield moment, self._packed(packet, moment)
                if packet.marker and len(self.clips) > 1 and self._begins_anew():
                    self.began = moment + 1 / self.clip.fps
                    break
            else:
                self.began += SECONDS

    def _packed(self, packet: Packet, moment: float) -> bytes:
        stamp = round((moment - packet.due) * self.clip.clock) + packet.stamp & 0xFFFFFFFF
        head = struct.pack("!BBHII", 0x80, packet.marker << 7 | self.clip.payload_type, self.number, stamp, self.source)
        self.number = (self.number + 1) & 0xFFFF
        return head + packet.payload

    def _begins_anew(self) -> bool:
        """Read RTCP, and say whether another size is sent from now on, or a key picture is wanted."""
        wanted, before = False, self.clip
        try:
            while True:
                for kind, form, packet in _feedback(self.told.recv(2000)):
                    asked = tmmbr(packet[12:]) if (kind, form) == (205, 3) else None
                    if asked is not None:
                        self.clip = [one for one in self.clips if LEAST[one.height] <= asked][-1]
                    wanted = wanted or (kind, form) == (206, 1)
        except BlockingIOError:
            return wanted or self.clip is not before


def _feedback(compound: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Give type, format and octets of each packet of a compound one (RFC 4585, section 6.1)."""
    while len(compound) >= 4:
        size = 4 * int.from_bytes(compound[2:4], "big") + 4
        yield compound[1], compound[0] & 31, compound[:size]
        compound = compound[size:]


class Player(threading.Thread):
    """Let so many participants join a room and replay clips; pictures and sound that are sent to them nobody reads."""

    def __init__(self, worker: Worker, people: int, video: Clip, sound: Clip, *, smaller: Sequence[Clip] = ()) -> None:
        """`smaller` are the pictures that they send where they are told to, the smallest first."""
        super().__init__(daemon=True)
        self.joins: list[tuple[Join, tuple[int, ...]]] = []
        """How each came in, with his sockets: he may come again."""
        silence = sound_clip(silent=True)
        self._sockets: list[socket.socket] = []
        self._sending: list[_Sending] = []
        self._out = bound()
        self._stopping = False
        for number in range(people):
            choices: tuple[Sequence[Clip], ...] = ((sound if number < SPEAKERS else silence,), (*smaller, video))
            streams, descriptors = [], []
            for clips in choices:
                theirs = (bound(), bound())
                sink, told = bound(), bound()
                told.setblocking(False)
                self._sockets += [*theirs, sink, told]
                descriptors += [one.fileno() for one in theirs]
                streams.append(_stream(clips, (sink, told)))
                self._sending.append(_Sending(clips, theirs[0].getsockname(), 1000 + len(self._sending), told))
            self.joins.append((Join(f"p{number}", tuple(streams)), tuple(descriptors)))
            worker.do(*self.joins[-1])

    @property
    def heights(self) -> tuple[int, ...]:
        """Rows of pixels of what each camera sends now."""
        return tuple(one.clip.height for one in self._sending if one.clip.height)

    def run(self) -> None:
        """Replay until `stop`: all packets of a moment at once, as cameras that run at one pace send them."""
        began = time.monotonic()
        streams = [(one, one.packets()) for one in self._sending]
        firsts = [next(packets) for _, packets in streams]
        due = [(moment, place, packet) for place, (moment, packet) in enumerate(firsts)]
        heapq.heapify(due)
        while not self._stopping:
            moment, place, packet = due[0]
            wait = began + moment - time.monotonic()
            if wait > 0:
                time.sleep(wait)
                continue
            one, packets = streams[place]
            self._out.sendto(packet, one.to)
            following, packet = next(packets)
            heapq.heapreplace(due, (following, place, packet))

    def stop(self) -> None:
        """End it."""
        self._stopping = True
        if self.is_alive():
            self.join()
        for one in (*self._sockets, self._out):
            one.close()


def _stream(clips: Sequence[Clip], here: tuple[socket.socket, socket.socket]) -> Stream:
    clip = clips[-1]
    video = clip.clock == 90_000
    form = Format(clip.encoding, clip.payload_type)
    rtp, rtcp = (Address("127.0.0.1", one.getsockname()[1]) for one in here)
    follows: frozenset[Feedback] = frozenset({"tmmbr", "pli"} if len(clips) > 1 else ())
    return Stream(
        "video" if video else "audio",
        remote=rtp,
        remote_rtcp=rtcp,
        receive=(form,),
        send=form,
        feedback=follows,
        kbps={360: 768, 720: 1536, 1080: 3072}.get(clip.height, 64),
        width=clip.width or 16,
        height=clip.height or 16,
    )
