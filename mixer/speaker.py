"""Who speaks: levels in, a steady choice out, so that a cough or a rustle never turns the picture. Pure.

Each participant has a score, which rises while they are heard and falls while they are not. Whoever reaches HEARD takes
the floor from a speaker who has fallen silent, or who is clearly less loud; a speaker keeps it for HOLD seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

AUDIBLE = -45.0
"""dB below full scale from which a level counts as speech: conversation at a room system is -35 to -20."""

HEARD = 0.6
"""Seconds of speech before somebody takes the floor: a cough is shorter, a sentence longer."""

MEMORY = 1.2
"""Seconds of speech that are remembered at most; as much silence as this and somebody has stopped speaking."""

HOLD = 2.0
"""Seconds between two changes: a picture that changes faster cannot be looked at."""

LOUDER = 9.0
"""dB by which somebody has to be louder than a speaker who goes on, to take the floor."""

GAP = 1.0
"""Seconds between two measurements that count at most: after a pause of the worker's nobody has spoken all the time."""


@dataclass(slots=True)
class _Voice:
    score: float = 0.0
    level: float = -100.0


class Floor:
    """Who has the floor in a room, and who had it before. Levels are dB below full scale, times seconds."""

    def __init__(self) -> None:
        self._voices: dict[str, _Voice] = {}
        self._order: list[str] = []
        self._heard_at: float | None = None
        self._changed_at = float("-inf")

    @property
    def speaker(self) -> str:
        """Who has the floor; "" while nobody has spoken."""
        return self._order[0] if self._order else ""

    @property
    def order(self) -> tuple[str, ...]:
        """Whoever has had the floor, the last one first."""
        return tuple(self._order)

    @property
    def speaking(self) -> frozenset[str]:
        """Who is heard just now."""
        return frozenset(who for who, voice in self._voices.items() if voice.score >= HEARD)

    def hear(self, levels: Mapping[str, float], now: float) -> bool:
        """Take a measurement of everybody who is not muted; tells whether somebody else has the floor now."""
        passed = 0.0 if self._heard_at is None else min(GAP, max(0.0, now - self._heard_at))
        self._heard_at = now
        for who in list(self._voices):
            if who not in levels:
                self._voices[who].score = 0.0
        for who, level in levels.items():
            voice = self._voices.setdefault(who, _Voice())
            voice.level = level
            change = passed if level >= AUDIBLE else -passed
            voice.score = min(MEMORY, max(0.0, voice.score + change))
        return self._turn(now)

    def leave(self, who: str) -> None:
        """Forget somebody; whoever spoke before has the floor again."""
        self._voices.pop(who, None)
        if who in self._order:
            self._order.remove(who)

    def _turn(self, now: float) -> bool:
        rivals = [(voice.level, who) for who, voice in self._voices.items() if voice.score >= HEARD]
        if not rivals:
            return False
        level, loudest = max(rivals)
        if loudest == self.speaker or now - self._changed_at < HOLD:
            return False
        held = self._voices.get(self.speaker)
        if held is not None and held.score > 0 and level < held.level + LOUDER:
            return False
        if loudest in self._order:
            self._order.remove(loudest)
        self._order.insert(0, loudest)
        self._changed_at = now
        return True
