"""Two alone in a room: the pictures of one go to the other as they came, neither decoded nor encoded.

To the stream that sends them on, a relay is an encoder like any other: it changes from one to another at a key picture,
and asks for one where its receiver does. Packets are taken apart and packed anew, so numbers and time stamps run on,
each side is repaired and encrypted for itself, and the change to a composed picture and back is not seen.
"""

from __future__ import annotations

from collections.abc import Callable

from mixer.wire import Format, Scene, Stream
from mixer.worker.adaptation import Send
from mixer.worker.encoding import Listener
from mixer.worker.engine import Gst, field_of

PLAIN_PROFILES = frozenset({"constrained-baseline", "baseline"})
"""Of H.264, what every receiver decodes (RFC 6184, section 8.1); no encoder uses the tools of full baseline."""

MARGIN = 1.1
"""How far above what its receiver can get a sender may be, for the second or two until he sends less."""


class Relay:
    """Encoded pictures of one sender, for whoever listens; `refresh` asks him for a key picture."""

    def __init__(self, refresh: Callable[[], None]) -> None:
        self.listeners: tuple[Listener, ...] = ()
        """Replaced as a whole by the main loop."""
        self.caps: Gst.Caps | None = None
        """What he sends; known after its first picture, None again where he starts anew."""
        self.send = Send(0, 0, 0, 0)
        """What he sends, with kilobits a second as last counted."""
        self.ask = refresh

    def count(self, kbps: float, fps: float) -> None:
        """Take what was counted of him in the last second."""
        self.send = Send(round(kbps), self.send.width, self.send.height, round(fps))

    def describe(self, caps: Gst.Caps | None) -> None:
        """Take the form of the pictures that follow."""
        structure = caps.get_structure(0) if caps is not None else None
        wide, high = (field_of(structure, name, 0) for name in ("width", "height"))
        self.send = Send(self.send.kbps, wide, high, self.send.fps)
        self.caps = caps if wide and high else None

    def picture(self, frame: Gst.Buffer) -> None:
        """Give one picture on; in the sender's thread."""
        if frame.pts != Gst.CLOCK_TIME_NONE:
            key = not frame.has_flags(Gst.BufferFlags.DELTA_UNIT)
            for listener in self.listeners:
                listener.encoded(self, frame, key=key)

    def suits(self, sent: Format | None, to: Stream, kbps: float) -> bool:
        """Say whether what he sends, in this format, can go to this stream, which can get so many kilobits a second."""
        if sent is None or to.send is None or self.caps is None or sent.encoding != to.send.encoding:
            return False
        if sent.encoding == "h264" and (
            to.send.packetization_mode == 0  # its slices would have to be cut anew
            or (to.send.profile != "high" and field_of(self.caps.get_structure(0), "profile", "") not in PLAIN_PROFILES)
        ):
            return False
        small = self.send.width <= to.width and self.send.height <= to.height
        return small and 0 < self.send.kbps <= MARGIN * kbps


def only(scene: Scene | None) -> str:
    """Give who alone is seen in a view, filling it, with nothing written over him; nobody: empty."""
    if scene is None or scene.banner or len(scene.tiles) != 1:
        return ""
    (tile,) = scene.tiles
    whole = (tile.x, tile.y, tile.width, tile.height) == (0, 0, scene.width, scene.height)
    return tile.participant if whole and tile.source == "video" and not tile.label else ""
