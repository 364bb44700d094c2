"""The sound of the room: every 20 ms one block of everybody is mixed, encoded and handed out.

One thread does it. It works on a table that the main loop replaces as a whole, so neither ever waits for the other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field

import numpy as np
from numpy.random import default_rng

from mixer.wire import Format
from mixer.worker.encoding import SoundEncoder
from mixer.worker.engine import name_thread, now
from mixer.worker.mixing import Desk, Limiter, Mixed
from mixer.worker.pace import Complaint
from mixer.worker.prompts import Player
from mixer.worker.speech import SoundStream
from mixer.worker.voice import BLOCK, BLOCK_SECONDS, RATE, Block, ramp

log = logging.getLogger("mixer.worker")

BLOCK_NS = int(BLOCK_SECONDS * 1_000_000_000)
LATE_BLOCKS = 5
"""Blocks (100 ms) that may be made up for; a machine that was away for longer leaves them out."""
DUCK = 0.25
"""What the room is turned down to under a prompt: 12 dB."""
IDLE_BLOCKS = 500
"""Blocks (10 s) after which an encoder nobody listens to is closed."""
SWEEP_BLOCKS = 50
"""Blocks (1 s) after which it is looked for such, and for those of who has left."""
NOISE_BLOCKS = 50
"""Blocks of comfort noise made once and used in turn: nobody hears that it repeats."""

_SILENCE: Block = np.zeros(BLOCK, dtype=np.float32)

ALL = "*all"
"""The mix of those who do not speak."""
NONE = "*none"
"""The mix of those who are not to hear the room."""


@dataclass(frozen=True, slots=True)
class Seat:
    """How one participant takes part in the sound; replaced, never changed."""

    participant: str
    stream: SoundStream
    player: Player
    muted: bool = False
    deaf: bool = False
    echo: bool = False


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the sound tells the room; called in the sound's thread."""

    tone: Callable[[str, str], None]
    """A participant and the key whose tones were heard."""
    recorder: Callable[[Block, int], None] | None = None
    """Takes each block of what the room hears, and its time."""


@dataclass(slots=True)
class _Output:
    encoder: SoundEncoder
    used: int = -1
    """The number of the block that was encoded last."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Levels of the last block: of each participant dBFS, and whether he is mixed."""

    levels: Mapping[str, tuple[float, bool]] = field(default_factory=dict)


