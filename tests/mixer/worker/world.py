"""A room worker as a process, and participants who send a colour and a tone, and judge what they get."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from mixer import channel
from mixer.reports import AgentCodec, Done, Failed, FromWorker, Ready
from mixer.wire import Address, Encoding, Encryption, Feedback, Format, Join, Media, Start, Stop, Stream, ToWorker
from mixer.worker.engine import Gst, GstVideo, load
from mixer.worker.formats import TRANSPORT_CC
from mixer.worker.srtp import srtp_decoder, srtp_encoder

M = TypeVar("M", bound=FromWorker)

NUMBERED = 3
"""The header extension of transport-wide sequence numbers, where there is one."""
PATIENCE = 20.0
"""Seconds anything may take on a busy machine."""

TYPES = {"opus": 111, "g722": 9, "pcma": 8, "pcmu": 0, "h264": 96, "vp8": 97, "h265": 98}
COLOURS = {"red": (81, 90, 240), "green": (145, 54, 34), "blue": (41, 240, 110), "white": (235, 128, 128)}
"""Y, U, V (BT.601)."""


class Worker:
    """A worker process, seen from the agent."""

    def __init__(self, *options: str) -> None:
        self.control, theirs = channel.pair()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mixer.worker", "--control", str(theirs.fileno()), *options],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "VDX_PURE": "1"},
        )
        theirs.close()
        self.said: list[FromWorker] = []
        self._number = 0

    def start(self, **settings: object) -> None:
        """Wait until it is ready and make it a room."""
        self.wait(Ready)
        self.start_room(**settings)

    def start_room(self, **settings: object) -> None:
        """Make it a room, once it is ready."""
        self.do(Start("room", **{"fps": 15, **settings}))  # type: ignore[arg-type]

    def send(self, message: ToWorker, descriptors: tuple[int, ...] = ()) -> None:
        channel.send(self.control, AgentCodec.encode(message), descriptors)

    def do(self, message: ToWorker, descriptors: tuple[int, ...] = ()) -> None:
        """Send a command and wait until it is done; raises AssertionError where it failed."""
        self._number += 1
        number = self._number
        self.send(_numbered(message, number), descriptors)
        answer = self.until(lambda one: isinstance(one, Done | Failed) and one.id == number)
        assert isinstance(answer, Done), answer

    def wait(self, kind: type[M], test: Callable[[M], bool] = lambda _: True) -> M:
        """Wait for the next message of a kind that passes a test."""
        found = self.until(lambda one: isinstance(one, kind) and test(one))
        assert isinstance(found, kind)
        return found

    def until(self, test: Callable[[FromWorker], bool]) -> FromWorker:
        deadline = time.monotonic() + PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            for message in self.read(left):
                if test(message):
                    return message
        raise AssertionError(f"nothing of the kind in {PATIENCE} s; last: {self.said[-5:]}")

    def read(self, seconds: float) -> Iterator[FromWorker]:
        """Give what comes within some time."""
        if not select.select([self.control], [], [], seconds)[0]:
            return
        received = channel.receive(self.control)
        assert received is not None, f"the worker has gone, status {self.process.wait(PATIENCE)}"
        message = AgentCodec.decode(received.data)
        self.said.append(message)
        yield message

    def threads(self) -> Iterator[tuple[str, float]]:
        """Give the name of each thread and the seconds of processor time it has used."""
        tick = os.sysconf("SC_CLK_TCK")
        for folder in (Path("/proc") / str(self.process.pid) / "task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                stat = (folder / "stat").read_text()
                used = stat[stat.rindex(")") + 2 :].split()
                yield stat[stat.index("(") + 1 : stat.rindex(")")], (int(used[11]) + int(used[12])) / tick

    def close(self) -> None:
        """End it, whatever it does."""
        self.control.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


def _numbered(message: ToWorker, number: int) -> ToWorker:
    return msgspec.structs.replace(message, id=number)


def bound(host: str = "127.0.0.1") -> socket.socket:
    """Give a UDP socket on a free port of the loopback."""
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((host, 0))
    return one


class End:
    """One stream of a participant, both ways, by the engine's own elements."""

    def __init__(  # noqa: PLR0913 - a stream has so many sides, and each test names the ones it is about
        self,
        media: Media,
        encoding: Encoding,
        *,
        tone: float = 0.0,
        colour: str = "",
        size: tuple[int, int] = (320, 180),
        feedback: frozenset[Feedback] = frozenset({"pli", "nack"}),
        encryption: Encryption | None = None,
        source: str = "",
        profile: str = "baseline",
        packetization_mode: int = 1,
        rtx: int | None = None,
        loss: float = 0.0,
        host: str = "127.0.0.1",
        mux: bool = False,
    ) -> None:
        load()
        self.media: Media = media
        self.encoding = encoding
        self.host = host
        self.theirs = (bound(host), bound(host))
        self.ours = (bound(host), bound(host))
        self.rtx, self.loss = rtx, loss
        self.sound: list[NDArray[np.float32]] = []
        self.packets: list[tuple[float, int, int, int]] = []
        self.frame: NDArray[np.uint8] | None = None
        self.frame_size = (0, 0)
        self.frames = 0
        form = Format(encoding, TYPES[encoding], profile=profile, packetization_mode=packetization_mode, rtx=rtx)  # type: ignore[arg-type]
        self.stream = Stream(
            media,
            remote=Address(host, self.ours[0].getsockname()[1]),
            remote_rtcp=None if mux else Address(host, self.ours[1].getsockname()[1]),
            rtcp=not mux,
            receive=(form,),
            send=form,
            telephone_event=101 if media == "audio" else None,
            feedback=feedback if media != "audio" else frozenset(),
            encryption=encryption,
            transport_cc=NUMBERED if "transport-cc" in feedback else 0,
            width=size[0],
            height=size[1],
            kbps=400,
        )
        self._pipeline = Gst.parse_launch(self._launch(source or self._source(tone, colour, size)))
        self.bin = self._pipeline.get_by_name("b")
        self.bin.connect("request-pt-map", self._caps)
        self.bin.connect("pad-added", self._added)
        self.repeated = 0
        if rtx is not None:
            incoming = self._pipeline.get_by_name("rtp_in").get_static_pad("src")
            incoming.add_probe(Gst.PadProbeType.BUFFER, self._count)
        if encryption is not None:
            self._encrypt(encryption)
        self._pads: list[object] = []

    @property
    def descriptors(self) -> tuple[int, ...]:
        return tuple(one.fileno() for one in self.theirs[: 1 + self.stream.rtcp])

    def play(self) -> None:
        self._pipeline.set_state(Gst.State.PLAYING)

    def close(self) -> None:
        self._pipeline.set_state(Gst.State.NULL)
        self._pads.clear()
        del self._pipeline  # its signals hold us, and we hold it: no collector sees that ring
        for one in (*self.theirs, *self.ours):
            one.close()

    def named(self, name: str) -> Gst.Element:
        """Give the element of a name."""
        return self._pipeline.get_by_name(name)

    def element(self, kind: str) -> Gst.Element:
        """Give the element of a kind."""
        return next(one for one in self._pipeline.iterate_recurse() if one.get_factory().get_name() == kind)

    def ask_keyframe(self) -> None:
        for pad in self._pads:
            pad.send_event(GstVideo.video_event_new_upstream_force_key_unit(Gst.CLOCK_TIME_NONE, True, 0))  # type: ignore[attr-defined]

    def _source(self, tone: float, colour: str, size: tuple[int, int]) -> str:
        if self.media == "audio":
            return (
                f"audiotestsrc is-live=true freq={tone or 440} volume={0.3 if tone else 0.0} samplesperbuffer=960 !"
                " audio/x-raw,rate=48000,channels=1 ! audioresample"
            )
        return (
            f"videotestsrc is-live=true pattern=solid-color foreground-color={_rgb(*COLOURS[colour or 'white'])} !"
            f" video/x-raw,format=I420,width={size[0]},height={size[1]},framerate=15/1"
        )

    def _launch(self, source: str) -> str:
        pt = TYPES[self.encoding]
        ours, theirs = ([one.getsockname()[1] for one in pair] for pair in (self.ours, self.theirs))
        reports = theirs[int(self.stream.rtcp)]
        for one in self.ours:
            one.close()
        encode = {
            "opus": f"opusenc ! rtpopuspay pt={pt}",
            "g722": f"audio/x-raw,rate=16000 ! avenc_g722 ! rtpg722pay pt={pt}",
            "pcma": f"audio/x-raw,rate=8000 ! alawenc ! rtppcmapay pt={pt} min-ptime=20000000 max-ptime=20000000",
            "pcmu": f"audio/x-raw,rate=8000 ! mulawenc ! rtppcmupay pt={pt} min-ptime=20000000 max-ptime=20000000",
            "h264": f"x264enc tune=zerolatency speed-preset=ultrafast bitrate=300 key-int-max=1000 threads=1 !"
            f" video/x-h264,profile=constrained-baseline ! rtph264pay pt={pt} config-interval=-1 mtu=1200",
            "h265": "x265enc tune=zerolatency speed-preset=ultrafast bitrate=300 option-string=log-level=none !"
            f" rtph265pay pt={pt} config-interval=-1 mtu=1200",
            "vp8": f"vp8enc deadline=1 target-bitrate=300000 keyframe-max-dist=1000 ! rtpvp8pay pt={pt} mtu=1200",
        }[self.encoding]
        quick = f" host={self.host} sync=false async=false"
        return (
            f"rtpbin name=b rtp-profile={'avpf' if self.stream.feedback else 'avp'} "
            f"do-retransmission={bool(self.rtx)} do-lost=true "
            f"{source} ! {encode} ! b.send_rtp_sink_0 "
            f"b.send_rtp_src_0 ! udpsink name=rtp_out port={theirs[0]} bind-port={ours[0]}{quick} "
            f"b.send_rtcp_src_0 ! udpsink name=rtcp_out port={reports} bind-port={ours[1]}{quick} "
            f"udpsrc name=rtp_in port={ours[0]} address={self.host} caps=application/x-rtp ! "
            f"identity drop-probability={self.loss} ! b.recv_rtp_sink_0 "
            f"udpsrc name=rtcp_in port={ours[1]} address={self.host} caps=application/x-rtcp ! b.recv_rtcp_sink_0"
        )

    def _count(self, _pad: object, info: object) -> object:
        """Count packets that are sent again (RFC 4588), and take them out."""
        buffer = info.get_buffer()  # type: ignore[attr-defined]
        if buffer.extract_dup(1, 1)[0] & 127 != self.rtx:
            return Gst.PadProbeReturn.OK
        self.repeated += 1
        return Gst.PadProbeReturn.DROP

    def _encrypt(self, keys: Encryption) -> None:
        """Put encryption between RTP and the sockets: with their keys swapped, as seen from this side."""
        for kind in ("rtp", "rtcp"):
            sink = self._pipeline.get_by_name(f"{kind}_out")
            source = self._pipeline.get_by_name(f"{kind}_in")
            source.set_property("caps", Gst.Caps.from_string(f"application/x-s{kind}"))
            if kind == "rtp":
                self._locks = [srtp_encoder(keys.theirs), srtp_decoder(keys.ours)]
                for one in self._locks:
                    self._pipeline.add(one)
            lock, unlock = self._locks
            out, into = sink.get_static_pad("sink"), source.get_static_pad("src")
            before, after = out.get_peer(), into.get_peer()
            before.unlink(out)
            into.unlink(after)
            before.link(lock.request_pad_simple(f"{kind}_sink_0"))
            lock.get_static_pad(f"{kind}_src_0").link(out)
            into.link(unlock.get_static_pad(f"{kind}_sink"))
            unlock.get_static_pad(f"{kind}_src").link(after)

    def _caps(self, _bin: object, _session: int, number: int) -> object:
        media = "audio" if self.media == "audio" else "video"
        clock = {"opus": 48000, "h264": 90000, "h265": 90000, "vp8": 90000}.get(self.encoding, 8000)
        feedback = ",rtcp-fb-nack-pli=(boolean)true,rtcp-fb-nack=(boolean)true" if media == "video" else ""
        if self.stream.transport_cc:
            feedback += f',rtcp-fb-transport-cc=(boolean)true,extmap-{NUMBERED}=(string)"{TRANSPORT_CC}"'
        return Gst.Caps.from_string(
            f"application/x-rtp,media={media},encoding-name={self.encoding.upper()},clock-rate={clock},"
            f"payload={number}{feedback}"
        )

    def _added(self, _bin: object, pad: object) -> None:
        if not pad.get_name().startswith("recv_rtp_src_"):  # type: ignore[attr-defined]
            return
        decode = {
            "opus": "rtpopusdepay ! opusdec",
            "g722": "rtpg722depay ! avdec_g722",
            "pcma": "rtppcmadepay ! alawdec",
            "pcmu": "rtppcmudepay ! mulawdec",
            "h264": "rtph264depay ! h264parse ! avdec_h264 max-threads=1",
            "h265": "rtph265depay ! h265parse ! avdec_h265 max-threads=1",
            "vp8": "rtpvp8depay ! vp8dec",
        }[self.encoding]
        convert = (
            "audioconvert ! audioresample ! audio/x-raw,format=F32LE,rate=48000,channels=1"
            if self.media == "audio"
            else "videoconvert ! video/x-raw,format=I420"
        )
        launch = f"{decode} ! {convert} ! appsink name=sink sync=false emit-signals=true"
        tail = Gst.parse_bin_from_description(launch, True)
        self._pipeline.add(tail)
        tail.get_by_name("sink").connect("new-sample", self._sample)
        pad.link(tail.get_static_pad("sink"))  # type: ignore[attr-defined]
        self._pads.append(pad)
        tail.sync_state_with_parent()

    def _sample(self, sink: object) -> object:
        sample = sink.pull_sample()  # type: ignore[attr-defined]
        buffer = sample.get_buffer()
        octets = buffer.extract_dup(0, buffer.get_size())
        if self.media == "audio":
            self.sound.append(np.frombuffer(octets, dtype=np.float32))
        else:
            structure = sample.get_caps().get_structure(0)
            wide, high = structure.get_value("width"), structure.get_value("height")
            self.frame_size = (wide, high)
            self.frame = np.frombuffer(octets, dtype=np.uint8)
            self.frames += 1
        return Gst.FlowReturn.OK

    def pixel(self, x: float, y: float) -> tuple[int, int, int]:
        """Give Y, U, V at a place (0 to 1) of the last picture."""
        assert self.frame is not None
        wide, high = self.frame_size
        stride, half = (wide + 3) & ~3, (wide // 2 + 3) & ~3
        column, row = int(x * wide), int(y * high)
        luma = stride * ((high + 1) & ~1)
        chroma = half * (((high + 1) & ~1) // 2)
        at = (row // 2) * half + column // 2
        f = self.frame
        return int(f[row * stride + column]), int(f[luma + at]), int(f[luma + chroma + at])

    def shows(self, x: float, y: float) -> str:
        """Give the name of the colour at a place, or its values."""
        found = self.pixel(x, y)
        for name, wanted in {**COLOURS, "black": (16, 128, 128)}.items():
            if all(abs(a - b) < 24 for a, b in zip(found, wanted, strict=True)):
                return name
        return str(found)

    def levels(self, *tones: float, seconds: float = 0.5) -> list[float]:
        """Give dBFS of each tone in the last sound."""
        sound = np.concatenate(self.sound)[-int(48000 * seconds) :]
        taper = np.hanning(sound.size)
        spectrum = np.abs(np.fft.rfft(sound * taper)) / taper.sum() * 2
        places = np.fft.rfftfreq(sound.size, 1 / 48000)
        near = [(places > tone - 15) & (places < tone + 15) for tone in tones]
        return [float(20 * np.log10(max(1e-7, spectrum[one].max()))) for one in near]


def _rgb(y: int, u: int, v: int) -> int:
    r = 1.164 * (y - 16) + 1.596 * (v - 128)
    g = 1.164 * (y - 16) - 0.813 * (v - 128) - 0.391 * (u - 128)
    b = 1.164 * (y - 16) + 2.018 * (u - 128)
    red, green, blue = (int(min(255, max(0, one))) for one in (r, g, b))
    return 0xFF000000 | red << 16 | green << 8 | blue


class Peer:
    """A participant: sound, and a camera unless it has no colour."""

    def __init__(self, worker: Worker, name: str, *ends: End) -> None:
        self.worker, self.name, self.ends = worker, name, ends
        self.by = {end.media: end for end in ends}

    def join(self, **more: object) -> None:
        descriptors = tuple(one for end in self.ends for one in end.descriptors)
        self.worker.do(
            Join(self.name, tuple(end.stream for end in self.ends), **more),  # type: ignore[arg-type]
            descriptors,
        )
        for end in self.ends:
            end.play()

    def close(self) -> None:
        for end in self.ends:
            end.close()


@contextlib.contextmanager
def running(*options: str, **settings: object) -> Iterator[Worker]:
    """Run a worker with a room."""
    worker = Worker(*options)
    try:
        worker.start(**settings)
        yield worker
        worker.send(Stop())
        assert worker.process.wait(PATIENCE) == 0
    finally:
        worker.close()


def eventually(worker: Worker, test: Callable[[], bool], what: str) -> None:
    """Wait until something holds, taking in what the worker says meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while not test():
        assert time.monotonic() < deadline, what
        for _ in worker.read(0.05):
            pass
