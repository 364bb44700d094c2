"""What every stream of a participant does alike, whatever it carries."""

from __future__ import annotations

from mixer.wire import Stream
from mixer.worker.engine import Gst
from mixer.worker.transport import Transport


class LineStream:
    """One stream as it was described, its RTP, and where packets to him go in; None where nothing is sent."""

    def __init__(self, stream: Stream, transport: Transport) -> None:
        self.stream = stream
        self.transport = transport
        self._source: Gst.Element | None = None

    def play(self) -> None:
        """Start."""
        self.transport.play()

    def retarget(self, stream: Stream) -> None:
        """Send where this description says, which otherwise is the same as before."""
        if stream != self.stream:
            self.stream = stream
            self.transport.retarget(stream)

    def close(self) -> None:
        """Stop; the sockets stay open."""
        self._source = None
        self.transport.close()
