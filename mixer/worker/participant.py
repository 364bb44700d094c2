"""One participant: his sockets, his streams, and how he takes part in the sound. For the main loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address

import msgspec

from mixer.wire import Key, Line, Media, Rollover, Sound, Stream, descriptors_of
from mixer.worker.adaptation import Send, choose
from mixer.worker.encoding import Pictures
from mixer.worker.errors import EngineError, TransportError
from mixer.worker.fecc import CameraControl
from mixer.worker.hearing import Seat
from mixer.worker.prompts import Player
from mixer.worker.sight import Eyes, VideoStream
from mixer.worker.speech import Ears, SoundStream
from mixer.worker.transport import Sockets
from mixer.worker.voice import Voice

AnyStream = SoundStream | VideoStream | CameraControl

Report = Callable[[str, Line, str], None]
"""What happened on which stream, and what about it: `heard`, `event` (a key), `wanted`, `broken` (why)."""

PICTURES: tuple[Media, ...] = ("video", "content")

Said = Callable[[bytes], None]
"""Takes what a participant says to a camera, from any thread."""


class Participant:
    """Somebody in the room; `change` gives him streams, `close` takes everything away."""

    def __init__(
        self, name: str, *, gain_control: bool, muted: bool, deaf: bool, bridged: bool, reports: Report, said: Said
    ) -> None:
        self.name = name
        self._bridged = bridged
        self.player = Player()
        self.speech: SoundStream | None = None
        self.videos: dict[Media, VideoStream] = {}
        """By `video` and `content`; replaced as a whole, as threads look into it."""
        self.cameras: CameraControl | None = None
        self._said = said
        self._voice = Voice(gain_control=gain_control)
        self._state = Sound(name, muted=muted, deaf=deaf)
        self._reports = reports
        self._sockets: dict[Line, Sockets] = {}
        self._classes: dict[Media, int] = {}
        self._views: dict[Media, str] = {}
        self._rollovers: dict[Line, tuple[Key, tuple[Rollover, ...]]] = {}
        """What was counted of streams as they ended, by the key it was counted with."""

    @property
    def media(self) -> dict[Media, SoundStream | VideoStream]:
        """What is heard and seen of him."""
        speech: dict[Media, SoundStream | VideoStream] = {"audio": self.speech} if self.speech else {}
        return {**speech, **self.videos}

    @property
    def streams(self) -> dict[Line, AnyStream]:
        """All streams."""
        lines: dict[Line, AnyStream] = {"fecc": self.cameras} if self.cameras else {}
        lines.update(self.media.items())
        return lines

    @property
    def seat(self) -> Seat | None:
        """His place in the sound of the room, if he has any."""
        if self.speech is None:
            return None
        state = self._state
        return Seat(self.name, self.speech, self.player, muted=state.muted, deaf=state.deaf, echo=state.echo)

    def sound(self, state: Sound) -> None:
        """Take part in the sound like that from now on."""
        self._state = state
        self._voice.raised = state.gain

    def change(self, streams: Sequence[Stream], descriptors: Sequence[int]) -> None:
        """Have exactly these streams; raises `TransportError`, and has then changed nothing and closed what came."""
        came = _adopt(streams, descriptors)
        for running in self.streams.values():
            self._remember(running)
        made: dict[Line, AnyStream] = {}
        try:
            for stream in streams:
                made[stream.media] = self._going_on(stream) or self._make(stream, came.get(stream.media))
        except (TransportError, EngineError):
            for media, one in made.items():
                if one is not self.streams.get(media):
                    one.close()
            for sockets in came.values():
                sockets.close()
            raise
        self._replace(self.streams, made, came)
        for stream in streams:
            made[stream.media].retarget(stream)

    def drop(self, media: Line) -> bool:
        """Close one stream that is broken; its sockets stay for `change`. Says whether there was one."""
        stream = self.streams.get(media)
        if stream is None:
            return False
        if media == "audio":
            self.speech = None
        elif media == "fecc":
            self.cameras = None
        else:
            self.videos = {name: one for name, one in self.videos.items() if name != media}
        self._remember(stream)
        stream.close()
        return True

    def choose(self, media: Media, fps: int) -> Send:
        """Choose what he is sent on a video stream, by what his line carries."""
        stream = self.videos[media]
        told = stream.stream
        send = choose(
            stream.rate.kbps,
            self._classes.get(media, 0),
            width=told.width,
            height=told.height,
            fps=min(fps, told.fps),
        )
        self._classes[media] = send.kbps
        return send

    def watch(self, media: Media, view: str, encoder: Pictures) -> None:
        """Send him this encoder's pictures of a view; of another view, not one picture more."""
        self.videos[media].watch(encoder, instead=self._views.get(media) != view)
        self._views[media] = view

    def close(self) -> None:
        """End everything of his."""
        self.player.quiet()
        for stream in self.streams.values():
            stream.close()
        for sockets in self._sockets.values():
            sockets.close()
        self.speech, self.videos, self.cameras, self._sockets = None, {}, None, {}

    def _going_on(self, stream: Stream) -> AnyStream | None:
        """Give the stream that goes on, where nothing but its remote address changes."""
        running = self.streams.get(stream.media)
        if running is None or not stream.kept or not _same(running.stream, stream):
            return None
        return running

    def _remember(self, stream: AnyStream) -> None:
        """Note what is counted of an encrypted stream, for the one that goes on with its key."""
        told = stream.stream
        if told.encryption is not None:
            self._rollovers[told.media] = told.encryption.theirs, stream.transport.rollovers()

    def _make(self, stream: Stream, came: Sockets | None) -> AnyStream:
        key, counted = self._rollovers.get(stream.media, (None, ()))
        if stream.encryption is not None and stream.encryption.theirs == key:
            stream = msgspec.structs.replace(stream, rollovers=counted)
        sockets = came or self._sockets.get(stream.media)
        if sockets is None:
            raise TransportError(f"stream {stream.media} has no sockets to keep")
        tell, media = self._reports, stream.media
        name = f"{self.name}-{media}"
        broken = partial(tell, "broken", media)
        heard = partial(tell, "heard", media, "")
        if media == "audio":
            ears = Ears(heard, partial(tell, "event", media), broken)
            return SoundStream(name, stream, sockets, self._voice, ears, bridged=self._bridged)
        if media == "fecc":
            return CameraControl(name, stream, sockets, said=self._said, broken=broken)
        eyes = Eyes(heard, partial(tell, "wanted", media, ""), broken)
        return VideoStream(name, stream, sockets, eyes)

    def _replace(
        self,
        old: dict[Line, AnyStream],
        made: dict[Line, AnyStream],
        came: dict[Line, Sockets],
    ) -> None:
        speech = made.get("audio")
        self.speech = speech if isinstance(speech, SoundStream) else None
        cameras = made.get("fecc")
        self.cameras = cameras if isinstance(cameras, CameraControl) else None
        self.videos = {media: one for media in PICTURES if isinstance(one := made.get(media), VideoStream)}
        for media, one in old.items():
            if made.get(media) is not one:
                one.close()
                self._views = {one: view for one, view in self._views.items() if one != media}
        for media in list(self._sockets):
            if media in came or media not in made:
                self._sockets.pop(media).close()
        self._sockets.update(came)
        for media, one in made.items():
            if old.get(media) is not one:
                self._sockets[media].arm(one.stream)
                try:
                    one.play()
                except EngineError as error:
                    self._reports("broken", media, str(error))


