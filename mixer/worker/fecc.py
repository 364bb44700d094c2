"""Far-end camera control: H.224 (RFC 4573) of one participant, given on as it is to the camera he moves."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable

from mixer.wire import Stream
from mixer.worker.engine import Gst, element, live_source, now
from mixer.worker.formats import H224_CAPS
from mixer.worker.line import LineStream
from mixer.worker.packets import payload_of
from mixer.worker.transport import Needs, Sockets, Transport

LONGEST = 512
"""Octets of a packet: a frame of H.224 has 260 at most, and some for its flags and stuffing."""
LEAST_NS = 10_000_000
"""Nanoseconds between two packets of one sender: a key held down sends a few a second; a hundred are a flood."""
BURST = 20
"""Packets that may come at once nevertheless: what two systems say of themselves when they meet."""
WAITING = 32
"""Packets that may wait to be sent."""
CLOCK = 4800
"""Hz of time stamps."""


class CameraControl(LineStream):
    """What one participant says to the cameras of others, and what is said to his."""

    def __init__(
        self,
        name: str,
        stream: Stream,
        sockets: Sockets,
        *,
        said: Callable[[bytes], None],
        broken: Callable[[str], None],
    ) -> None:
        """`said` takes each packet's payload, in a thread of the stream."""
        self._said = said
        self._allowance = float(BURST)
        self._allowed_at = now()
        self._source_id = secrets.randbits(32)
        self._number = secrets.randbits(15)
        super().__init__(stream, Transport(name, stream, sockets, Needs(self._arrived, lambda _kbps: None, broken)))
        self.transport.take_first()
        if stream.send is not None and stream.remote is not None:
            caps = Gst.Caps.from_string(f"{H224_CAPS},payload={stream.send.payload_type}")
            self._source = live_source(WAITING, caps=caps)
            self.transport.send_from([self._source])

    def move(self, payload: bytes) -> None:
        """Send one packet to his camera; from any thread."""
        source, form = self._source, self.stream.send
        if source is None or form is None:
            return
        at = now()
        self._number = (self._number + 1) & 0xFFFF
        stamp = at * CLOCK // 1_000_000_000 & 0xFFFFFFFF
        head = struct.pack("!BBHII", 0x80, 0x80 | form.payload_type, self._number, stamp, self._source_id)
        packet = Gst.Buffer.new_wrapped(head + payload)
        packet.pts = at
        source.push_buffer(packet)

    def _arrived(self, _pad: Gst.Pad, _number: int) -> list[Gst.Element]:
        sink = element("appsink", sync=False, async_=False, emit_signals=True, max_buffers=WAITING, drop=True)
        self.transport.pipeline.on(sink, "new-sample", self._packet)
        return [sink]

    def _packet(self, sink: Gst.Element) -> Gst.FlowReturn:
        sample = sink.pull_sample()
        buffer = sample.get_buffer() if sample is not None else None
        if buffer is not None and buffer.get_size() <= LONGEST and self._may():
            payload, _ = payload_of(bytes(buffer.extract_dup(0, buffer.get_size())))
            self._said(payload)
        return Gst.FlowReturn.OK

    def _may(self) -> bool:
        """Say whether one more packet is no flood."""
        earned, self._allowed_at = (now() - self._allowed_at) / LEAST_NS, now()
        self._allowance = min(BURST, self._allowance + earned)
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
