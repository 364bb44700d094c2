"""Digits in sound: telephone events (RFC 4733) and the tones themselves (ITU-T Q.23). Pure."""

from __future__ import annotations

import numpy as np

from mixer.worker.voice import BLOCK, RATE, Block

EVENTS = "0123456789*#ABCD"
"""Events 0 to 15 (RFC 4733, section 3.2); higher ones are no digits."""

_ROWS = (697.0, 770.0, 852.0, 941.0)
_COLUMNS = (1209.0, 1336.0, 1477.0, 1633.0)
_KEYS = ("123A", "456B", "789C", "*0#D")
TONES = {keys[at]: (low, high) for low, keys in zip(_ROWS, _KEYS, strict=True) for at, high in enumerate(_COLUMNS)}
"""[key] -> Hz of both its tones."""

LOUD = 10.0 ** (-36.0 / 10.0)
"""Mean square of the softest tone that counts: -36 dBFS, the least a receiver must take (Q.24) and some."""
SHARE = 0.72
"""Of the energy, how much the two tones must hold: speech and music hold less."""
TWIST = 8.0
"""Times (9 dB) that one tone may be stronger than the other."""
LEAD = 6.0
"""Times that the strongest tone of a group must exceed the next: otherwise it is no key."""

THINNED = 4
"""Samples made one before listening: 12 kHz hold all tones, at a quarter of the cost."""

_WINDOW = 2 * BLOCK // THINNED
_MEAN = np.full(THINNED, 1 / THINNED, dtype=np.float32)
_taper = np.hanning(_WINDOW).astype(np.float32)
_turns = 2 * np.pi * np.outer((*_ROWS, *_COLUMNS), np.arange(_WINDOW) * THINNED / RATE)
_PROBES = np.concatenate((np.cos(_turns), np.sin(_turns))).astype(np.float32)
"""Both parts of each tone."""
_SCALE = 2.0 / float(_taper.sum()) ** 2
"""Turns the squared response to a sine into its mean square."""
_NOISE = float((_taper**2).sum())


class TelephoneEvents:
    """Read the packets of one stream; each key is given once, at its first packet that arrives."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None

    def receive(self, payload: bytes, timestamp: int) -> str | None:
        """Read one packet's payload (RFC 4733, section 2.3); packets of one press share their time stamp."""
        if len(payload) < 4 or payload[0] >= len(EVENTS):
            return None
        press = (payload[0], timestamp)
        if press == self._last:
            return None
        self._last = press
        return EVENTS[payload[0]]


class Tones:
    """Listen for tones in blocks of sound: a key counts when two windows of 40 ms in a row hold it."""

    def __init__(self) -> None:
        self._before: Block | None = None
        self._seen = ""
        self._held = ""

    def listen(self, block: Block | None) -> str | None:
        """Give a key when it has been pressed."""
        thinned = None if block is None else block.reshape(-1, THINNED) @ _MEAN
        before, self._before = self._before, thinned
        key = "" if before is None or thinned is None else _key(np.concatenate((before, thinned)))
        pressed = key if key and key == self._seen and key != self._held else None
        if pressed:
            self._held = pressed
        elif not key and not self._seen:
            self._held = ""
        self._seen = key
        return pressed


def _key(window: Block) -> str:
    """Give the key whose two tones fill the window, or nothing."""
    tapered = window * _taper
    energy = float(np.dot(tapered, tapered)) / _NOISE
    if energy < LOUD:
        return ""
    parts = (_PROBES @ tapered) ** 2
    power = (parts[:8] + parts[8:]) * _SCALE
    row, column = int(power[:4].argmax()), int(power[4:].argmax())
    low, high = float(power[row]), float(power[4 + column])
    if low + high < SHARE * energy or max(low, high) > TWIST * min(low, high):
        return ""
    others = np.delete(power, (row, 4 + column))
    return "" if float(others.max()) * LEAD > min(low, high) else _KEYS[row][column]
