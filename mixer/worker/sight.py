"""A video stream of one participant, camera or content: what it shows now, and the packets of what he is to see."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from mixer.wire import Format, Stream
from mixer.worker.adaptation import Rate
from mixer.worker.asking import Wish
from mixer.worker.encoding import Listener, Origin, Pictures
from mixer.worker.engine import Gst, GstVideo, element, field_of, live_source, now
from mixer.worker.formats import VIDEO
from mixer.worker.frames import Picture, picture
from mixer.worker.line import LineStream
from mixer.worker.pace import Gate
from mixer.worker.relay import Relay
from mixer.worker.transport import Needs, Sockets, Transport

LARGEST = 1920 * 1088
"""Pixels of the largest picture that is decoded: a sender of more was not asked for it, and would slow the room."""
WAITING = 60
"""Encoded pictures that may wait to be sent."""
STALE = 5_000_000_000
"""Nanoseconds after which the last picture of a sender who stopped is no longer shown."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """What a participant's picture tells the room; called in threads of the stream, `broken` in the main loop."""

    heard: Callable[[], None]
    wanted: Callable[[], None]
    """A key picture is needed of an endpoint that takes no RTCP feedback."""
    broken: Callable[[str], None]


class VideoStream(LineStream):
    """One participant's camera or content."""

    def __init__(self, name: str, stream: Stream, sockets: Sockets, eyes: Eyes) -> None:
        self.rate = Rate(stream.kbps)
        self.encoder: Pictures | None = None
        """Whose pictures are sent."""
        self.next_encoder: Pictures | None = None
        """Whose pictures are sent from its next key picture on."""
        self.pictures = 0
        """Pictures decoded and taken since the start."""
        self.receives: Format | None = None
        """Of what he may send, what he sends now."""
        self.asked = 0
        """Key pictures asked of the other side."""
        self.keyframes = 0
        """Key pictures sent."""
        self.relay = Relay(self.refresh)
        """What he sends, for another who gets it as it is."""
        self._eyes = eyes
        self._lock = threading.Lock()
        self._latest: Picture | None = None
        self._latest_at = 0
        self._sink: Gst.Element | None = None
        self._valve: Gst.Element | None = None
        self._source_pad: Gst.Pad | None = None
        self._tap: Callable[[], None] | None = None
        """Ends giving on what comes; there only while somebody gets it."""
        self._described: Origin | None = None
        """The encoder whose form of pictures the packer knows."""
        self._wish = Wish()
        self._gate = Gate()
        self._shown = False
        self._oversize = False
        super().__init__(stream, Transport(name, stream, sockets, Needs(self._arrived, self.rate.ask, eyes.broken)))
        if stream.send is not None and stream.remote is not None:
            self._source = live_source(WAITING)
            packer = VIDEO[stream.send.encoding].pack(stream.send)
            if stream.transport_cc:
                numbers = element("rtphdrexttwcc")
                numbers.set_id(stream.transport_cc)
                packer.emit("add-extension", numbers)
            self.transport.pipeline.probe(
                packer.get_static_pad("src"), Gst.PadProbeType.EVENT_UPSTREAM, self._asked_of_us
            )
            self.transport.send_from([self._source, packer])

    @property
    def sends(self) -> Format | None:
        """What he is sent, if anything."""
        return self.stream.send if self._source is not None else None

    # -- what he shows

    def show(self, shown: bool) -> None:
        """Decode from now on, or no longer."""
        with self._lock:
            if shown == self._shown:
                return
            self._shown = shown
            if self._valve is not None:
                self._valve.set_property("drop", not shown or self._oversize)
            if not shown:
                self._latest = None
        if shown:
            self.refresh()

    def fill(self, kbps: int, line: int) -> None:
        """Have him send so many kilobits a second, which fill his place, and no more than a line carries."""
        if self._wish.tell(kbps, line, now()):
            self.remind()

    def remind(self) -> None:
        """Say again how much he may send, once a second: what is said may be lost."""
        self._wish.look(now())
        self.transport.ask(self._wish.kbps)

    def refresh(self) -> None:
        """Ask the other side for a key picture: at once, or when one is due again."""
        self._gate.ask()
        self._ask()

    def tick(self) -> None:
        """Ask for the key picture that was put off, if its time has come; and again for one that he still waits for.

        The one that was asked for when he began to watch may have been made before he listened.
        """
        awaited = self.next_encoder
        if awaited is not None:
            awaited.ask()
        self._ask()

    def _ask(self) -> None:
        """Ask the other side for a key picture, if one is due."""
        with self._lock:
            pad = self._source_pad
        if pad is not None and self._gate.due(now()):
            self.asked += 1
            event = GstVideo.video_event_new_upstream_force_key_unit(
                Gst.CLOCK_TIME_NONE, "fir" in self.stream.feedback and "pli" not in self.stream.feedback, self.asked
            )
            if not self.transport.request_keyframe(pad, event):
                self._eyes.wanted()

    def give(self, listeners: tuple[Listener, ...]) -> None:
        """Give what he sends to these as it comes."""
        with self._lock:
            self.relay.listeners = listeners
            if listeners:
                self._open_tap()
            else:
                self._close_tap()

    def latest(self) -> Picture | None:
        """Give what is shown now, or None before the first picture and after a long silence."""
        with self._lock:
            sink = self._sink
            sample = sink.try_pull_sample(0) if sink is not None and self._shown else None
            if sample is not None:
                self.pictures += 1
                self._latest, self._latest_at = picture(sample, self._latest), now()
            elif self._latest is not None and now() - self._latest_at > STALE:
                self._latest = None
            return self._latest

    def size(self) -> tuple[int, int]:
        """Give width and height of what is received, 0 where unknown."""
        with self._lock:
            if self._latest is not None:
                return self._latest.width, self._latest.height
            return (self.relay.send.width, self.relay.send.height) if self.relay.listeners else (0, 0)

    # -- what he sees

    def watch(self, encoder: Pictures, *, instead: bool) -> None:
        """Send another encoder's pictures, from its next key picture on; `instead`: and none of the one before."""
        if instead:
            self.encoder = None
        if encoder is self.encoder:
            self.next_encoder = None
        elif encoder is not self.next_encoder:
            self.next_encoder = encoder
            encoder.ask()

    def repeat(self) -> None:
        """Have a key picture made for him."""
        for encoder in (self.encoder, self.next_encoder):
            if encoder is not None:
                encoder.ask()

    def encoded(self, encoder: Origin, frame: Gst.Buffer, *, key: bool) -> None:
        """Send one picture, if its encoder is the one watched; another's key picture may be the moment to change."""
        if encoder is not self.encoder:
            if encoder is not self.next_encoder or not key:
                return
            self.encoder, self.next_encoder = self.next_encoder, None
        source = self._source
        if source is not None:
            self.keyframes += key
            if encoder is not self._described:
                self._described = encoder
                source.set_property("caps", encoder.caps)
            source.push_buffer(frame)

    def close(self) -> None:
        """Stop; the sockets stay open."""
        with self._lock:
            self._sink = self._valve = self._source_pad = self._latest = None
        super().close()

    # -- in threads of the stream

    def _arrived(self, pad: Gst.Pad, number: int) -> list[Gst.Element] | None:
        """Decode what comes from a new source: the newest is the one that is shown."""
        self._eyes.heard()
        kind = next((one for one in self.stream.receive if one.payload_type == number), None)
        if kind is None:
            return None
        decode = VIDEO[kind.encoding].decode()
        sink = element("appsink", sync=False, async_=False, max_buffers=1, drop=True)
        pipeline = self.transport.pipeline
        with self._lock:
            valve = element("valve", drop=not self._shown)
            pipeline.probe(
                valve.get_static_pad("sink"), Gst.PadProbeType.EVENT_DOWNSTREAM, partial(self._measured, valve)
            )
            pipeline.probe(decode[0].get_static_pad("sink"), Gst.PadProbeType.EVENT_UPSTREAM, self._asked_of_them)
            if self._valve is not None:
                self._valve.set_property("drop", True)
            self._close_tap()
            self._sink, self._valve, self._source_pad, self._oversize = sink, valve, pad, False
            if self.relay.listeners:
                self._open_tap()
        self.receives = kind
        self.relay.describe(None)
        if self._shown or self.relay.listeners:
            self._gate.ask()
        return [*decode[:-1], valve, decode[-1], sink]

    def _measured(self, valve: Gst.Element, _pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        """Stop decoding pictures that are too large."""
        event = info.get_event()
        if event.type == Gst.EventType.CAPS:
            caps = event.parse_caps()
            wide, high = (field_of(caps.get_structure(0), name, 0) for name in ("width", "height"))
            with self._lock:
                if self._valve is not None and valve is self._valve:
                    self.relay.describe(caps)
                    self._oversize = wide * high > LARGEST
                    self._valve.set_property("drop", self._oversize or not self._shown)
        return Gst.PadProbeReturn.OK

    def _open_tap(self) -> None:
        """Look at each picture before it is decoded: not for nothing, as it costs as much as a packet."""
        if self._tap is None and self._valve is not None:
            pad = self._valve.get_static_pad("sink")
            self._tap = self.transport.pipeline.probe(pad, Gst.PadProbeType.BUFFER, self._passed)

    def _close_tap(self) -> None:
        if self._tap is not None:
            self._tap()
            self._tap = None

    def _passed(self, _pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        """Give a picture on as it came, to who gets it so."""
        self.pictures += not self._shown
        self.relay.picture(info.get_buffer())
        return Gst.PadProbeReturn.OK

    def _asked_of_them(self, _pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        if not GstVideo.video_event_is_force_key_unit(info.get_event()):
            return Gst.PadProbeReturn.OK
        if self._shown or self.relay.listeners:
            self._gate.ask()
        return Gst.PadProbeReturn.DROP

    def _asked_of_us(self, _pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        if not GstVideo.video_event_is_force_key_unit(info.get_event()):
            return Gst.PadProbeReturn.OK
        self.repeat()
        return Gst.PadProbeReturn.DROP
