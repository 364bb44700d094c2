"""Sounds made for tests."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def wav(path: Path, tone: float, seconds: float) -> None:
    """Write a file with one tone, 48 kHz."""
    time = np.arange(int(48000 * seconds)) / 48000
    write(path, (0.3 * np.sin(2 * np.pi * tone * time)).astype(np.float32))


def write(path: Path, sound: NDArray[np.float32]) -> None:
    """Write a sound as the prompts are: 48 kHz, one channel, 16 bit."""
    samples = (sound * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(samples.tobytes())


ROWS = {"1": (697, 1209), "5": (770, 1336), "9": (852, 1477), "#": (941, 1477), "D": (941, 1633)}
"""A few keys and their tones (ITU-T Q.23)."""


def keys(text: str, *, press: float = 0.1, pause: float = 0.1, level: float = 0.2) -> NDArray[np.float32]:
    """Make the tones of some keys, with silence before, between and after."""
    silence = np.zeros(int(48000 * pause))
    parts: list[NDArray[np.float64]] = [silence]
    for key in text:
        time = np.arange(int(48000 * press)) / 48000
        low, high = (np.sin(2 * np.pi * tone * time) for tone in ROWS[key])
        parts += [level * (low + high), silence]
    return np.concatenate(parts).astype(np.float32)
