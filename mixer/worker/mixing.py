"""Who hears what: the loudest are mixed, and each of them hears the mix without himself. Pure.

All who do not speak hear the same mix, so it is made and encoded once. Whoever enters or leaves the mix is faded over
one block; until he has faded out he still hears the mix without himself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mixer.worker.voice import BLOCK, SPEECH_DB, Block, ramp

CEILING = 0.9
"""Of full scale: what a limited mix stays below, so that no codec clips it."""
RECOVERY = 0.05
"""How much of the way back to full volume a limiter goes in a block: a third of a second in all."""
ATTACK = 48
"""Samples in which a limiter turns down: 1 ms, no click and hardly any overshoot."""
HOLD_BLOCKS = 40
"""Blocks (0.8 s) that a speaker stays in the mix after his last word: pauses between words are not cut."""
LOUDER_DB = 4.0
"""How much louder than the softest of the mixed somebody must be to take his place."""

_FADE_IN, _FADE_OUT = ramp(0.0, 1.0), ramp(1.0, 0.0)


class Limiter:
    """Keep one mix below full scale."""

    def __init__(self) -> None:
        self._gain = 1.0

    def limit(self, block: Block) -> Block:
        """Turn the block down where it needs it, and slowly up again."""
        peak = float(np.maximum.reduce(np.abs(block)))
        wanted = min(1.0, CEILING / peak) if peak > 0 else 1.0
        before = self._gain
        self._gain = wanted if wanted < before else before + RECOVERY * (wanted - before)
        if before > 0.999 and self._gain > 0.999:
            self._gain = 1.0
            return block
        if self._gain < before:
            factors = np.full(BLOCK, self._gain, dtype=np.float32)
            factors[:ATTACK] = np.linspace(before, self._gain, ATTACK, dtype=np.float32)
        else:
            factors = ramp(before, self._gain)
        limited: Block = np.clip(block * factors, -1.0, 1.0)
        return limited


@dataclass(slots=True)
class _Speaker:
    last_word: int
    heard: bool = False
    """Whether he has been in at least one block already."""
    last: Block | None = None
    """What he added to the block before; None: he was not in it."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """One block of the room: the sum, and what each of those in it adds to it."""

    total: Block
    parts: Mapping[str, Block]

    def without(self, who: str) -> Block:
        """Give what one participant hears of the others."""
        own = self.parts.get(who)
        return self.total if own is None else self.total - own


def _faded_out(speaker: _Speaker, block: Block | None) -> Block | None:
    """Fade the last of a speaker out; who has hung up or was muted has none: what was heard is played backwards."""
    if block is None and speaker.last is not None:
        block = speaker.last[::-1]
    return None if block is None else block * _FADE_OUT


class Desk:
    """Choose the loudest and sum them, block by block."""

    def __init__(self, loudest: int) -> None:
        self._loudest = loudest
        self._speakers: dict[str, _Speaker] = {}
        self._number = 0

    @property
    def speaking(self) -> frozenset[str]:
        """Those in the mix."""
        return frozenset(self._speakers)

    def mix(self, blocks: Mapping[str, Block], levels: Mapping[str, float]) -> Mixed:
        """Mix one block of each who sends; `levels` are their smoothed levels in dBFS."""
        self._number += 1
        leaving = self._choose(levels)
        total = np.zeros(BLOCK, dtype=np.float32)
        parts: dict[str, Block] = {}
        for who, speaker in (*self._speakers.items(), *leaving.items()):
            block = blocks.get(who)
            if who in leaving:
                block = _faded_out(speaker, block)
            elif block is not None and not speaker.heard:
                speaker.heard = True
                block = block * _FADE_IN
            speaker.last = block
            if block is not None:
                parts[who] = block
                total += block
        return Mixed(total, parts)

    def _choose(self, levels: Mapping[str, float]) -> dict[str, _Speaker]:
        """Let those in who speak, and give those who must go."""
        for who, speaker in self._speakers.items():
            if levels.get(who, -100.0) > SPEECH_DB:
                speaker.last_word = self._number
        leaving = {
            who: speaker
            for who, speaker in self._speakers.items()
            if who not in levels or self._number - speaker.last_word > HOLD_BLOCKS
        }
        for who in leaving:
            del self._speakers[who]
        waiting = sorted(
            (who for who, level in levels.items() if level > SPEECH_DB and who not in self._speakers),
            key=lambda who: -levels[who],
        )
        for who in waiting:
            if len(self._speakers) >= self._loudest:
                softest = min(self._speakers, key=lambda one: levels[one])
                if levels[who] < levels[softest] + LOUDER_DB:
                    break
                leaving[softest] = self._speakers.pop(softest)
            self._speakers[who] = _Speaker(self._number)
        return leaving
