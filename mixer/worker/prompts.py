"""Prompts: sounds played to one participant or to all, one after another. Pure, but for reading the file."""

from __future__ import annotations

import wave
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from mixer.worker.errors import SoundFileError
from mixer.worker.voice import BLOCK, BLOCK_SECONDS, RATE, Block

LONGEST = 120 * RATE
"""Samples of one prompt: two minutes."""
WAITING = 16
"""Prompts that may wait for one listener: as many as the keys of a number that is dialled at once."""
KEPT = 48
"""Files kept in memory: the prompts of one language, 200 kB each, and the tones of keys."""


def read(path: str) -> Block:
    """Read a sound file; raises `SoundFileError`. A file that changed is read again."""
    try:
        return _read(path, Path(path).stat().st_mtime_ns)
    except (OSError, EOFError, wave.Error) as error:
        raise SoundFileError(f"{path} cannot be read as WAV: {error}") from error


@lru_cache(maxsize=KEPT)
def _read(path: str, _changed: int) -> Block:
    with wave.open(path, "rb") as file:
        shape = (file.getframerate(), file.getnchannels(), file.getsampwidth())
        if shape != (RATE, 1, 2):
            raise SoundFileError(f"{path} is not 48 kHz, one channel, 16 bit")
        if file.getnframes() > LONGEST:
            raise SoundFileError(f"{path} is longer than two minutes")
        samples = np.frombuffer(file.readframes(LONGEST), dtype="<i2")
    sound: Block = (samples / 32768.0).astype(np.float32)
    sound.flags.writeable = False
    return sound


@dataclass(frozen=True, slots=True)
class Sounding:
    """One prompt: its sound, the seconds after which it comes again (0: never), what is called at its end."""

    sound: Block
    repeat: float
    ended: Callable[[], None]


class Player:
    """Play prompts to one listener, a block at a time."""

    def __init__(self) -> None:
        self._queue: deque[Sounding] = deque(maxlen=WAITING)
        self._at = 0
        self._pause = 0

    def add(self, sounding: Sounding) -> None:
        """Play it after those that wait; one that repeats gives way."""
        if self._queue and self._queue[0].repeat:
            self._queue.popleft()
            self._at = self._pause = 0
        self._queue.append(sounding)

    def quiet(self) -> None:
        """Stop all of them."""
        self._queue.clear()
        self._at = self._pause = 0

    def __bool__(self) -> bool:
        return bool(self._queue)

    def take(self) -> Block | None:
        """Give the next block, or None between and after prompts."""
        if not self._queue:
            return None
        if self._pause > 0:
            self._pause -= 1
            return None
        playing = self._queue[0]
        part = playing.sound[self._at : self._at + BLOCK]
        self._at += BLOCK
        if self._at >= playing.sound.size:
            self._at = 0
            if playing.repeat:
                self._pause = max(1, round(playing.repeat / BLOCK_SECONDS))
            else:
                self._queue.popleft()
                playing.ended()
        if part.size == BLOCK:
            return part
        block = np.zeros(BLOCK, dtype=np.float32)
        block[: part.size] = part
        return block