class Hearing(threading.Thread):
    """Mix the room."""

    def __init__(self, *, loudest: int, comfort_noise: int, hooks: Hooks) -> None:
        super().__init__(name="sound", daemon=True)
        self.seats: tuple[Seat, ...] = ()
        """Replaced as a whole by the main loop."""
        self.hooks = hooks
        """Replaced as a whole by the main loop."""
        self.everybody = Player()
        self.heard = Heard()
        self.late = 0
        """Blocks left out because the machine was too slow."""
        self._desk = Desk(loudest)
        self._limiters: dict[str, Limiter] = {ALL: Limiter()}
        self._finished: dict[str, Block] = {NONE: _SILENCE}
        """The mixes of the block before."""
        self._followed: dict[str, str] = {}
        """Which of them each participant heard."""
        self._ducked = 1.0
        """What the room was turned down to for everybody in the block before."""
        self._turned: dict[str, float] = {}
        """The same of those who heard a prompt of their own."""
        self._outputs: dict[tuple[str, Format], _Output] = {}
        self._noise = _noise(comfort_noise)
        self._count = 0
        self._complaint = Complaint()
        self._stopping = False

    def run(self) -> None:
        """Mix until `stop`."""
        name_thread("mix")
        due = now() // BLOCK_NS + 1
        while not self._stopping:
            wait = due * BLOCK_NS - now()
            if wait > 0:
                time.sleep(wait / 1e9)
                continue
            if -wait > LATE_BLOCKS * BLOCK_NS:
                missed = -wait // BLOCK_NS
                self.late += missed
                due += missed
            try:
                self._block(due * BLOCK_NS)
            except Exception as error:  # the next block may do; without sound a room is nothing
                if self._complaint.due(now()):
                    log.exception("sound.failed", exc_info=error)
            due += 1
        for output in self._outputs.values():
            output.encoder.close()

    def stop(self) -> None:
        """End the thread and its encoders."""
        self._stopping = True
        if self.is_alive():
            self.join()

    def _block(self, at: int) -> None:
        self._count += 1
        seats = self.seats
        mixed = self._mix(seats)
        said = self.everybody.take()
        ducked = DUCK if self.everybody or said is not None else 1.0
        factors = ramp(self._ducked, ducked)
        self._ducked = ducked
        before, followed = self._finished, self._followed
        self._finished, self._followed = {}, {}
        groups, blocks = self._plan(seats, mixed)
        for key, block in blocks.items():
            whole = block if key == NONE else block * factors
            self._finished[key] = self._finish(key, whole if said is None or key == NONE else whole + said)
        self._limiters = {key: one for key, one in self._limiters.items() if key in blocks}
        for (key, form), streams in groups.items():
            output = self._output(key, form)
            if output.used < self._count - 1:  # it begins in the middle of what its listeners hear
                output.encoder.listeners = ()
                earlier = key if key in before else followed.get(key, NONE)
                output.encoder.block(before[earlier], at - BLOCK_NS)
            output.used = self._count
            output.encoder.listeners = tuple(streams)
            output.encoder.block(self._finished[key], at)
        recorder = self.hooks.recorder
        if recorder is not None:
            recorder(self._finished[ALL], at)
        if self._count % SWEEP_BLOCKS == 0:
            self._sweep(seats)

    def _plan(
        self, seats: tuple[Seat, ...], mixed: Mixed
    ) -> tuple[dict[tuple[str, Format], list[SoundStream]], dict[str, Block]]:
        """Give who listens to which mix in which encoding, and the mixes."""
        groups: dict[tuple[str, Format], list[SoundStream]] = {}
        blocks = {ALL: mixed.total, NONE: _SILENCE}
        for seat in seats:
            prompt = seat.player.take()
            form = seat.stream.sends
            prompted = prompt is not None or bool(seat.player)
            seat.stream.hears_fed = seat.stream.fed and not prompted
            turned, down = self._turned.pop(seat.participant, 1.0), DUCK if prompted else 1.0
            if prompted:
                self._turned[seat.participant] = down
            if form is None or seat.stream.hears_fed:
                continue
            key = self._mix_of(seat, mixed)
            if prompted or turned < 1.0:
                room = self._heard_by(key, seat, mixed) * ramp(turned, down)
                key = seat.participant
                blocks[key] = room if prompt is None else room + prompt
            elif key == seat.participant:
                blocks[key] = mixed.without(key)
            self._followed[seat.participant] = key
            groups.setdefault((key, _shared(form)), []).append(seat.stream)
        return groups, blocks

    def _mix(self, seats: tuple[Seat, ...]) -> Mixed:
        blocks: dict[str, Block] = {}
        levels: dict[str, float] = {}
        for seat in seats:
            voice = seat.stream.voice
            seat.stream.collect()
            block = voice.take()
            if not seat.stream.events_seen:
                tone = seat.stream.tones.listen(block)
                if tone is not None:
                    self.hooks.tone(seat.participant, tone)
            if seat.muted:
                continue
            levels[seat.participant] = voice.smoothed
            if block is not None:
                blocks[seat.participant] = voice.raise_(block)
        mixed = self._desk.mix(blocks, levels)
        speaking = self._desk.speaking
        self.heard = Heard(
            {seat.participant: (seat.stream.voice.level, seat.participant in speaking) for seat in seats}
        )
        return mixed

    def _mix_of(self, seat: Seat, mixed: Mixed) -> str:
        if seat.deaf:
            return NONE
        return seat.participant if seat.participant in mixed.parts and not seat.echo else ALL

    @staticmethod
    def _heard_by(key: str, seat: Seat, mixed: Mixed) -> Block:
        if key == NONE:
            return _SILENCE
        return mixed.without(seat.participant) if key == seat.participant else mixed.total

    def _finish(self, key: str, block: Block) -> Block:
        """Limit a mix and lay noise under it."""
        limiter = self._limiters.get(key)
        if limiter is None:
            limiter = self._limiters[key] = copy(self._limiters[ALL])
        whole = limiter.limit(block)
        return whole if self._noise is None else whole + self._noise[self._count % NOISE_BLOCKS]

    def _output(self, key: str, form: Format) -> _Output:
        found = self._outputs.get((key, form))
        if found is None:
            found = _Output(SoundEncoder(form, lambda: self._lost(key, form)))
            self._outputs[key, form] = found
        return found

    def _lost(self, key: str, form: Format) -> None:
        """Let go of an encoder that failed: the next block makes another."""
        output = self._outputs.pop((key, form), None)
        if output is not None:
            output.encoder.close()

    def _sweep(self, seats: tuple[Seat, ...]) -> None:
        present = {seat.participant for seat in seats} | {ALL, NONE}
        for key, output in list(self._outputs.items()):
            if key[0] not in present or self._count - output.used >= IDLE_BLOCKS:
                del self._outputs[key]
                output.encoder.close()
        self._turned = {key: down for key, down in self._turned.items() if key in present}


def _shared(form: Format) -> Format:
    """Give what matters of a format to its encoder; payload types are added by who sends."""
    return Format(form.encoding, 0, fec=form.fec)


def _noise(level: int) -> list[Block] | None:
    """Make blocks of noise of a level in dBFS; the same in every room, as nothing hangs on it."""
    if level <= -100:
        return None
    source = default_rng(RATE)
    return [(source.standard_normal(BLOCK) * 10 ** (level / 20)).astype(np.float32) for _ in range(NOISE_BLOCKS)]
