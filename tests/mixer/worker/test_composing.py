"""What a view looks like, pixel by pixel; the engine's own converter draws it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mixer.wire import Scene, Tile
from mixer.worker.composing import compose, fit, place
from mixer.worker.engine import Gst, load
from mixer.worker.frames import CONVERTERS, Canvas, Picture, Plane, Rect, picture, raw_caps
from mixer.worker.lettering import still, strip

LUMA = {"anna": 60, "bent": 120, "carl": 200}


@pytest.fixture(autouse=True)
def _engine() -> None:
    load()


def flat(width: int, height: int, luma: int, caps: str = "") -> Picture:
    stride, half = (width + 3) & ~3, ((width + 1) // 2 + 3) & ~3
    high = (height + 1) & ~1
    octets = bytes([luma]) * (stride * high) + bytes([128]) * (half * high)
    given_caps = Gst.Caps.from_string(f"{raw_caps(width, height, 15).to_string()}{caps}")
    return picture(Gst.Sample.new(Gst.Buffer.new_wrapped(octets), given_caps, None, None))


def drawn(scene: Scene, width: int = 320, height: int = 180, **shown: Picture) -> Plane:
    canvas = Canvas(width, height)
    frame = compose(canvas, scene, lambda name, _source: shown.get(name))
    with canvas.planes(frame) as planes:
        luma = planes[0].copy()
    canvas.close()
    return luma


def test_each_stands_in_his_tile_and_the_rest_is_black() -> None:
    tiles = tuple(Tile(320 * at, 0, 320, 180, participant=name) for at, name in enumerate(LUMA))
    luma = drawn(Scene("v", 1280, 360, tiles), 640, 180, **{name: flat(160, 90, one) for name, one in LUMA.items()})
    for at, one in enumerate(LUMA.values()):
        assert (luma[:90, 160 * at : 160 * at + 160] == one).all()
    assert (luma[90:] == 16).all()
    assert (luma[:, 480:] == 16).all()


def test_a_picture_keeps_its_proportions() -> None:
    luma = drawn(Scene("v", 320, 180, (Tile(0, 0, 320, 180, "anna"),)), anna=flat(120, 90, 60))
    assert (luma[:, 40:280] == 60).all()
    assert (luma[:, :38] == 16).all()
    assert (luma[:, 282:] == 16).all()


def test_pixels_that_are_not_square_are_seen_as_they_should_be() -> None:
    assert flat(352, 288, 1).aspect == pytest.approx(352 / 288)
    caps = Gst.Caps.from_string("video/x-raw,format=I420,width=352,height=288,framerate=15/1,pixel-aspect-ratio=12/11")
    sample = Gst.Sample.new(Gst.Buffer.new_wrapped(bytes(352 * 288 * 3 // 2)), caps, None, None)
    assert picture(sample).aspect == pytest.approx(4 / 3)


def test_later_tiles_cover_earlier_ones() -> None:
    scene = Scene("v", 320, 180, (Tile(0, 0, 320, 180, "anna"), Tile(240, 134, 80, 46, "bent")))
    luma = drawn(scene, anna=flat(320, 180, 60), bent=flat(320, 180, 120))
    assert luma[0, 0] == 60
    assert luma[150, 280] == 120


def test_a_still_picture_stands_in_until_the_camera_comes(tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    Image.new("RGB", (64, 36), (255, 255, 255)).save(path)
    scene = Scene("v", 320, 180, (Tile(0, 0, 320, 180, "anna", picture=str(path)),))
    assert abs(int(drawn(scene)[90, 160]) - 235) <= 1
    assert drawn(scene, anna=flat(320, 180, 60))[90, 160] == 60
    Image.new("RGB", (64, 36), (0, 0, 0)).save(path)
    assert abs(int(drawn(scene)[90, 160]) - 16) <= 1, "a file that changed is read again"


def test_a_picture_that_is_none_leaves_the_tile_black(tmp_path: Path) -> None:
    path = tmp_path / "no.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 50)
    assert still(str(path)) is None
    assert still(str(tmp_path / "missing.png")) is None


def test_names_and_a_banner_lie_over_the_picture() -> None:
    scene = Scene("v", 640, 360, (Tile(0, 0, 640, 360, "anna", label="Ærø Åse"),), banner="Optages")
    luma = drawn(scene, 640, 360, anna=flat(640, 360, 120))
    assert luma[340:, :80].max() > 200
    assert luma[358, 2] < 80, "the strip is darker than the picture"
    assert luma[2:24, 280:360].max() > 200
    assert (luma[100:300] == 120).all()


def test_a_name_too_long_is_cut() -> None:
    assert strip("x" * 200, 20, 100).size[0] <= 100
    assert strip("", 20, 100).size[1] == 20


@given(st.integers(0, 4096), st.integers(0, 4096), st.integers(0, 4096), st.integers(0, 4096))
def test_any_tile_lies_inside_the_frame_on_even_pixels(x: int, y: int, width: int, height: int) -> None:
    rect = place(Tile(x, y, width, height), Scene("v", 1280, 720), 640, 360)
    if rect is not None:
        assert all(one % 2 == 0 for one in rect)
        assert 0 <= rect.x < rect.x + rect.width <= 640
        assert 0 <= rect.y < rect.y + rect.height <= 360


@given(st.floats(0.05, 20), st.integers(1, 400), st.integers(1, 400))
def test_what_is_fitted_lies_inside(aspect: float, width: int, height: int) -> None:
    rect = Rect(10, 20, 2 * width, 2 * height)
    inner = fit(aspect, rect)
    assert all(one % 2 == 0 for one in inner)
    assert rect.x <= inner.x < inner.x + inner.width <= rect.x + rect.width
    assert rect.y <= inner.y < inner.y + inner.height <= rect.y + rect.height


def test_a_sender_who_changes_his_size_all_the_time_costs_no_memory() -> None:
    canvas = Canvas(320, 180)
    frame = canvas.blank()
    for size in range(2, CONVERTERS + 60):
        canvas.draw(frame, flat(2 * size, 16, 60), Rect(0, 0, 320, 180))
    assert len(canvas._converters) == CONVERTERS
    with canvas.planes(frame) as (luma, _, _):
        assert np.all(luma == 60)
    canvas.close()


def test_a_frame_with_padded_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="padding"):
        Canvas(322, 180)
