"""From 48 kHz to a codec's rate, a block for a block. Pure.

The engine's resampler gives a little less than a block at first, so that a codec of whole blocks always waits for the
next one: 20 ms that every listener would hear. A filter of our own gives what it is given, 1.5 ms later.
"""

from __future__ import annotations

import numpy as np

from mixer.worker.voice import Block

LENGTH = 24
"""Taps for each sample that is kept: what would fold back is 45 dB down from a tenth above half the new rate."""
EDGE = 0.92
"""Of half the new rate: where the filter is half way down."""


class Thinner:
    """Keep one of `factor` samples, below half the new rate only."""

    def __init__(self, factor: int) -> None:
        self._factor = factor
        taps = LENGTH * factor
        places = np.arange(taps) - (taps - 1) / 2
        shape = np.sinc(places * EDGE / factor) * np.kaiser(taps, 6.0)
        self._taps = (shape / shape.sum()).astype(np.float32)
        self._past: Block = np.zeros(taps - 1, dtype=np.float32)

    def thin(self, block: Block) -> Block:
        """Give the block at the lower rate; its length is a multiple of the factor."""
        if self._factor == 1:
            return block
        whole = np.concatenate((self._past, block))
        self._past = whole[-self._past.size :]
        windows = np.lib.stride_tricks.sliding_window_view(whole, self._taps.size)[:: self._factor]
        thinned: Block = windows @ self._taps
        return thinned
