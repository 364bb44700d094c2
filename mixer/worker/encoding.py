"""Encoders: blocks of sound in, encoded frames out, to everyone who listens; `pictures` has those of pictures.

What an encoder makes goes to the streams that listen at that moment; they pack and send it. Sound is encoded in the
thread that mixes it: a block takes less than handing it to another thread and back would.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from mixer.wire import Format
from mixer.worker.adaptation import Send
from mixer.worker.engine import Gst, Pipeline, element, entry
from mixer.worker.formats import SOUND
from mixer.worker.thinning import Thinner
from mixer.worker.voice import BLOCK, RATE, Block

MADE = 10
"""Encoded frames that may wait to be handed out: each is taken as soon as it is made."""


class Origin(Protocol):
    """Where encoded frames come from: an encoder, or a relay of what somebody sends."""

    caps: Gst.Caps | None


class Pictures(Origin, Protocol):
    """The same of pictures."""

    send: Send

    def ask(self) -> None:
        """Ask for a key picture: made soon, at most once a second."""


class Listener(Protocol):
    """Who takes encoded frames; called in the encoder's thread."""

    def encoded(self, encoder: Origin, frame: Gst.Buffer, *, key: bool) -> None:
        """Take one frame, whose time stamp counts from the zero of all pipelines."""


class Encoder:
    """One encoder and its listeners."""

    def __init__(self) -> None:
        self.listeners: tuple[Listener, ...] = ()
        """Replaced as a whole by the main loop."""
        self.caps: Gst.Caps | None = None
        """What it makes; known after the first frame."""

    def close(self) -> None:
        """Stop and free it."""
        self.listeners = ()

    def give(self, frame: Gst.Buffer, *, key: bool) -> None:
        """Give a frame to everyone who listens."""
        for listener in self.listeners:
            listener.encoded(self, frame, key=key)


class EngineEncoder(Encoder):
    """One that is a pipeline of the engine's elements."""

    def __init__(self, name: str, chain: list[Gst.Element], broken: Callable[[], None]) -> None:
        super().__init__()
        self._shift = 0
        """Nanoseconds from its own time stamps to those of all pipelines; known after the first frame."""
        self._pipeline = Pipeline(name, lambda _reason: broken())
        self._sink = element("appsink", sync=False, max_buffers=MADE, drop=True, async_=False)
        self._pipeline.add(*chain, self._sink)

    def close(self) -> None:
        """Stop and free it."""
        super().close()
        self._pipeline.close()

    def _made(self, sample: Gst.Sample) -> None:
        made = frame = sample.get_buffer()
        if self.caps is None:
            self.caps = sample.get_caps()
            self._shift = sample.get_segment().to_running_time(Gst.Format.TIME, made.pts) - made.pts
        if self._shift:  # x265 counts from a thousand hours
            frame = made.copy_region(Gst.BufferCopyFlags.MEMORY | Gst.BufferCopyFlags.FLAGS, 0, made.get_size())
            frame.pts = made.pts + self._shift
            frame.duration = made.duration
        self.give(frame, key=not made.has_flags(Gst.BufferFlags.DELTA_UNIT))


class SoundEncoder(EngineEncoder):
    """Encode blocks of 20 ms."""

    def __init__(self, format_: Format, broken: Callable[[], None]) -> None:
        kind = SOUND[format_.encoding]
        self._thinner = Thinner(RATE // kind.rate)
        chain = kind.encode(format_)
        name = f"sound-{format_.encoding}"
        super().__init__(name, chain, broken)
        self._pipeline.play()
        caps = f"audio/x-raw,format=S16LE,rate={kind.rate},channels=1,layout=interleaved"
        self._entry = entry(chain[0], name, Gst.Caps.from_string(caps))

    def block(self, samples: Block, at: int) -> None:
        """Encode one block, whose time is `at`, and hand out what comes of it."""
        self._entry.push(sound_buffer(self._thinner.thin(samples), at))
        while (sample := self._sink.try_pull_sample(0)) is not None:
            self._made(sample)


def sound_buffer(samples: Block, at: int) -> Gst.Buffer:
    """Give a block as 16-bit samples, with its time."""
    whole = np.minimum(np.maximum(samples, -1.0), 1.0) * np.float32(32767)
    buffer = Gst.Buffer.new_wrapped(whole.astype("<i2").tobytes())
    buffer.pts = at
    buffer.duration = BLOCK * Gst.SECOND // RATE
    return buffer
