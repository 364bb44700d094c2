"""The room: what it is told is done here, in the main loop; the threads of sound and pictures go on meanwhile."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from mixer import wire
from mixer.reports import (
    Broken,
    Digit,
    Done,
    Failed,
    FromWorker,
    Heard,
    KeyframeWanted,
    Left,
    Level,
    Levels,
    Prompted,
    Unrecorded,
)
from mixer.wire import Line, Media, Scene, Start, Stream, ToWorker
from mixer.worker.asking import enough, rows
from mixer.worker.encoding import Listener
from mixer.worker.engine import GLib, give_back
from mixer.worker.errors import CommandError
from mixer.worker.frames import Picture
from mixer.worker.hearing import Hearing, Hooks
from mixer.worker.pairing import Pairing
from mixer.worker.participant import Participant
from mixer.worker.prompts import Player, Sounding, read
from mixer.worker.recording import Recorder, open_file, write_png
from mixer.worker.showing import Showing
from mixer.worker.stats import Statistics
from mixer.worker.transport import Sockets

log = logging.getLogger("mixer.worker")

MAX_PARTICIPANTS = 60
"""What one process is asked to carry at most: their counts fit one message; the agent books far fewer."""
LEVELS_MS = 200
HOUSEKEEPING_MS = 100
TIDY_SECONDS = 5
"""For how long after somebody left what he leaves is collected: his encoders go up to some seconds later (`IDLE`)."""

TRIM_SECONDS = 30
"""How often memory goes back to the system where people come and go all the time; else it goes when that ends."""


class Room:
    """One meeting room; `say` sends a message to the agent, from the main loop only."""

    def __init__(self, start: Start, say: Callable[[FromWorker], None]) -> None:
        self._start = start
        self._say = say
        self._participants: dict[str, Participant] = {}
        self._watching: dict[tuple[str, Media], str] = {}
        self._told: dict[str, Scene] = {}
        self._steering: Mapping[str, str] = {}
        """Whose camera each moves; replaced as a whole, as threads look into it."""
        self._pairing = Pairing(self._participants)
        self._recorder: Recorder | None = None
        self._untidy = 0
        """For how many seconds yet what is left over is collected."""
        self._tidied = 0
        """For how many seconds it has been collected."""
        self.showing = Showing(start.fps, self._camera)
        self.hearing = Hearing(
            loudest=start.loudest, comfort_noise=start.comfort_noise, hooks=Hooks(partial(self._digit, "tone"))
        )
        self._statistics = Statistics(self._participants, self.showing, self.hearing, self.later)
        self._timers = [
            GLib.timeout_add(LEVELS_MS, self._levels),
            GLib.timeout_add(HOUSEKEEPING_MS, self._housekeeping),
            GLib.timeout_add_seconds(1, self._second),
        ]
        self.hearing.start()

    # -- commands

    def obey(self, message: ToWorker, descriptors: Sequence[int]) -> None:
        """Carry out a command; raises an error whose words go to the agent, and has then changed nothing."""
        try:
            self._check(message)
        except CommandError:
            Sockets.close_all(descriptors)
            raise
        done = self._people(message, descriptors) or self._media(message) or self._files(message, descriptors)
        if not done:
            raise CommandError("this room has been started already")

    def _check(self, message: ToWorker) -> None:
        """Refuse what does not fit, before any of the descriptors that came is taken."""
        match message:
            case wire.Join() if message.participant in self._participants:
                raise CommandError(f"{message.participant} is in the room already")
            case wire.Join() if len(self._participants) >= MAX_PARTICIPANTS:
                raise CommandError(f"the room holds {MAX_PARTICIPANTS} participants at most")
            case wire.Join():
                self._allow(message.streams)
            case wire.Change():
                self._participant(message.participant)
                self._allow(message.streams)
            case wire.Record() if self._recorder is not None:
                raise CommandError("this room is being recorded already")

    def _allow(self, streams: Sequence[Stream]) -> None:
        used = {form.encoding for one in streams for form in (*one.receive, *((one.send,) if one.send else ()))}
        if "h265" in used and not self._start.h265:
            raise CommandError("H.265 is not allowed in this room")

    def _people(self, message: ToWorker, descriptors: Sequence[int]) -> bool:
        match message:
            case wire.Join():
                self._join(message, descriptors)
            case wire.Change():
                self._participant(message.participant).change(message.streams, descriptors)
            case wire.Leave():
                self._leave(message.participant)
            case _:
                return False
        self._untidy = TIDY_SECONDS
        return self._done(message.id)

    def _media(self, message: ToWorker) -> bool:
        match message:
            case wire.Scenes():
                self._scenes(message)
            case wire.Sound():
                self._participant(message.participant).sound(message)
            case wire.Prompt():
                self._prompt(message)
            case wire.Quiet():
                self._player(message.participant).quiet()
            case wire.Keyframe() | wire.Refresh():
                self._keyframe(message)
            case _:
                return False
        return self._done(message.id)

    def _files(self, message: ToWorker, descriptors: Sequence[int]) -> bool:
        """Begin or end a file; what takes long says itself when it is done."""
        match message:
            case wire.Record():
                self._record(message, open_file(message.path, descriptors))
                self._done(message.id)
            case wire.StopRecord():
                self._stop_record(message.id)
            case wire.Snapshot():
                self._snapshot(message, open_file(message.path, descriptors))
            case _:
                return False
        return True

    def _done(self, number: int) -> bool:
        self._settle()
        if number:
            self._say(Done(number))
        return True

    def started(self, number: int) -> None:
        """Answer the command that made this room."""
        if number:
            self._say(Done(number))

    def close(self) -> None:
        """End the room: a recording is completed, sockets are closed."""
        for timer in self._timers:
            GLib.source_remove(timer)
        self.hearing.stop()
        if self._recorder is not None:
            self._recorder.finish()
        self.showing.close()
        for participant in self._participants.values():
            participant.close()
        self._participants.clear()

    def later(self, message: FromWorker) -> None:
        """Say something from another thread."""
        GLib.idle_add(self._say_once, message)

    # -- participants

    def _join(self, message: wire.Join, descriptors: Sequence[int]) -> None:
        participant = Participant(
            message.participant,
            gain_control=self._start.gain_control,
            muted=message.muted,
            deaf=message.deaf,
            bridged=self._start.bridge,
            reports=self._reports(message.participant),
            said=partial(self._move, message.participant),
        )
        participant.change(message.streams, descriptors)
        self._participants[message.participant] = participant
        if message.view:
            self._watching.setdefault((message.participant, "video"), message.view)

    def _leave(self, name: str) -> None:
        participant = self._participant(name)
        self._say(Left(name, self._statistics.last(name)))
        participant.close()
        del self._participants[name]
        self._seat()
        self._watching = {key: view for key, view in self._watching.items() if key[0] != name}

    def _participant(self, name: str) -> Participant:
        try:
            return self._participants[name]
        except KeyError:
            raise CommandError(f"{name} is not in the room") from None

    def _reports(self, name: str) -> Callable[[str, Line, str], None]:
        """Give what a participant's streams report with, from any thread: what happened, on which stream, why."""

        def report(what: str, media: Line, detail: str) -> None:
            match what:
                case "heard" if media != "fecc":
                    self.later(Heard(name, media))
                case "event":
                    self._digit("event", name, detail)
                case "wanted" if media in {"video", "content"}:
                    self.later(KeyframeWanted(name, media))
                case "broken":
                    GLib.idle_add(self._broken, name, media, detail)

        return report

    def _broken(self, name: str, media: Line, reason: str) -> bool:
        participant = self._participants.get(name)
        if participant is not None and participant.drop(media):
            self._untidy = TIDY_SECONDS
            self._settle()
            self._say(Broken(name, media, reason))
        return False

    def _digit(self, by: str, name: str, digit: str) -> None:
        self.later(Digit(name, digit, "event" if by == "event" else "tone"))

    # -- pictures

    def _camera(self, name: str, source: str) -> Picture | None:
        """Give what a participant shows; called in the threads of compositions."""
        participant = self._participants.get(name)
        stream = participant.videos.get("content" if source == "content" else "video") if participant else None
        return stream.latest() if stream is not None else None

    def _move(self, name: str, payload: bytes) -> None:
        """Give on what a participant says to the camera he moves; called in his thread."""
        other = self._participants.get(self._steering.get(name, ""))
        cameras = other.cameras if other is not None else None
        if cameras is not None:
            cameras.move(payload)

    def _scenes(self, message: wire.Scenes) -> None:
        self._steering = {one.participant: one.camera for one in message.steering}
        self._told = {scene.view: scene for scene in message.scenes}
        self._watching = {(one.participant, one.media): one.view for one in message.watching}
        self.showing.tell(self._told)

    def _settle(self) -> None:
        """Let every stream have what the present state gives it."""
        self._seat()
        self._pairing.settle(self._told, self._watching, recording=self._recorder is not None)
        for name, participant in self._participants.items():
            for media, stream in participant.videos.items():
                form, other = stream.sends, self._pairing.of(name, media)
                if form is None or (other is not None and self._pairing.kept(name)):
                    continue
                view = self._watching.get((name, media), "")
                if other is None:
                    send = participant.choose(media, self._start.fps)
                    participant.watch(media, view, self.showing.encoder(view, form, send))
                else:
                    participant.watch(media, view, other.relay)
        if self._start.bridge:
            self._bridge()
        self._listen()
        self._show()

    def _bridge(self) -> None:
        """Let two have each other's sound as it comes, where nothing is done to it."""
        seats = self.hearing.seats
        for seat in seats:
            seat.stream.fed = False
        for one in seats:
            others = [other for other in seats if other is not one] if self._recorder is None else []
            fits = len(others) == 1 and one.stream.suits(others[0].stream) and not (one.muted or others[0].deaf)
            one.stream.pass_to(others[0].stream if fits else None)
            for other in others:
                other.stream.fed = fits

    def _show(self) -> None:
        """Decode who is shown, and have each send what fills his place."""
        shown, filled = rows(self._told.values()), rows(self._looked_at())
        bare = self._pairing.bare(self._told, self._watching)
        for name, participant in self._participants.items():
            for media, stream in participant.videos.items():
                stream.show((name, media) in shown and not (media == "video" and name in bare))
                stream.fill(enough(filled.get((name, media), 0)), self._pairing.most(stream))

    def _looked_at(self) -> list[Scene]:
        """Give the views that somebody watches, or that are recorded."""
        views = {*self._watching.values(), *((self._recorder.view,) if self._recorder else ())}
        return [scene for view, scene in self._told.items() if view in views]

    def _listen(self) -> None:
        """Tell each encoder who listens."""
        listeners: dict[int, list[Listener]] = {}
        streams = [one for participant in self._participants.values() for one in participant.videos.values()]
        for stream in streams:
            for encoder in (stream.encoder, stream.next_encoder):
                if encoder is not None:
                    listeners.setdefault(id(encoder), []).append(stream)
        for stream in streams:
            stream.give(tuple(listeners.get(id(stream.relay), ())))
        if self._recorder is not None:
            listeners.setdefault(id(self._recorder.encoder), []).append(self._recorder)
        self.showing.listen(listeners)

    def _keyframe(self, message: wire.Keyframe | wire.Refresh) -> None:
        stream = self._participant(message.participant).videos.get(message.media)
        if stream is None:
            raise CommandError(f"{message.participant} has no stream {message.media}")
        if isinstance(message, wire.Refresh):
            stream.refresh()
        else:
            stream.repeat()

    # -- sound

    def _seat(self) -> None:
        self.hearing.seats = tuple(
            seat for participant in self._participants.values() if (seat := participant.seat) is not None
        )

    def _player(self, name: str) -> Player:
        return self._participant(name).player if name else self.hearing.everybody

    def _prompt(self, message: wire.Prompt) -> None:
        ended = partial(self.later, Prompted(message.participant, message.key))
        self._player(message.participant).add(Sounding(read(message.path), message.repeat, ended))

    # -- files

    def _record(self, message: wire.Record, file: int) -> None:
        form, send = Recorder.wants(message, self._start.fps)
        encoder = self.showing.encoder(message.view, form, send)
        self._recorder = Recorder(file, message.view, encoder, self._unrecorded)
        self.hearing.hooks = replace(self.hearing.hooks, recorder=self._recorder.block)

    def _unrecorded(self, reason: str) -> None:
        if self._recorder is not None:
            self._unhook()
            self._say(Unrecorded(reason))

    def _stop_record(self, number: int) -> None:
        self._unhook().end(partial(self._written, number))

    def _unhook(self) -> Recorder:
        """Let pictures and sound go to the recording no longer."""
        if self._recorder is None:
            raise CommandError("this room is not being recorded")
        recorder, self._recorder = self._recorder, None
        self.hearing.hooks = replace(self.hearing.hooks, recorder=None)
        self._listen()
        return recorder

    def _snapshot(self, message: wire.Snapshot, file: int) -> None:
        """Draw a view, first decoding again who is relayed."""

        def draw() -> bool:
            if self._pairing.changing:
                return True
            write_png(self.showing.snapshot(message.view), file, partial(self._written, message.id))
            return False

        self._pairing.hold()
        self._settle()
        if draw():
            GLib.timeout_add(HOUSEKEEPING_MS, draw)

    def _written(self, number: int, reason: str = "") -> None:
        if reason:
            self.later(Failed(number, reason))
        elif number:
            self.later(Done(number))

    # -- time

    def _levels(self) -> bool:
        levels = tuple(
            Level(name, round(level, 1), speaking) for name, (level, speaking) in self.hearing.heard.levels.items()
        )
        if levels:
            self._say(Levels(levels))
        return True

    def _housekeeping(self) -> bool:
        for participant in self._participants.values():
            for stream in participant.videos.values():
                stream.tick()
        if self._pairing.changing:
            self._settle()
        else:
            self._listen()
        self.showing.sweep()
        return True

    def _second(self) -> bool:
        stats, changed = self._statistics.take()
        self._say(stats)
        for participant in self._participants.values():
            for stream in participant.streams.values():
                stream.transport.tidy()
            for video in participant.videos.values():
                video.remind()
        self._tidy()
        if self.showing.failed() or changed or len(self._participants) == 2:
            self._settle()
        return True

    def _tidy(self) -> None:
        """Collect what holds itself, here and not in whichever thread comes by: streams with their descriptors."""
        if self._untidy:
            self._untidy -= 1
            gc.collect()
            self._tidied += 1
            if not self._untidy or self._tidied % TRIM_SECONDS == 0:
                give_back()

    def _say_once(self, message: FromWorker) -> bool:
        self._say(message)
        return False