def _adopt(streams: Sequence[Stream], descriptors: Sequence[int]) -> dict[Line, Sockets]:
    """Give each stream that brings sockets its own; raises `TransportError` (all are closed) where they do not fit."""
    left = list(descriptors)
    wrong = _unfit(streams, len(left))
    if wrong:
        Sockets.close_all(left)
        raise TransportError(wrong)
    came: dict[Line, Sockets] = {}
    try:
        for stream in streams:
            if not stream.kept:
                taken, left = left[: 1 + stream.rtcp], left[1 + stream.rtcp :]
                came[stream.media] = Sockets.adopt(taken)
    except TransportError:
        Sockets.close_all(left)
        for sockets in came.values():
            sockets.close()
        raise
    return came


def _unfit(streams: Sequence[Stream], sockets: int) -> str:
    """Say what is wrong with streams, or with the number of sockets that came with them, or nothing."""
    if len({stream.media for stream in streams}) != len(streams):
        return "two streams have one name"
    for address in (one for stream in streams for one in (stream.remote, stream.remote_rtcp) if one is not None):
        try:
            ip_address(address.host)
        except ValueError:
            return f"{address.host} is not an address"
    wanted = descriptors_of(streams)
    return "" if wanted == sockets else f"{sockets} sockets came for streams that need {wanted}"


def _same(before: Stream, after: Stream) -> bool:
    """Say whether two descriptions differ at most in where to send to."""
    plain = [
        msgspec.structs.replace(one, remote=None, remote_rtcp=None, kept=True, rollovers=()) for one in (before, after)
    ]
    ends = [(one.remote is None, one.remote_rtcp is None) for one in (before, after)]
    return plain[0] == plain[1] and ends[0] == ends[1]
