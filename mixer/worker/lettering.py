"""Words and still pictures, made ready to be laid over or into frames of video."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mixer.worker.engine import Gst
from mixer.worker.frames import Picture, Plane, picture, raw_caps

FONT = "DejaVuSans.ttf"
"""Of Debian's fonts-dejavu-core."""
SHADE = 150
"""Of 255: how dark the strip behind words is."""
STILLS = 32
"""Still pictures kept: a language's prompts and a few logos."""
STRIPS = 256
"""Strips of words kept: the names of a large room in a few sizes."""
MAX_STILL = (1920, 1080)
"""A still picture is made no larger than the largest frame."""
MAX_STILL_PIXELS = 8192 * 8192
"""A file that claims more is refused before it is unpacked."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Words on a dark strip: values and weights (0 to 256), for luma and for chroma of half the size."""

    luma: NDArray[np.uint16]
    luma_weight: NDArray[np.uint16]
    chroma_weight: NDArray[np.uint16]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.luma.shape[1], self.luma.shape[0]

    def lay(self, planes: tuple[Plane, Plane, Plane], x: int, y: int) -> None:
        """Lay it over a frame at an even place; what sticks out is cut off."""
        width = min(self.luma.shape[1], planes[0].shape[1] - x) & ~1
        height = min(self.luma.shape[0], planes[0].shape[0] - y) & ~1
        if width <= 0 or height <= 0:
            return
        _blend(planes[0][y : y + height, x : x + width], self.luma, self.luma_weight)
        grey = np.full_like(self.chroma_weight, 128)
        for plane in planes[1:]:
            part = plane[y // 2 : (y + height) // 2, x // 2 : (x + width) // 2]
            _blend(part, grey, self.chroma_weight)


def _blend(part: Plane, values: NDArray[np.uint16], weights: NDArray[np.uint16]) -> None:
    high, wide = part.shape
    weight = weights[:high, :wide]
    part[:] = ((part * (256 - weight) + values[:high, :wide] * weight) >> 8).astype(np.uint8)


@lru_cache(maxsize=STRIPS)
def strip(words: str, pixels: int, widest: int) -> Strip:
    """Write one line, `pixels` high, on a strip no wider than `widest`; a longer one is cut and ends in dots."""
    font = _font(max(8, pixels * 7 // 10))
    pad = pixels // 4
    words = " ".join(words.split())
    shown = words
    while shown and font.getlength(shown) > widest - 2 * pad:
        words = words[:-1]
        shown = words.rstrip() + "…" if words else ""
    width = max(2, (int(font.getlength(shown)) + 2 * pad + 1) & ~1)
    height = (pixels + 1) & ~1
    ink = Image.new("L", (width, height), 0)
    ImageDraw.Draw(ink).text((pad, height // 2), shown, fill=255, font=font, anchor="lm")
    letters = np.asarray(ink, dtype=np.uint16)
    weight = np.maximum(letters, SHADE) * 256 // 255
    luma = 16 + letters * 219 // 255
    return Strip(luma, weight, weight[::2, ::2].copy())


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    try:
        return ImageFont.truetype(FONT, size)
    except OSError:  # not installed: the library's own has at least the letters of Western Europe
        return ImageFont.load_default(size)


def still(path: str) -> Picture | None:
    """Read a PNG file; None where there is none that can be read. A file that changed is read again."""
    try:
        return _still(path, Path(path).stat().st_mtime_ns)
    except (OSError, ValueError, SyntaxError):
        return None


@lru_cache(maxsize=STILLS)
def _still(path: str, _changed: int) -> Picture:
    with Image.open(path, formats=("PNG",)) as opened:
        if opened.width * opened.height > MAX_STILL_PIXELS:
            raise ValueError("too large")
        opened.thumbnail(MAX_STILL)
        size = max(2, opened.width & ~1), max(2, opened.height & ~1)
        colours = opened.convert("RGB").resize(size).convert("YCbCr")
    values = np.asarray(colours, dtype=np.float32)
    width, height = size
    octets = bytearray()
    octets += _plane(values[:, :, 0] * (219 / 255) + 16, height, width)
    for index in (1, 2):
        half = values[:, :, index].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        octets += _plane((half - 128) * (224 / 255) + 128, height // 2, width // 2)
    return picture(Gst.Sample.new(Gst.Buffer.new_wrapped(bytes(octets)), raw_caps(width, height), None, None))


def _plane(values: NDArray[np.float32], height: int, width: int) -> bytes:
    """Give a plane with rows padded to four octets, as the engine lays them out."""
    rows = np.zeros((height, (width + 3) & ~3), dtype=np.uint8)
    rows[:, :width] = np.clip(values + 0.5, 0, 255)
    return rows.tobytes()
