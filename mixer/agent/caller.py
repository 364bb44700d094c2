"""One participant's call: the SIP leg, the session on it, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mixer.agent.negotiation import Negotiation
from mixer.reports import StreamStats
from mixer.room import Arrival, Role
from mixer.wire import Rollover
from vdx import ports

if TYPE_CHECKING:
    from b2bua.sip import Leg
    from mixer.agent.meeting import Meeting


class Signalling(Protocol):
    """What a meeting asks of a call."""

    def drop(self, caller: Caller, status: int, sentence: str) -> None:
        """End the call."""
        ...

    def reinvite(self, caller: Caller) -> None:
        """Offer the session as it is, so that the other side sends and takes it up anew."""
        ...

    def probe(self, caller: Caller) -> None:
        """Ask whether the other side is still there: it has fallen silent. If it is not, the call ends."""
        ...

    def ask_keyframe(self, caller: Caller) -> None:
        """Ask for a key picture by INFO (RFC 5168)."""
        ...


@dataclass(slots=True, eq=False)
class Caller:
    """One call. `address` is `user@host` as the edge has proved it; `user` their number in floor control.

    `joined`: their media flows, in this room since `began` (seconds since 1970). `loudest` is the highest level
    that they sent, in dBFS. `gone`: the call is over, and nothing more is done about it.
    """

    id: str
    user: int
    name: str
    address: str
    negotiation: Negotiation
    leg: Leg | None = None
    meeting: Meeting | None = None
    role: Role | None = None
    joined: bool = False
    gone: bool = False
    stats: tuple[StreamStats, ...] = field(default_factory=tuple)
    loudest: float = -100.0
    began: float = 0.0

    @property
    def arrival(self) -> Arrival:
        """Give them as a room hears of them."""
        session = self.negotiation
        video, content = session.stream("video"), session.stream("content")
        return Arrival(
            self.id,
            self.name,
            self.address,
            video=video is not None,
            content=content is not None and content.sends,
            encrypted=session.encrypted,
            role=self.role,
        )

    @property
    def rollovers(self) -> dict[str, tuple[Rollover, ...]]:
        """What was counted last of each encrypted stream, for the worker that takes it over."""
        return {one.media: one.rollovers for one in self.stats}

    @property
    def twelfths(self) -> ports.Twelfths:
        """What the call takes of the server, in twelfths of a port (`vdx.ports`)."""
        video = self.negotiation.stream("video")
        return ports.cost(ports.quality_of(video.bounds.height if video is not None else 0))
