"""The sound of one participant: what he says, and the packets of what he is to hear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mixer.wire import Format, Stream
from mixer.worker.digits import TelephoneEvents, Tones
from mixer.worker.encoding import Origin
from mixer.worker.engine import Gst, element, live_source
from mixer.worker.formats import SOUND
from mixer.worker.line import LineStream
from mixer.worker.packets import payload_of
from mixer.worker.transport import MAX_STREAMS, Needs, Sockets, Transport
from mixer.worker.voice import RATE, Voice

_HEARD_CAPS = f"audio/x-raw,format=S16LE,rate={RATE},channels=1,layout=interleaved"
_SCALE = np.float32(1 / 32768)

WAITING = 16
"""Packets that may wait to be sent: more would only be late."""
DECODED = 50
"""Packets that may wait to be mixed: a second, as a voice holds."""


@dataclass(frozen=True, slots=True)
class Ears:
    """What a participant's sound tells the room; all but `broken` are called in threads of the stream."""

    heard: Callable[[], None]
    event: Callable[[str], None]
    """A key, by telephone event."""
    broken: Callable[[str], None]


class SoundStream(LineStream):
    """One participant's sound."""

    def __init__(
        self, name: str, stream: Stream, sockets: Sockets, voice: Voice, ears: Ears, *, bridged: bool = False
    ) -> None:
        self.voice = voice
        self.fed = False
        """Whether he is to hear what another says as it comes; set by the main loop."""
        self.hears_fed = False
        """Whether he does so now, and no prompt instead; set by the sound's thread."""
        self.caps: Gst.Caps | None = None
        """The form of what he says, where it is passed on."""
        self._bridged = bridged
        self._to: SoundStream | None = None
        """Who gets what he says as it comes."""
        self._valves: tuple[Gst.Element, ...] = ()
        self.tones = Tones()
        self.events_seen = False
        """Whether a telephone event ever came: then tones in the sound are not listened for."""
        self._ears = ears
        self._sinks: tuple[Gst.Element, ...] = ()
        """Where what each of his sources sends is found decoded; replaced as a whole."""
        self._events = TelephoneEvents()
        needs = Needs(self._arrived, lambda _kbps: None, ears.broken)
        super().__init__(stream, Transport(name, stream, sockets, needs))
        if stream.send is not None and stream.remote is not None:
            self._source = live_source(WAITING)
            packer = SOUND[stream.send.encoding].pack(stream.send.payload_type)
            self.transport.send_from([self._source, packer])
        self._described: Origin | None = None
        """Whose form of sound the packer knows."""

    @property
    def sends(self) -> Format | None:
        """What he is sent, if anything."""
        return self.stream.send if self._source is not None else None

    def collect(self) -> None:
        """Give the voice what was decoded since the last block; for the sound's thread, which asks before each."""
        for sink in self._sinks:
            while (sample := sink.try_pull_sample(0)) is not None:
                buffer = sample.get_buffer()
                self.voice.push(np.frombuffer(buffer.extract_dup(0, buffer.get_size()), dtype="<i2") * _SCALE)

    def encoded(self, encoder: Origin, frame: Gst.Buffer, *, key: bool) -> None:  # noqa: ARG002 - sound has no key frames
        """Send one packet's worth."""
        source = self._source
        if source is None:
            return
        if encoder is not self._described:
            self._described = encoder
            source.set_property("caps", encoder.caps)
        source.push_buffer(frame)

    def suits(self, other: SoundStream) -> bool:
        """Say whether what he says can go to another as it comes."""
        said, heard = {one.encoding for one in self.stream.receive}, other.sends
        return self._bridged and heard is not None and said == {heard.encoding}

    def pass_to(self, other: SoundStream | None) -> None:
        """Give what he says to another as it comes, not decoded; nobody: decode it."""
        self._to = other
        for valve in self._valves:
            valve.set_property("drop", other is not None)

    def close(self) -> None:
        """Stop; the sockets stay open."""
        self._sinks = self._valves = ()
        self._to = None
        super().close()

    def _arrived(self, _pad: Gst.Pad, number: int) -> list[Gst.Element]:
        """Take apart and decode what comes from a new source."""
        self._ears.heard()
        sink = element("appsink", sync=False, async_=False, max_buffers=DECODED, drop=True)
        if number == self.stream.telephone_event:
            sink.set_property("emit-signals", True)
            self.transport.pipeline.on(sink, "new-sample", self._event)
            return [sink]
        kind = next(one for one in self.stream.receive if one.payload_type == number)
        form = element("capsfilter", caps=Gst.Caps.from_string(_HEARD_CAPS))
        self._sinks = (*self._sinks[1 - MAX_STREAMS :], sink)
        unpack, *decode = SOUND[kind.encoding].decode()
        return [unpack, *self._tapped(), *decode, element("audioresample", quality=2), form, sink]

    def _tapped(self) -> list[Gst.Element]:
        """Look at what comes before it is decoded, where it may be passed on."""
        if not self._bridged:
            return []
        valve = element("valve", drop=self._to is not None)
        self.transport.pipeline.probe(valve.get_static_pad("sink"), Gst.PadProbeType.BUFFER, self._passed)
        self._valves = (*self._valves[1 - MAX_STREAMS :], valve)
        return [valve]

    def _passed(self, pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        other, frame = self._to, info.get_buffer()
        if other is not None and other.hears_fed and frame.pts != Gst.CLOCK_TIME_NONE:
            self.caps = pad.get_current_caps()
            other.encoded(self, frame, key=False)
        return Gst.PadProbeReturn.OK

    def _event(self, sink: Gst.Element) -> Gst.FlowReturn:
        sample = sink.pull_sample()
        if sample is not None:
            buffer = sample.get_buffer()
            packet = bytes(buffer.extract_dup(0, min(64, buffer.get_size())))
            self.events_seen = True
            digit = self._events.receive(*payload_of(packet))
            if digit is not None:
                self._ears.event(digit)
        return Gst.FlowReturn.OK
