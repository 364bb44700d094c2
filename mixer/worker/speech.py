"""The sound of one participant: what he says, and the packets of what he is to hear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mixer.wire import Format, Stream
from mixer.worker.digits import TelephoneEvents, Tones
from mixer.worker.encoding import Origin
from mixer.worker.engine import Gst, element
from mixer.worker.formats import SOUND
from mixer.worker.transport import Needs, Sockets, Transport
from mixer.worker.voice import RATE, Block, Voice

_HEARD_CAPS = f"audio/x-raw,format=F32LE,rate={RATE},channels=1,layout=interleaved"

WAITING = 16
"""Packets that may wait to be sent: more would only be late."""


@dataclass(frozen=True, slots=True)
class Ears:
    """What a participant's sound tells the room; all but `broken` are called in threads of the stream."""

    heard: Callable[[], None]
    event: Callable[[str], None]
    """A key, by telephone event."""
    broken: Callable[[str], None]


class SoundStream:
    """One participant's sound."""

    def __init__(self, name: str, stream: Stream, sockets: Sockets, voice: Voice, ears: Ears) -> None:
        self.stream = stream
        self.voice = voice
        self.tones = Tones()
        self.events_seen = False
        """Whether a telephone event ever came: then tones in the sound are not listened for."""
        self._ears = ears
        self._events = TelephoneEvents()
        needs = Needs(self._arrived, lambda _kbps: None, ears.broken)
        self.transport = Transport(name, stream, sockets, needs)
        self._source: Gst.Element | None = None
        if stream.send is not None and stream.remote is not None:
            self._source = element(
                "appsrc",
                format="time",
                is_live=True,
                block=False,
                max_buffers=WAITING,
                max_bytes=0,
                leaky_type="downstream",
            )
            packer = SOUND[stream.send.encoding].pack(stream.send.payload_type)
            self.transport.send_from([self._source, packer])
        self._caps_set = False

    def play(self) -> None:
        """Start."""
        self.transport.play()

    @property
    def sends(self) -> Format | None:
        """What he is sent, if anything."""
        return self.stream.send if self._source is not None else None

    def encoded(self, encoder: Origin, frame: Gst.Buffer, *, key: bool) -> None:  # noqa: ARG002 - sound has no key frames
        """Send one packet's worth."""
        source = self._source
        if source is None:
            return
        if not self._caps_set:
            self._caps_set = True
            source.set_property("caps", encoder.caps)
        source.push_buffer(frame)

    def retarget(self, stream: Stream) -> None:
        """Send where this description says, which otherwise is the same as before."""
        if stream != self.stream:
            self.stream = stream
            self.transport.retarget(stream)

    def close(self) -> None:
        """Stop; the sockets stay open."""
        self._source = None
        self.transport.close()

    def _arrived(self, _pad: Gst.Pad, number: int) -> list[Gst.Element]:
        """Take apart and decode what comes from a new source."""
        self._ears.heard()
        sink = element("appsink", sync=False, async_=False, emit_signals=True, max_buffers=50, drop=True)
        if number == self.stream.telephone_event:
            self.transport.pipeline.on(sink, "new-sample", self._event)
            return [sink]
        kind = next(one for one in self.stream.receive if one.payload_type == number)
        self.transport.pipeline.on(sink, "new-sample", self._decoded)
        form = element("capsfilter", caps=Gst.Caps.from_string(_HEARD_CAPS))
        convert = [element("audioconvert"), element("audioresample", quality=2), form]
        return [*SOUND[kind.encoding].decode(), *convert, sink]

    def _decoded(self, sink: Gst.Element) -> Gst.FlowReturn:
        sample = sink.pull_sample()
        if sample is not None:
            buffer = sample.get_buffer()
            chunk: Block = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), dtype=np.float32)
            if np.isfinite(chunk).all():
                self.voice.push(chunk)
        return Gst.FlowReturn.OK

    def _event(self, sink: Gst.Element) -> Gst.FlowReturn:
        sample = sink.pull_sample()
        if sample is not None:
            buffer = sample.get_buffer()
            packet = bytes(buffer.extract_dup(0, min(64, buffer.get_size())))
            self.events_seen = True
            digit = self._events.receive(*_payload(packet))
            if digit is not None:
                self._ears.event(digit)
        return Gst.FlowReturn.OK


def _payload(packet: bytes) -> tuple[bytes, int]:
    """Give payload and time stamp of an RTP packet (RFC 3550, section 5.1)."""
    start = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10 and len(packet) >= start + 4:
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    return packet[start:], int.from_bytes(packet[4:8], "big")
