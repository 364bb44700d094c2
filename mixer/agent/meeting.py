"""One room that runs: its logic, its worker, and the calls in it.

Theory of operation. `Room` decides, the worker carries out. Every event of a call, of the worker or of the clock goes
into the room, and `settle` then carries out what it asked for. A worker that dies is replaced by another that gets the
same sockets; the room knows nothing of it, and the participants are re-invited to send key pictures.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from mixer import room as logic
from mixer import wire
from mixer.agent import told
from mixer.agent.caller import Caller, Signalling
from mixer.agent.workers import Pool, Worker
from mixer.errors import WorkerError
from mixer.prompts import Prompts, themed
from mixer.reports import (
    Broken,
    Digit,
    FromWorker,
    Heard,
    KeyframeWanted,
    Left,
    Levels,
    Prompted,
    Silent,
    Stats,
    Unrecorded,
)
from mixer.room import Guard, Kind, Room, RoomSettings
from vdx.journal import fields

log = logging.getLogger("mixer.meeting")

REDRAW_SECONDS = 0.05
"""Changes of pictures are gathered for so long: ten people who are let in at once are one change."""

REVIVALS = 5
"""Workers that may die in one room within REVIVAL_SECONDS; a sixth ends the room: something in it kills them."""

REVIVAL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all rooms of a server share.

    `changed` hears that a roster is another, `over` that a room is empty, `left` how the media was of
    somebody who has left.
    """

    pool: Pool
    prompts: Prompts
    guard: Guard
    signalling: Signalling
    dial: Callable[[Meeting, str, str], None]
    find: Callable[[Meeting, str, str], None]
    move: Callable[[Meeting, str, str], None]
    changed: Callable[[Meeting], None]
    presenter: Callable[[Meeting, str], None]
    over: Callable[[Meeting], None]
    left: Callable[[Meeting, Caller], None]
    recordings: Path | None = None
    themes: Path | None = None
    h265: bool = False
    fps: int = 25
    roomy: Callable[[], bool] = lambda: True
    """Tells whether there are processors for pictures of each one's own."""
    wall: Callable[[], float] = time.time


