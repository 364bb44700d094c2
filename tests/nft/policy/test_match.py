"""Boxes cut where any of them begins or ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nft.policy.interval import Intervals, contains
from nft.policy.match import Box, cells

LINE = st.tuples(st.integers(0, 4), st.integers(0, 3)).map(lambda pair: ((pair[0], pair[0] + pair[1]),))
BOXES = st.lists(st.builds(Box, LINE, LINE, LINE), max_size=5)


def inside(box: Box, point: tuple[int, int, int]) -> bool:
    sides: tuple[Intervals, ...] = box
    return all(contains(side, value) for side, value in zip(sides, point, strict=True))


@given(BOXES)
def test_every_point_is_in_the_one_cell_of_all_boxes_that_hold_it(boxes: list[Box]) -> None:
    found = list(cells(enumerate(boxes)))
    for point in ((x, y, z) for x in range(9) for y in range(9) for z in range(9)):
        holders = frozenset(index for index, box in enumerate(boxes) if inside(box, point))
        assert [cell.rules for cell in found if inside(cell.box, point)] == ([holders] if holders else [])
