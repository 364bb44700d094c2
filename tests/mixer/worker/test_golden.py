"""Golden pictures: the ten views as people see them, with names, somebody without a camera, content and a banner.

Written anew after a change that is meant: ``python -m tests.mixer.worker.test_golden``. Look at each before it is kept.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from PIL import Image

from mixer.layout import View, arrange
from mixer.wire import Scene, Tile
from mixer.worker.composing import compose
from mixer.worker.engine import Gst, load
from mixer.worker.frames import Canvas, Picture, Plane, picture, raw_caps

GOLDEN = Path(__file__).with_name("golden")
WIDE, HIGH = 640, 360
PEOPLE = tuple(f"Person {letter}" for letter in "ABCDEFGHIJKLMN")
SILENT = "Person C"
"""Somebody who has no camera, and is shown by a picture."""
LETTERS = 24
"""Of 255: what a pixel may differ by; more only at the edges of letters, whose drawing is the font library's."""
EDGES = 0.004
"""Of all pixels."""


def face(name: str) -> Picture:
    """Draw somebody: a ground of his own, a lighter head."""
    ground = 40 + 12 * PEOPLE.index(name)
    luma = np.full((180, 320), ground, dtype=np.uint8)
    luma[40:140, 120:200] = ground + 40
    octets = luma.tobytes() + bytes([128]) * (320 * 180 // 2)
    return picture(Gst.Sample.new(Gst.Buffer.new_wrapped(octets), raw_caps(320, 180, 15), None, None))


def drawn(view: View, avatar: Path, *, content: bool) -> Plane:
    """Draw a view of all people; with content also a banner."""
    faces = {name: face(name) for name in PEOPLE if name != SILENT}
    tiles = arrange(view, PEOPLE, WIDE, HIGH, content=PEOPLE[1] if content else "")
    scene = Scene(
        "v",
        WIDE,
        HIGH,
        tuple(
            Tile(
                *one.rect,
                one.participant,
                "content" if one.content else "video",
                "" if one.content else str(avatar),
                "" if one.content else one.participant,
            )
            for one in tiles
        ),
        "● Recording" if content else "",
    )
    slide = face(PEOPLE[-1])
    canvas = Canvas(WIDE, HIGH)
    frame = compose(canvas, scene, lambda name, source: slide if source == "content" else faces.get(name))
    with canvas.planes(frame) as planes:
        luma = planes[0].copy()
    canvas.close()
    return luma


def avatar(folder: Path) -> Path:
    """Make the picture of somebody without a camera."""
    path = folder / "avatar.png"
    card = Image.new("RGB", (320, 180), (20, 20, 20))
    card.paste((220, 220, 220), (130, 30, 190, 150))
    card.save(path)
    return path


def name_of(view: View, *, content: bool) -> str:
    return f"{view.value}{'-content' if content else ''}.png"


@pytest.mark.parametrize(("view", "content"), list(product(View, (False, True))))
def test_a_view_looks_as_it_did(view: View, tmp_path: Path, *, content: bool) -> None:
    load()
    with Image.open(GOLDEN / name_of(view, content=content)) as kept:
        wanted = np.asarray(kept, dtype=np.int16)
    found = drawn(view, avatar(tmp_path), content=content).astype(np.int16)
    assert found.shape == wanted.shape
    differing = float((np.abs(found - wanted) > LETTERS).mean())
    assert differing < EDGES, f"{differing:.2%} of the pixels differ"


def write() -> None:
    """Write all pictures anew."""
    load()
    GOLDEN.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        for view, content in product(View, (False, True)):
            luma = drawn(view, avatar(Path(folder)), content=content)
            Image.fromarray(luma).save(GOLDEN / name_of(view, content=content), optimize=True)


if __name__ == "__main__":
    write()
