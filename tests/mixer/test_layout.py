"""Layouts hold what they promise for every view, number of people and size of frame."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.layout import SHAPES, Rect, View, arrange, places, seat

SIZES = st.sampled_from([(320, 180), (640, 360), (848, 480), (1280, 720), (1920, 1080)])


def overlap(a: Rect, b: Rect) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


@given(st.sampled_from(View), st.integers(0, 60), SIZES)
def test_everyone_up_to_the_views_number_has_a_place_of_their_own_inside_the_frame(
    view: View, count: int, size: tuple[int, int]
) -> None:
    width, height = size
    rects = places(view, count, width, height)
    assert len(rects) == min(count, SHAPES[view].places)
    for rect in rects:
        assert not any(number % 2 for number in rect)
        assert rect.width > 0
        assert rect.height > 0
        assert 0 <= rect.x <= width - rect.width
        assert 0 <= rect.y <= height - rect.height
        assert abs(rect.width * 9 / 16 - rect.height) <= 4
    assert not any(overlap(a, b) for a, b in combinations(rects, 2))


@given(st.sampled_from(View), st.integers(1, 60))
def test_main_pictures_are_never_smaller_than_the_others(view: View, count: int) -> None:
    rects = places(view, count, 1280, 720)
    mains = rects[: SHAPES[view].mains]
    pips = rects[SHAPES[view].mains :]
    assert all(main.width + 2 >= pip.width for main in mains for pip in pips)


@pytest.mark.parametrize("view", View)
def test_one_alone_fills_the_frame(view: View) -> None:
    assert places(view, 1, 1280, 720) == (Rect(0, 0, 1280, 720),)


@pytest.mark.parametrize(
    ("view", "shown", "mains"),
    [
        (View.ONE_MAIN_ZERO_PIPS, 1, 1),
        (View.ONE_MAIN_SEVEN_PIPS, 8, 1),
        (View.ONE_MAIN_TWENTYONE_PIPS, 22, 1),
        (View.TWO_MAINS_TWENTYONE_PIPS, 23, 2),
        (View.FOUR_MAINS_ZERO_PIPS, 4, 4),
        (View.FIVE_MAINS_SEVEN_PIPS, 12, 5),
        (View.ONE_MAIN_THIRTYTHREE_PIPS, 34, 1),
        (View.NINE_MAINS_ZERO_PIPS, 9, 9),
        (View.SIXTEEN_MAINS_ZERO_PIPS, 16, 16),
        (View.TWENTYFIVE_MAINS_ZERO_PIPS, 25, 25),
    ],
)
def test_a_view_shows_as_many_as_its_name_says(view: View, shown: int, mains: int) -> None:
    assert SHAPES[view].places == shown
    assert SHAPES[view].mains == mains


def test_one_main_and_seven_pips_keep_their_shape() -> None:
    main, *pips = places(View.ONE_MAIN_SEVEN_PIPS, 8, 1280, 720)
    assert main.width == pytest.approx(1280 * 6 / 7, abs=2)
    assert len({pip.y for pip in pips}) == 1
    assert pips[0].x == 0
    assert pips[-1].x + pips[-1].width == 1280


def test_a_new_speaker_moves_two_pictures() -> None:
    before = ("anna", "bo", "carl", "dorte")
    assert seat(before, before, ["carl"], 1) == ("carl", "bo", "anna", "dorte")
    assert seat(before, before, ["bo"], 2) == before


def test_spotlights_come_before_the_speaker() -> None:
    order = seat(("anna", "bo", "carl"), ("anna", "bo", "carl"), ["carl", "bo"], 1)
    assert order[0] == "carl"


@given(st.permutations("abcdefgh"), st.sets(st.sampled_from("abcdefghij")), st.lists(st.sampled_from("abcdefghij")))
def test_seating_loses_and_doubles_nobody(before: list[str], present: set[str], leading: list[str]) -> None:
    order = seat(before, sorted(present), leading, 3)
    assert sorted(order) == sorted(present)
    first = next((who for who in leading if who in present), None)
    assert first is None or first in order[:3]


def test_content_takes_the_main_place_of_those_who_have_no_stream_for_it() -> None:
    tiles = arrange(View.ONE_MAIN_SEVEN_PIPS, ("anna", "bo"), 640, 360, content="bo", without={"anna"})
    assert [(tile.participant, tile.content) for tile in tiles] == [("bo", True), ("bo", False)]
    assert tiles[0].rect.width > tiles[1].rect.width