class Meeting:
    """A running room. `key` is its uuid."""

    def __init__(self, key: str, settings: RoomSettings, around: Surroundings) -> None:
        self.key = key
        self.room = Room(settings, around.guard, around.wall())
        self.conference = secrets.randbits(31)
        """The number of the conference in floor control."""
        self.callers: dict[str, Caller] = {}
        self.closed = False
        self.hops = 70
        """Max-Forwards of calls that leave from here: of a bridge, what is left of the caller's."""
        self._around = around
        self._worker: Worker | None = None
        self._leaving: dict[str, Caller] = {}
        """Who has left, as he was, until the worker has counted his streams."""
        self._voices: dict[str, wire.Sound] = {}
        self._repeating: dict[str, wire.Prompt] = {}
        self._opening = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._redraw: asyncio.TimerHandle | None = None
        self._deaths: list[float] = []
        self._parts = 0
        """Recordings that were begun."""
        self._tasks: set[asyncio.Task[None]] = set()

    # Calls

    async def join(self, caller: Caller) -> None:
        """Take a call in: media first, then the door. Raises `WorkerError`."""
        caller.meeting = self
        self.callers[caller.id] = caller
        worker = await self._opened()
        if caller.gone or self.callers.get(caller.id) is not caller:
            return
        said = caller.negotiation.told(caller.rollovers)
        await worker.do(wire.Join(caller.id, said.streams, muted=True, deaf=True), said.descriptors)
        if caller.gone or self.callers.get(caller.id) is not caller:
            worker.send(wire.Leave(caller.id))
            return
        caller.joined, caller.began, caller.stats = True, self._now, ()
        self.room.arrive(caller.arrival, self._now)
        self.settle()

    def change(self, caller: Caller) -> None:
        """Take a new description of a call into its media."""
        if not caller.joined or self._worker is None:
            return
        said = caller.negotiation.told()
        self._worker.send(wire.Change(caller.id, said.streams), said.descriptors)
        self.room.renew(caller.arrival)
        self.settle()

    def leave(self, caller: Caller) -> None:
        """Let a call go that has ended, or that goes on in another room."""
        self.callers.pop(caller.id, None)
        self._voices.pop(caller.id, None)
        self._repeating.pop(caller.id, None)
        if caller.joined:
            self._leaving[caller.id] = replace(caller)
            if self._worker is None:
                self._uncounted()
            else:
                self._worker.send(wire.Leave(caller.id))
        caller.joined = False
        caller.meeting = None
        self.room.gone(caller.id, self._now)
        self.settle()

    def digit(self, caller: Caller, digit: str) -> None:
        """Take a key pressed, told by INFO."""
        self.room.digit(caller.id, digit, self._now)
        self.settle()

    def keyframe(self, caller: Caller) -> None:
        """Send a key picture: it was asked for by INFO."""
        if self._worker is not None and caller.joined:
            self._worker.send(wire.Keyframe(caller.id))

    def weigh(self) -> None:
        """Look again whether there are processors for pictures of each one's own."""
        self._redraw_soon(logic.Redraw())

    async def snapshot(self, path: Path) -> None:
        """Write the room's main picture as PNG. Raises `WorkerError`."""
        worker = await self._opened()
        self._draw()
        with _opened_file(path, os.O_TRUNC) as file:
            await worker.do(wire.Snapshot(told.MAIN), (file,))

    async def close(self) -> None:
        """End the worker; nobody is here any more."""
        self.closed = True
        for timer in (self._timer, self._redraw):
            if timer is not None:
                timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        worker, self._worker = self._worker, None
        if worker is not None:
            await self._around.pool.give_back(worker)
        self._uncounted()

    # The worker

    async def _opened(self) -> Worker:
        async with self._opening:
            if self._worker is None:
                worker = await self._around.pool.take()
                worker.heard = self._heard
                worker.died = lambda: self._died(worker)
                self._worker = worker
                log.info("room.manned", extra=fields(room=self.key, pid=worker.pid))
                kind, around = self.room.settings.kind, self._around
                noise = -100 if kind is Kind.TEST else -72
                bridge = kind is Kind.GATEWAY
                worker.send(wire.Start(self.key, around.fps, comfort_noise=noise, h265=around.h265, bridge=bridge))
                self._draw()
            return self._worker

    def _heard(self, said: FromWorker) -> None:
        handler = self._REPORTS.get(type(said))
        if handler is not None:
            handler(self, said)
            self.settle()

    def _levels(self, said: Levels) -> None:
        for one in said.levels:
            caller = self.callers.get(one.participant)
            if caller is not None:
                caller.loudest = max(caller.loudest, one.level)
        self.room.hear({one.participant: one.level for one in said.levels}, self._now)

    def _digit(self, said: Digit) -> None:
        if said.by == "event" or self.room.settings.kind is not Kind.GATEWAY:  # there, tones pass in the sound
            self.room.digit(said.participant, said.digit, self._now)

    def _prompted(self, said: Prompted) -> None:
        self.room.prompted(said.participant, said.key, self._now)

    def _keyframe_wanted(self, said: KeyframeWanted) -> None:
        caller = self.callers.get(said.participant)
        if caller is not None:
            self._around.signalling.ask_keyframe(caller)

    def _stats(self, said: Stats) -> None:
        for caller in self.callers.values():
            caller.stats = tuple(one for one in said.streams if one.participant == caller.id)
            if self.room.settings.kind is Kind.TEST:
                self.room.note(caller.id, told.findings(caller.stats, self.room.settings.language))

    def _counted(self, said: Left) -> None:
        caller = self._leaving.pop(said.participant, None)
        if caller is not None:
            caller.stats = said.streams
            self._around.left(self, caller)

    def _uncounted(self) -> None:
        """Give up waiting for counts of those who left: what was counted a second before must do."""
        while self._leaving:
            self._around.left(self, self._leaving.popitem()[1])

    def _flowing(self, said: Heard | Silent) -> None:
        """Let those present, by just sending, who have no floor control; ask who fell silent whether they are there."""
        caller = self.callers.get(said.participant)
        if caller is None:
            return
        if isinstance(said, Silent) and said.media != "content":
            self._around.signalling.probe(caller)
        if said.media != "content" or (caller.negotiation.reading or told.NOTHING).floor is not None:
            return
        if isinstance(said, Heard) and self.room.may_present(caller.id):
            self.room.present(caller.id)
        elif isinstance(said, Silent) and self.room.presenter == caller.id:
            self.room.present("")

    def _broken(self, said: Broken) -> None:
        log.warning("stream.broken: %s", said.reason, extra=fields(participant=said.participant, media=said.media))

    def _died(self, worker: Worker) -> None:
        if worker is not self._worker or self.closed:
            return
        self._worker = None
        self._uncounted()
        now = self._now
        self._deaths = [*(at for at in self._deaths if at > now - REVIVAL_SECONDS), now]
        if len(self._deaths) > REVIVALS:
            log.error("room.given-up: its workers die", extra=fields(room=self.key, times=len(self._deaths)))
            for caller in list(self.callers.values()):
                self._around.signalling.drop(caller, 500, "the room cannot go on")
            return
        self._start(self._revive())

    async def _revive(self) -> None:
        """Bring everybody into a new worker, as they were."""
        worker = None
        try:
            worker = await self._opened()
            for caller in [caller for caller in self.callers.values() if caller.joined]:
                if caller.id not in self.callers:  # who hung up meanwhile
                    continue
                said = caller.negotiation.told(caller.rollovers)
                await worker.do(wire.Join(caller.id, said.streams, muted=True, deaf=True), said.descriptors)
                for message in (self._voices.get(caller.id), self._repeating.get(caller.id)):
                    if message is not None:
                        worker.send(message)
                self._around.signalling.reinvite(caller)
            self._draw()
            if self.room.recording:
                self._record()
                self.settle()
        except WorkerError as error:
            if worker is not None and worker is not self._worker:  # it died as well, and the next one is on its way
                return
            log.error("room.unrevived: %s", error, extra=fields(room=self.key))  # noqa: TRY400 - the sentence says it
            for caller in list(self.callers.values()):
                self._around.signalling.drop(caller, 503, "the room's server has a fault")
        else:
            log.info("room.revived", extra=fields(room=self.key, participants=len(self.callers)))

    # The room

    def settle(self) -> None:
        """Carry out what the room asks for, and set its timer."""
        while commands := self.room.take():
            for command in commands:
                self._COMMANDS[type(command)](self, command)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.room.next_timer()
        if due is not None and not self.closed:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, due - self._now), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.room.on_timer(self._now)
        self.settle()

    def _say(self, command: logic.Say) -> None:
        path = self.prompts.sound(command.prompt, self.room.settings.language)
        message = wire.Prompt(str(path), command.participant, command.key, command.repeat)
        if command.repeat:
            self._repeating[command.participant] = message
        self._tell(message)

    def _hush(self, command: logic.Hush) -> None:
        self._repeating.pop(command.participant, None)
        self._tell(wire.Quiet(command.participant))

    def _voice(self, command: logic.Voice) -> None:
        sound = wire.Sound(command.participant, muted=command.muted, deaf=command.deaf, echo=command.echo)
        self._voices[command.participant] = sound
        self._tell(sound)

    def _redraw_soon(self, _: logic.Redraw) -> None:
        if self._redraw is None and not self.closed:
            self._redraw = asyncio.get_running_loop().call_later(REDRAW_SECONDS, self._draw)

    def _draw(self) -> None:
        if self._redraw is not None:
            self._redraw.cancel()
            self._redraw = None
        if self._worker is not None:
            names = {entry.participant: entry.name for entry in self.room.roster}
            joined = frozenset(caller.id for caller in self.callers.values() if caller.joined)
            self.room.cramped = not self._around.roomy()
            self._worker.send(told.scenes(self.room, self.prompts, names, joined))

    def _drop(self, command: logic.Drop) -> None:
        caller = self.callers.get(command.participant)
        if caller is not None:
            self._around.signalling.drop(caller, command.status, command.sentence)

    def _record(self) -> None:
        """Begin a recording, or where its worker has died, the next part of it."""
        folder = self._around.recordings
        if folder is None:
            self.room.unrecorded("the configuration names no folder `recordings`")
        elif self._worker is not None:
            self._parts += 1
            began = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now))
            path = folder / f"{self.room.settings.alias}-{began}-{self._parts}.mkv"
            try:
                with _opened_file(path, os.O_EXCL) as file:
                    self._worker.send(wire.Record("", told.MAIN), (file,))
            except WorkerError as error:
                self.room.unrecorded(str(error))

    def _unrecorded(self, said: Unrecorded) -> None:
        self.room.unrecorded(said.reason)

    def _log(self, command: logic.Log) -> None:
        extra = fields(room=self.key, participant=command.participant or None, detail=command.detail or None)
        log.info(command.event, extra=extra)

    def _tell(self, message: wire.ToWorker) -> None:
        if self._worker is not None:
            self._worker.send(message)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def prompts(self) -> Prompts:
        """What the room says and shows."""
        return themed(self._around.prompts, self._around.themes, self.room.settings.theme)

    @property
    def _now(self) -> float:
        return self._around.wall()

    _REPORTS: ClassVar[dict[type, Callable[[Meeting, Any], None]]] = {
        Levels: _levels,
        Digit: _digit,
        Prompted: _prompted,
        KeyframeWanted: _keyframe_wanted,
        Stats: _stats,
        Left: _counted,
        Heard: _flowing,
        Silent: _flowing,
        Unrecorded: _unrecorded,
        Broken: _broken,
    }

    _COMMANDS: ClassVar[dict[type, Callable[[Meeting, Any], None]]] = {
        logic.Say: _say,
        logic.Hush: _hush,
        logic.Voice: _voice,
        logic.Redraw: _redraw_soon,
        logic.Announce: lambda self, _: self._around.changed(self),
        logic.Drop: _drop,
        logic.Find: lambda self, find: self._around.find(self, find.participant, find.alias),
        logic.Move: lambda self, move: self._around.move(self, move.participant, move.alias),
        logic.Dial: lambda self, dial: self._around.dial(self, dial.participant, dial.address),
        logic.StartRecording: lambda self, _: self._record(),
        logic.StopRecording: lambda self, _: self._tell(wire.StopRecord()),
        logic.Listen: lambda self, listen: self._around.presenter(self, listen.presenter),
        logic.Log: _log,
        logic.Over: lambda self, _: self._around.over(self),
    }


@contextmanager
def _opened_file(path: Path, how: int) -> Iterator[int]:
    """Open a file for a worker, which may open none itself where we can; raises `WorkerError`."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o640)
    except OSError as error:
        raise WorkerError(f"{path} cannot be written: {error.strerror}") from error
    try:
        yield file
    finally:
        os.close(file)
