"""How the media of one participation was: an event of the stream `quality`, posted by the mixing server at its end.

It names the room and no person: of the address only the domain, which says whose network it was.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from vdx.bus.kinds import Happening
from vdx.rooms import Node

Count = Annotated[int, Meta(ge=0)]


class StreamQuality(Struct, frozen=True, omit_defaults=True):
    """One stream; packets of the whole participation, `jitter` (milliseconds) and sizes as they were at the end."""

    media: Literal["audio", "video", "content"]
    encoding: str = ""
    received: Count = 0
    lost: int = 0
    sent: Count = 0
    sent_lost: int = 0
    """Of what we sent, as the other side reported."""
    jitter: float = 0.0
    round_trip: float = 0.0
    """Milliseconds, 0: not known."""
    width: int = 0
    height: int = 0
    encrypted: bool = False

    @property
    def loss(self) -> float:
        """The part of what was sent to us that did not come, 0 to 1."""
        due = self.received + self.lost
        return max(0.0, self.lost / due) if due > 0 else 0.0


class QualityReport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One participation in one room; times in seconds since 1970."""

    node: Node
    room: str
    """Its uuid; of a bridge or a probe, one that nobody else knows."""
    participant: str
    domain: str = ""
    began: float
    ended: float
    streams: tuple[StreamQuality, ...] = ()


QUALITY: Happening[QualityReport] = Happening("quality", QualityReport)
