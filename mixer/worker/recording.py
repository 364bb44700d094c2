"""Files: a recording of a view with the sound of the room, and pictures of a moment."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

from mixer.wire import Format, Record
from mixer.worker.adaptation import SIZES, Send
from mixer.worker.encoding import Origin, sound_buffer
from mixer.worker.engine import Gst, GstVideo, Pipeline, element
from mixer.worker.pictures import VideoEncoder
from mixer.worker.voice import RATE, Block

FINISH_SECONDS = 3.0
"""How long a recording may take to be completed when the room ends."""
_SOUND = f"audio/x-raw,format=S16LE,rate={RATE},channels=1,layout=interleaved"
OPUS_KBPS = 64
PICTURE_SECONDS = 5


class Recorder:
    """Write one Matroska file; it can be read up to the last second also when the machine loses power.

    `lost` is called in the main loop where it breaks off by itself, with the reason.
    """

    @staticmethod
    def wants(message: Record, fps: int) -> tuple[Format, Send]:
        """Give what is to be encoded for a recording."""
        height = max(high for high in SIZES if high <= message.height)
        width, _ = SIZES[height]
        return Format("h264", 0, profile="high"), Send(message.kbps, width, height, fps)

    def __init__(self, file: int, view: str, encoder: VideoEncoder, lost: Callable[[str], None]) -> None:
        self._file = file
        self.view = view
        self.encoder = encoder
        self._written = lost
        self._pipeline = Pipeline("recording", self._complete)
        self._pipeline.eos = self._complete
        self._video = _source()
        self._audio = _source(caps=Gst.Caps.from_string(_SOUND))
        mux = element("matroskamux", offset_to_zero=True, writing_app="room")
        sink = element("fdsink", fd=file, sync=False, async_=False)
        self._pipeline.add(mux, sink)
        self._pipeline.add(self._video, element("h264parse"), _queue()).link(mux)
        encode = element("opusenc", bitrate=OPUS_KBPS * 1000, complexity=5)
        self._pipeline.add(self._audio, encode, _queue()).link(mux)
        self._began = False
        self._closed = False
        self._pipeline.play()
        encoder.ask()

    def encoded(self, encoder: Origin, frame: Gst.Buffer, *, key: bool) -> None:
        """Take one picture; the first is a key picture, and sound begins with it."""
        if not self._began:
            if not key:
                return
            self._video.set_property("caps", encoder.caps)
            self._began = True
        self._video.push_buffer(frame)

    def block(self, samples: Block, at: int) -> None:
        """Take one block of sound, whose time is `at`."""
        if self._began:
            self._audio.push_buffer(sound_buffer(samples, at))

    def end(self, written: Callable[[str], None]) -> None:
        """Complete the file; `written` is called in the main loop, with a reason where it failed."""
        if self._closed:
            written("the recording had broken off before")
            return
        self._written = written
        self._finish_sources()

    def finish(self) -> None:
        """Complete the file now."""
        if not self._closed:
            self._closed = True
            self._finish_sources()
            self._pipeline.finish(FINISH_SECONDS)
            os.close(self._file)

    def _finish_sources(self) -> None:
        for source in (self._video, self._audio):
            source.end_of_stream()

    def _complete(self, reason: str = "") -> None:
        self._closed = True
        self._pipeline.close()
        os.close(self._file)
        self._written(reason)


def _source(**properties: object) -> Gst.Element:
    return element("appsrc", format="time", is_live=True, block=False, max_bytes=4_000_000, **properties)


def _queue() -> Gst.Element:
    return element("queue", max_size_time=5 * Gst.SECOND, max_size_buffers=0, max_size_bytes=0)


def open_file(path: str, descriptors: Sequence[int]) -> int:
    """Give the file to write: the one that came, or a new one; raises OSError where there cannot be one."""
    if len(descriptors) == 1:
        return descriptors[0]
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)


def write_png(sample: Gst.Sample, file: int, written: Callable[[str], None]) -> None:
    """Write a picture in a thread of its own; `written` is called there, with a reason where it failed."""

    def work() -> None:
        try:
            with os.fdopen(file, "wb") as out:
                caps = Gst.Caps.from_string("image/png")
                buffer = GstVideo.video_convert_sample(sample, caps, PICTURE_SECONDS * Gst.SECOND).get_buffer()
                out.write(buffer.extract_dup(0, buffer.get_size()))
        except Exception as error:  # noqa: BLE001 - whatever went wrong with a picture, the room goes on
            written(f"the picture cannot be written: {error}")
        else:
            written("")

    threading.Thread(target=work, name="snapshot", daemon=True).start()
