"""Encoders of composed pictures, each in a thread of its own; H.264 by `x264`, all else by the engine's elements."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import NamedTuple, Protocol

from mixer.wire import Format
from mixer.worker.adaptation import Send
from mixer.worker.encoding import Encoder, EngineEncoder, Listener, Pictures
from mixer.worker.engine import GLib, Gst, GstVideo, live_source, name_thread, now
from mixer.worker.formats import H264_CAPS, KEYFRAME_EVERY, SLICE, VIDEO, Chain
from mixer.worker.frames import raw_caps
from mixer.worker.pace import Gate
from mixer.worker.quantiser import Quantiser
from mixer.worker.x264 import Coder

log = logging.getLogger("mixer.worker")

WAITING = 2
"""Pictures that may wait for an encoder: a slow machine shows fewer, never older ones."""
THREAD = "encode-video"
"""As the benchmark counts it."""


class VideoEncoder(Pictures, Protocol):
    """Encode composed pictures of one size at one rate; key pictures on request."""

    keyframes: int
    listeners: tuple[Listener, ...]
    """Replaced as a whole by the main loop."""

    def picture(self, frame: Gst.Buffer, *, cut: bool) -> None:
        """Encode one picture, with its time stamp set; `cut`: it shows something else than the one before."""

    def close(self) -> None:
        """Stop and free it."""


def video_encoder(form: Format, send: Send, broken: Callable[[], None]) -> VideoEncoder:
    """Give an encoder; `broken` is called once, in the main loop, when it gives up."""
    encode = VIDEO[form.encoding].encode
    if encode is None:
        return H264Encoder(form, send, broken)
    return EngineVideoEncoder(form.encoding, encode(send), send, broken)


class EngineVideoEncoder(EngineEncoder):
    """One by the engine's elements; they find out about cuts themselves."""

    def __init__(self, name: str, chain: Chain, send: Send, broken: Callable[[], None]) -> None:
        self.send = send
        self.keyframes = 0
        self._gate = Gate()
        self._first = chain[0]
        caps = raw_caps(send.width, send.height, send.fps)
        self._source = live_source(WAITING, name=THREAD, caps=caps)
        super().__init__(f"video-{name}-{send.kbps}", [self._source, *chain], broken)
        self._sink.set_property("emit-signals", True)
        self._pipeline.on(self._sink, "new-sample", self._encoded)
        self._pipeline.play()

    def ask(self) -> None:
        """Ask for a key picture."""
        self._gate.ask()

    def picture(self, frame: Gst.Buffer, *, cut: bool) -> None:  # noqa: ARG002 - see above
        """Encode one picture."""
        if self._gate.due(now()):
            self.keyframes += 1
            event = GstVideo.video_event_new_upstream_force_key_unit(Gst.CLOCK_TIME_NONE, True, 0)
            self._first.get_static_pad("src").send_event(event)
        self._source.push_buffer(frame)

    def _encoded(self, sink: Gst.Element) -> Gst.FlowReturn:
        sample = sink.pull_sample()
        if sample is not None:
            self._made(sample)
        return Gst.FlowReturn.OK


class _Waiting(NamedTuple):
    frame: Gst.Buffer
    cut: bool


class H264Encoder(Encoder):
    """One by libx264, with a quantiser for each picture."""

    def __init__(self, form: Format, send: Send, broken: Callable[[], None]) -> None:
        super().__init__()
        self.send = send
        self.keyframes = 0
        self._broken = broken
        self._gate = Gate()
        self._gate.ask()  # the first picture is one in any case, and counts
        self._quantiser = Quantiser(send.kbps, send.fps, send.width * send.height)
        key_every = send.fps * KEYFRAME_EVERY
        self._coder = Coder(send, slice_octets=0 if form.packetization_mode else SLICE, key_every=key_every)
        self.caps = Gst.Caps.from_string(
            f"{H264_CAPS},width={send.width},height={send.height},framerate={send.fps}/1,pixel-aspect-ratio=1/1"
        )
        self._pictures: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Ask for a key picture."""
        self._gate.ask()

    def picture(self, frame: Gst.Buffer, *, cut: bool) -> None:
        """Have one picture encoded; of more than may wait, the oldest goes, and the next shows something else."""
        while self._pictures.qsize() >= WAITING:
            try:
                left_out = self._pictures.get_nowait()
            except Empty:
                break
            cut = cut or (left_out is not None and left_out.cut)
        self._pictures.put(_Waiting(frame, cut))

    def close(self) -> None:
        """Stop and free it."""
        super().close()
        if self._thread.is_alive():
            self._pictures.put(None)
            self._thread.join()

    def _run(self) -> None:
        name_thread(THREAD)
        try:
            while (one := self._pictures.get()) is not None:
                self._encode(one)
        except Exception as error:  # whatever it is: who listens gets another encoder, not a picture that stands still
            log.exception("encoder.broken send=%s", self.send, exc_info=error)
            GLib.idle_add(self._gave_up)
        finally:
            self._coder.close()

    def _encode(self, one: _Waiting) -> None:
        due = self._gate.due(now())
        whole = due or one.cut
        octets = self._coder.encode(one.frame, self._quantiser.choose(whole=whole), key=due)
        self._quantiser.made(len(octets), whole=whole)
        made = Gst.Buffer.new_wrapped(octets)
        made.pts, made.duration = one.frame.pts, one.frame.duration
        key = self._coder.key
        self.keyframes += key
        if not key:
            made.set_flags(Gst.BufferFlags.DELTA_UNIT)
        self.give(made, key=key)

    def _gave_up(self) -> bool:
        self._broken()
        return False
