"""How coarse each picture is: as fine as looks good, and so coarse that a line is not flooded. Pure.

A bucket holds what a line has not carried yet, of all that was made. A picture's size is foreseen from those before it:
what would remain of it at quantiser 12 halves with every six steps (H.264, section 8.5.9). Pictures that share little
with the one before, a key picture or another view, are foreseen by the last of their own kind.
"""

from __future__ import annotations

from math import ceil, log2

FINEST = 24
"""Quantiser at which a picture looks good; a finer one doubles the bits and is hardly seen."""
COARSEST = 51
HELD_SECONDS = 0.5
"""What a line may be behind: a key picture is as large as ten others."""
AIM = 0.3
"""Of that, how much is left lying: a picture that is larger than foreseen finds room."""
EASED = 12
"""Pictures in which the bucket comes back to there."""
LEAST = 0.2
"""Of what a line carries in the time of a picture, what each may take at least: it never stands still."""
WHOLE = 0.8
"""Of the room left in the bucket, what a whole picture may take."""
FINER = 2
"""Steps by which a picture may be finer than the one before: coarser ones come at once, finer ones are not seen to."""
FORGOTTEN = 0.3
"""How much of a smaller picture counts at once in what is foreseen; of a larger one all does."""
BEGIN = 30
"""Pixels for each octet of a first picture at `FINEST`."""


class Quantiser:
    """Choose for one encoder; `choose` and `made` in turn."""

    def __init__(self, kbps: int, fps: int, pixels: int) -> None:
        self._each = kbps * 125 / fps
        self._most = kbps * 125 * HELD_SECONDS
        self._held = 0.0
        self._weights = {True: pixels / BEGIN * _scale(FINEST), False: pixels / BEGIN * _scale(FINEST) / 10}
        """Octets that are foreseen at quantiser 12, of a whole picture and of a change."""
        self._last = FINEST

    def choose(self, *, whole: bool) -> int:
        """Give the quantiser of the next picture; `whole`: it shares little with the one before."""
        if whole:
            room = max(self._each, WHOLE * (self._most - self._held))
        else:
            room = max(LEAST * self._each, self._each + (AIM * self._most - self._held) / EASED)
        fits = 12 + ceil(6 * log2(max(1.0, self._weights[whole] / room)))
        self._last = min(COARSEST, max(FINEST, fits, self._last - FINER))
        return self._last

    def made(self, octets: int, *, whole: bool) -> None:
        """Take how large it became."""
        weight, before = octets * _scale(self._last), self._weights[whole]
        self._weights[whole] = max(weight, before + FORGOTTEN * (weight - before))
        self._held = max(0.0, self._held + octets - self._each)


def _scale(quantiser: int) -> float:
    return float(2.0 ** ((quantiser - 12) / 6))
