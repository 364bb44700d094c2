"""RFC 2782: priorities, weights and chance."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from b2bua.locate.order import by_priority, by_weight


def test_chance_chooses_by_weight() -> None:
    firsts = Counter(
        by_weight([("a", 1), ("b", 3)], lambda one: one[1], lambda step=step: step / 1000)[0][0]  # type: ignore[misc]
        for step in range(1000)
    )
    assert firsts == {"a": 250, "b": 750}


def test_without_weights_each_is_as_likely() -> None:
    firsts = {by_weight(["a", "b"], lambda _: 0, lambda step=step: step / 2)[0] for step in range(2)}  # type: ignore[misc]
    assert firsts == {"a", "b"}


def test_weight_zero_is_drawn_by_the_smallest_chance_alone() -> None:
    items = [("heavy", 10), ("zero", 0)]
    assert [name for name, _ in by_weight(items, lambda one: one[1], lambda: 0.0)] == ["zero", "heavy"]
    assert [name for name, _ in by_weight(items, lambda one: one[1], lambda: 0.01)] == ["heavy", "zero"]


@given(
    st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535)), max_size=20),
    st.floats(0, 1, exclude_max=True),
)
def test_nobody_is_lost_and_priorities_rise(items: list[tuple[int, int]], chance: float) -> None:
    ordered = by_priority(items, lambda one: one[0], lambda one: one[1], lambda: chance)
    assert sorted(ordered) == sorted(items)
    assert [one[0] for one in ordered] == sorted(one[0] for one in items)
