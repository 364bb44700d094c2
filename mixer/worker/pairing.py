"""Who gets whose pictures as they came: the two in a room that has no third. For the main loop.

A relay begins at a key picture, after a second or so of composed pictures has told what each sends. It ends at one,
too: when a third comes, a recording or a snapshot begins, or the two no longer fit, both are decoded again first, and
only then composed pictures take its place.
"""

from __future__ import annotations

from collections.abc import Mapping

from mixer.wire import Media, Scene
from mixer.worker.asking import UNBOUNDED, rows
from mixer.worker.engine import now
from mixer.worker.participant import Participant
from mixer.worker.relay import only
from mixer.worker.sight import VideoStream

PATIENCE = 2_000_000_000
"""Nanoseconds that decoding may take to begin: a key picture a second at most, and a round trip."""
HOLD = 3_000_000_000
"""Nanoseconds that pictures are composed for a snapshot."""

Watching = Mapping[tuple[str, Media], str]


class Pairing:
    """Decide, each time the room settles, who gets a relay of whom."""

    def __init__(self, participants: Mapping[str, Participant]) -> None:
        self._participants = participants
        self._relayed: dict[str, VideoStream] = {}
        self._ending: dict[str, int] = {}
        """Until when those whose relay ends may keep it."""
        self._held_until = 0

    def hold(self) -> None:
        """Compose for some seconds."""
        self._held_until = now() + HOLD

    @property
    def changing(self) -> bool:
        """Whether a relay is about to end: then settle again soon."""
        return bool(self._ending)

    def settle(self, told: Mapping[str, Scene], watching: Watching, *, recording: bool) -> None:
        """Look at who is here and who watches what."""
        fitting: dict[str, VideoStream] = {}
        if len(self._participants) == 2 and not recording and now() >= self._held_until:
            fitting = {
                name: other for name in self._participants if (other := self._other(name, told, watching)) is not None
            }
        ending = {
            name: self._ending.get(name, now() + PATIENCE)
            for name, other in self._relayed.items()
            if name not in fitting and self._goes_on(name, other)
        }
        self._ending = {name: until for name, until in ending.items() if now() < until}
        self._relayed = {**fitting, **{name: self._relayed[name] for name in self._ending}}

    def kept(self, name: str) -> bool:
        """Say whether somebody goes on with what he gets until pictures are decoded."""
        return name in self._ending

    def of(self, name: str, media: Media) -> VideoStream | None:
        """Give whose pictures somebody gets as they came on one of his streams."""
        return self._relayed.get(name) if media == "video" else None

    def most(self, stream: VideoStream) -> int:
        """Give the kilobits a second that the line of who gets this stream as it came can carry."""
        lines = [
            self._participants[name].videos["video"].rate.kbps for name, one in self._relayed.items() if one is stream
        ]
        return min((int(kbps) for kbps in lines), default=UNBOUNDED)

    def bare(self, told: Mapping[str, Scene], watching: Watching) -> frozenset[str]:
        """Give whose camera need not be decoded, as everybody who sees it gets it as it came."""
        if self._ending:
            return frozenset()
        views = [view for (name, media), view in watching.items() if self.of(name, media) is None]
        composed = rows(scene for view in views if (scene := told.get(view)) is not None)
        return frozenset(
            name
            for name, participant in self._participants.items()
            if (name, "video") not in composed and self._only_relayed(participant.videos.get("video"))
        )

    def _only_relayed(self, stream: VideoStream | None) -> bool:
        getting = [self._participants[name].videos["video"] for name, one in self._relayed.items() if one is stream]
        return bool(getting) and all(
            stream is not None and one.encoder is stream.relay and one.next_encoder is None for one in getting
        )

    def _other(self, name: str, told: Mapping[str, Scene], watching: Watching) -> VideoStream | None:
        """Give whose pictures somebody could get as they come."""
        seen = only(told.get(watching.get((name, "video"), "")))
        stream = self._participants[name].videos.get("video")
        if stream is None or stream.sends is None or seen == name or seen not in self._participants:
            return None
        other = self._participants[seen].videos.get("video")
        if other is None or not other.relay.suits(other.receives, stream.stream, stream.rate.kbps):
            return None
        return other

    def _goes_on(self, name: str, other: VideoStream) -> bool:
        """Say whether both ends of a relay are still there, and the pictures not yet decoded."""
        present = any(other is one.videos.get("video") for one in self._participants.values())
        receiver = self._participants.get(name)
        stream = receiver.videos.get("video") if receiver is not None else None
        return present and stream is not None and stream.encoder is other.relay and other.latest() is None
