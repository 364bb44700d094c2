"""One view drawn: tiles scaled to the frame, pictures with their proportions, words over them."""

from __future__ import annotations

from collections.abc import Callable

from mixer.wire import Scene, Tile
from mixer.worker.engine import Gst
from mixer.worker.frames import Canvas, Picture, Rect
from mixer.worker.lettering import still, strip

LABEL_SHARE = 14
"""A label is a fourteenth of its tile high, and never smaller than can be read."""
LABEL_MIN = 12
LABEL_MAX = 40
MIN_TILE_LABELLED = 60
"""Pixels of height below which a label would cover the face."""

Camera = Callable[[str, str], Picture | None]
"""Gives what a participant (`participant`, `source`) shows now."""


def place(tile: Tile, scene: Scene, width: int, height: int) -> Rect | None:
    """Scale a tile to a frame; None where nothing of it is left inside."""
    left, right = (_even(at * width / scene.width, width) for at in (tile.x, tile.x + tile.width))
    top, bottom = (_even(at * height / scene.height, height) for at in (tile.y, tile.y + tile.height))
    return Rect(left, top, right - left, bottom - top) if right > left and bottom > top else None


def fit(aspect: float, rect: Rect) -> Rect:
    """Give the largest part of a rectangle with these proportions, in its middle; a near fit fills it."""
    if abs(aspect * rect.height / rect.width - 1) < 0.02:
        return rect
    if aspect * rect.height > rect.width:
        high = max(2, int(rect.width / aspect) & ~1)
        return Rect(rect.x, rect.y + ((rect.height - high) // 2 & ~1), rect.width, min(high, rect.height))
    wide = max(2, int(rect.height * aspect) & ~1)
    return Rect(rect.x + ((rect.width - wide) // 2 & ~1), rect.y, min(wide, rect.width), rect.height)


def _even(value: float, most: int) -> int:
    return min(most, int(value + 1) & ~1)


def compose(canvas: Canvas, scene: Scene, camera: Camera) -> Gst.Buffer:
    """Draw a scene into a new frame."""
    frame = canvas.blank()
    placed = [(tile, rect) for tile in scene.tiles if (rect := place(tile, scene, canvas.width, canvas.height))]
    for tile, rect in placed:
        shown = camera(tile.participant, tile.source) if tile.participant else None
        if shown is None and tile.picture:
            shown = still(tile.picture)
        if shown is not None:
            canvas.draw(frame, shown, fit(shown.aspect, rect))
    if scene.banner or any(tile.label for tile, _ in placed):
        _write(canvas, frame, scene, placed)
    return frame


def _write(canvas: Canvas, frame: Gst.Buffer, scene: Scene, placed: list[tuple[Tile, Rect]]) -> None:
    with canvas.planes(frame) as planes:
        for tile, rect in placed:
            if tile.label and rect.height >= MIN_TILE_LABELLED:
                pixels = _even(min(LABEL_MAX, max(LABEL_MIN, rect.height / LABEL_SHARE)), LABEL_MAX)
                strip(tile.label, pixels, rect.width).lay(planes, rect.x, rect.y + rect.height - pixels)
        if scene.banner:
            pixels = _even(min(LABEL_MAX, max(LABEL_MIN, canvas.height / LABEL_SHARE)), LABEL_MAX)
            words = strip(scene.banner, pixels, canvas.width)
            words.lay(planes, (canvas.width - words.size[0]) // 2 & ~1, 0)
