"""Who is shown where: people in order, a view and the size of a frame in; rectangles out. Pure.

A view is bands of places, from the top: each band says how many places stand side by side and how wide one is, as a
share of the frame. Every place keeps the proportions of the frame, so a camera's picture is scaled but never cut. What
is not needed is not left empty: grids shrink to the smallest that holds everybody, rows of small pictures that nobody
stands in go, and the main picture grows.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple


class View(StrEnum):
    """The ten views of the video API, under its names."""

    ONE_MAIN_ZERO_PIPS = "one_main_zero_pips"
    ONE_MAIN_SEVEN_PIPS = "one_main_seven_pips"
    ONE_MAIN_TWENTYONE_PIPS = "one_main_twentyone_pips"
    TWO_MAINS_TWENTYONE_PIPS = "two_mains_twentyone_pips"
    FOUR_MAINS_ZERO_PIPS = "four_mains_zero_pips"
    FIVE_MAINS_SEVEN_PIPS = "five_mains_seven_pips"
    ONE_MAIN_THIRTYTHREE_PIPS = "one_main_thirtythree_pips"
    NINE_MAINS_ZERO_PIPS = "nine_mains_zero_pips"
    SIXTEEN_MAINS_ZERO_PIPS = "sixteen_mains_zero_pips"
    TWENTYFIVE_MAINS_ZERO_PIPS = "twentyfive_mains_zero_pips"


class Shape(NamedTuple):
    """How many main places a view has, how many rows of small ones, and how many of these stand in a row."""

    mains: int
    rows: int
    across: int

    @property
    def places(self) -> int:
        """How many people it shows at most."""
        return self.mains + self.rows * self.across


SHAPES = {
    View.ONE_MAIN_ZERO_PIPS: Shape(1, 0, 1),
    View.ONE_MAIN_SEVEN_PIPS: Shape(1, 1, 7),
    View.ONE_MAIN_TWENTYONE_PIPS: Shape(1, 3, 7),
    View.TWO_MAINS_TWENTYONE_PIPS: Shape(2, 3, 7),
    View.FOUR_MAINS_ZERO_PIPS: Shape(4, 0, 1),
    View.FIVE_MAINS_SEVEN_PIPS: Shape(5, 1, 7),
    View.ONE_MAIN_THIRTYTHREE_PIPS: Shape(1, 3, 11),
    View.NINE_MAINS_ZERO_PIPS: Shape(9, 0, 1),
    View.SIXTEEN_MAINS_ZERO_PIPS: Shape(16, 0, 1),
    View.TWENTYFIVE_MAINS_ZERO_PIPS: Shape(25, 0, 1),
}

# [main pictures to be shown] -> pictures side by side, band by band from the top
_MAIN_BANDS = {1: (1,), 2: (2,), 3: (2, 1), 4: (2, 2), 5: (2, 3)}


class Rect(NamedTuple):
    """A place in a frame, in pixels, all of them even: chroma of 4:2:0 video has one sample for two by two."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Tile:
    """What is shown in a place: a participant's camera, or with `content` what they present."""

    participant: str
    rect: Rect
    content: bool = False


def places(view: View, count: int, width: int, height: int) -> tuple[Rect, ...]:
    """Give the places for `count` pictures, the most important first; no more than the view has.

    `width` and `height` are those of the frame, even.
    """
    shape = SHAPES[view]
    count = min(count, shape.places)
    mains = min(count, shape.mains)
    pips = count - mains
    rows = -(-pips // shape.across)
    small = Fraction(1, shape.across)
    room = 1 - rows * small
    bands = _mains(mains, room) if mains else []
    for row in range(rows):
        bands.append((min(shape.across, pips - row * shape.across), small))
    return tuple(_stack(bands, width, height))


def _mains(count: int, room: Fraction) -> list[tuple[int, Fraction]]:
    """Give the bands of main pictures, with their share of the frame; `room` is the share of its height they have."""
    if count in _MAIN_BANDS:
        across = _MAIN_BANDS[count]
    else:
        side = next(number for number in range(3, 6) if number * number >= count)
        across = (side,) * (count // side) + ((count % side,) if count % side else ())
    shares = [Fraction(1, number) for number in across]
    if count not in _MAIN_BANDS or count in {3, 4}:  # a grid: the last row may be short, and is as large as the others
        shares = [min(shares)] * len(shares)
    too_high = max(Fraction(1), sum(shares, Fraction(0)) / room)
    return [(number, share / too_high) for number, share in zip(across, shares, strict=True)]


def _stack(bands: Sequence[tuple[int, Fraction]], width: int, height: int) -> Iterable[Rect]:
    """Put bands one under the other, in the middle of the frame."""
    top = (1 - sum((share for _, share in bands), Fraction(0))) / 2
    for number, share in bands:
        left = (1 - number * share) / 2
        upper, lower = _even(top * height), _even((top + share) * height)
        for place in range(number):
            start, end = _even((left + place * share) * width), _even((left + (place + 1) * share) * width)
            yield Rect(start, upper, end - start, lower - upper)
        top += share


def _even(value: Fraction) -> int:
    return int(value / 2) * 2


def seat(before: Sequence[str], present: Iterable[str], leading: Iterable[str], mains: int) -> tuple[str, ...]:
    """Give the order in which people are shown.

    Whoever was seated stays, newcomers come last; then those who lead take the first places, each in exchange with
    whoever stands there, so that a new speaker moves two pictures and not all. `leading` comes in order of weight;
    somebody who has a main place already, one of the first `mains`, keeps it unless one of more weight takes it.
    """
    here = dict.fromkeys(present)
    order = [person for person in before if person in here]
    seated = set(order)
    order += [person for person in here if person not in seated]
    fixed: set[str] = set()
    for person in leading:
        if person not in here or person in fixed:
            continue
        now = order.index(person)
        if now >= mains:
            free = next((place for place in range(mains) if order[place] not in fixed), None)
            if free is None:
                break
            order[now], order[free] = order[free], order[now]
        fixed.add(person)
    return tuple(order)


def arrange(
    view: View, order: Sequence[str], width: int, height: int, *, content: str = "", without: Container[str] = ()
) -> tuple[Tile, ...]:
    """Give the tiles of one picture: people in order, those in `without` left out.

    `content` is who presents to somebody who has no stream of its own for it: what they present is the first main
    picture.
    """
    shown = [(person, False) for person in order if person not in without]
    if content:
        shown.insert(0, (content, True))
    rects = places(view, len(shown), width, height)
    return tuple(Tile(person, rect, what) for (person, what), rect in zip(shown, rects, strict=False))
