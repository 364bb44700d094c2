"""One participant's voice: packets in at their own pace, a block every 20 ms out, with its level and its gain. Pure.

A small buffer stands between: it holds as many blocks as the network has lately made necessary, gives silence when it
runs dry and then fills up again before it goes on, and drops sound when a burst or a faster clock leaves too much. None
of it is a click: sound fades out, comes back in a few milliseconds, and what is left out is faded over.
"""

from __future__ import annotations

import math
import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float32]

RATE = 48_000
"""Hz at which sound is mixed."""
BLOCK = 960
"""Samples of a block: 20 ms, one packet of every codec we send."""
BLOCK_SECONDS = BLOCK / RATE

TARGET = 3 * BLOCK // 2
"""Samples held before the first is given: a packet of 20 ms, and 10 ms by which the next may be late."""
TARGET_MAX = TARGET + 8 * BLOCK
"""The most that is held: 190 ms; a network worse than that is heard to be bad."""
SLACK = 3 * BLOCK
"""Samples above the target that a burst may leave before some are dropped."""
CALM_BLOCKS = 500
"""Blocks without running dry (10 s) after which a block is left out, if one was to spare all the time."""
SPARE = BLOCK + BLOCK // 4
"""Samples that must have been left whenever one was given: a block more than is needed, and 5 ms."""
CAPACITY = RATE
"""One second: what is above it is dropped at once; a flood of packets costs no memory."""

SILENCE_DB = -100.0
SPEECH_DB = -50.0
"""dBFS above which a block counts as speech: noise of rooms and lines lies below."""
GAIN_TARGET_DB = -22.0
"""dBFS that gain control brings speech to: what most conference systems send."""
GAIN_RANGE_DB = 9.0
GAIN_STEP_DB = 0.06
"""dB a block of speech: 3 dB a second, too slow to be heard."""
LEVEL_RISE = 0.6
LEVEL_FALL = 0.08
"""How much of a block's level goes into the smoothed one: quick to notice a word, slow to forget it."""


RETURN = BLOCK // 4
"""Samples in which sound comes back after silence: 5 ms, no click and every consonant."""

_RISE: Block = np.linspace(0.0, 1.0, BLOCK, dtype=np.float32)
_RETURN: Block = np.linspace(0.0, 1.0, RETURN, dtype=np.float32)


def ramp(before: float, after: float) -> Block:
    """Give the factors of a block that lead from one to another."""
    return _RISE * np.float32(after - before) + np.float32(before)


def decibels(block: Block) -> float:
    """Give the level of a block: dBFS of its root mean square."""
    power = float(np.dot(block, block)) / max(1, block.size)
    return max(SILENCE_DB, 10.0 * math.log10(power)) if power > 0 else SILENCE_DB


class Voice:
    """What one participant says; `push` may be called by another thread than `take`."""

    def __init__(self, *, gain_control: bool = True) -> None:
        self._chunks: deque[Block] = deque()
        self._held = 0
        self._lock = threading.Lock()
        self._filling = True
        self._target = TARGET
        self._calm = 0
        self._spare = CAPACITY
        self._control = 0.0 if gain_control else None
        self._gain = 1.0
        self.level = SILENCE_DB
        """dBFS of the last block, as received."""
        self.smoothed = SILENCE_DB
        """dBFS over the last words: by it the loudest are chosen."""
        self.raised = 0.0
        """dB that the one who runs the room added."""

    def push(self, chunk: Block) -> None:
        """Take decoded sound, any number of samples."""
        with self._lock:
            self._chunks.append(chunk)
            self._held += chunk.size
            while self._held > CAPACITY:
                self._held -= self._chunks.popleft().size

    def take(self) -> Block | None:
        """Give the next block before any gain, or None for silence."""
        with self._lock:
            block = self._next()
        self.level = decibels(block) if block is not None else SILENCE_DB
        share = LEVEL_RISE if self.level > self.smoothed else LEVEL_FALL
        self.smoothed += share * (self.level - self.smoothed)
        return block

    def raise_(self, block: Block) -> Block:
        """Apply gain control and gain, without a step from the block before."""
        if self._control is not None and self.level > SPEECH_DB:
            wanted = max(-GAIN_RANGE_DB, min(GAIN_TARGET_DB - self.smoothed, GAIN_RANGE_DB))
            self._control += max(-GAIN_STEP_DB, min(wanted - self._control, GAIN_STEP_DB))
        gain = 10.0 ** ((self.raised + (self._control or 0.0)) / 20.0)
        before, self._gain = self._gain, gain
        if abs(gain - before) < 1e-4 and abs(gain - 1.0) < 1e-4:
            return block
        return block * ramp(before, gain)

    def _next(self) -> Block | None:
        if self._filling:
            if self._held < self._target:
                return None
            self._drop(self._held - self._target)
        if self._held < BLOCK:
            if not self._filling:
                self._target = min(TARGET_MAX, self._target + BLOCK)
            self._filling = True
            self._calm, self._spare = 0, CAPACITY
            return self._cut(self._held, padded=True) if self._held else None
        much = self._held > self._target + SLACK
        block = self._cut(BLOCK)
        if self._filling:
            self._filling = False
            block[:RETURN] *= _RETURN
        elif much:
            self._drop(self._held - self._target)
            block += _RISE * (self._cut(BLOCK) - block)
        self._settle()
        return block

    def _settle(self) -> None:
        """Hold less again where more than enough was held for long, and in a moment when nobody hears the step."""
        self._calm += 1
        self._spare = min(self._spare, self._held)
        if self._calm < CALM_BLOCKS or self.level > SPEECH_DB:
            return
        if self._spare >= SPARE:
            self._drop(BLOCK)
            self._target = max(TARGET, self._target - BLOCK)
        self._calm = 0
        self._spare = self._held

    def _cut(self, samples: int, *, padded: bool = False) -> Block:
        """Take samples from the front; padded, fade them out into silence."""
        block = np.zeros(BLOCK, dtype=np.float32)
        filled = 0
        while filled < samples:
            chunk = self._chunks.popleft()
            part = chunk[: samples - filled]
            block[filled : filled + part.size] = part
            filled += part.size
            if part.size < chunk.size:
                self._chunks.appendleft(chunk[part.size :])
        self._held -= samples
        if padded:
            block[:samples] *= np.linspace(1.0, 0.0, samples, dtype=np.float32)
        return block

    def _drop(self, samples: int) -> None:
        while samples > 0 and self._chunks:
            chunk = self._chunks.popleft()
            part = min(samples, chunk.size)
            if part < chunk.size:
                self._chunks.appendleft(chunk[part:])
            self._held -= part
            samples -= part
