"""A picture like those of meetings: somebody who moves and speaks before a still wall, seen by a camera with noise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

NOISE = 1.5
"""Of 255: the standard deviation of a camera's noise in a lit room."""
GRAIN = 16
"""Rows of pixels of what the wall and the skin are made of."""


def person(width: int, height: int, count: int, fps: int) -> Iterator[bytes]:
    """Give so many pictures, I420."""
    chance = np.random.default_rng(7)
    across, down = np.meshgrid(np.linspace(0, width / height, width), np.linspace(0, 1, height))
    grain = np.kron(chance.standard_normal((height // GRAIN + 1, width // GRAIN + 1)), np.ones((GRAIN, GRAIN)))
    grain = grain[:height, :width].astype(np.float32) * 8
    wall = 130 + 30 * np.sin(5 * across + 2 * down) + grain
    skin = 150 + 20 * np.sin(11 * down) * np.cos(9 * across) + grain[::-1]
    noise = chance.standard_normal((8, height, width)).astype(np.float32) * NOISE
    middle = width / height / 2
    for number in range(count):
        at = 2 * np.pi * number / fps
        x, y = middle + 0.04 * np.sin(at / 3), 0.45 + 0.02 * np.sin(at / 2)
        head = ((across - x) / 0.2) ** 2 + ((down - y) / 0.28) ** 2 < 1
        body = ((across - x * 0.5 - middle * 0.5) / 0.45) ** 2 + ((down - 1.1) / 0.42) ** 2 < 1
        mouth = ((across - x) / 0.06) ** 2 + ((down - y - 0.15) / (0.01 + 0.02 * abs(np.sin(at * 2)))) ** 2 < 1
        moved = np.roll(skin, (round((y - 0.45) * height), round((x - middle) * height)), axis=(0, 1))
        luma = np.where(mouth, 40, np.where(head, moved, np.where(body, moved * 0.4, wall))) + noise[number % 8]
        yield b"".join(
            plane.clip(16, 235).astype(np.uint8).tobytes()
            for plane in (luma, *(np.where(head[::2, ::2], tint, 128) for tint in (110, 150)))
        )
