"""The speaker changes for speech, not for noises."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from mixer.speaker import HOLD, Floor

LOUD, SOFT, SILENT = -20.0, -35.0, -90.0


def hear(floor: Floor, start: float, seconds: float, **levels: float) -> float:
    now = start
    while now < start + seconds:
        floor.hear(levels, now)
        now += 0.2
    return now


def test_whoever_speaks_first_has_the_floor() -> None:
    floor = Floor()
    assert floor.speaker == ""
    hear(floor, 0, 1.2, anna=SOFT, bo=SILENT)
    assert floor.speaker == "anna"
    assert floor.speaking == {"anna"}


def test_a_cough_turns_nothing() -> None:
    floor = Floor()
    now = hear(floor, 0, 5, anna=SOFT, bo=SILENT)
    now = hear(floor, now, 0.4, anna=SOFT, bo=LOUD)
    hear(floor, now, 1, anna=SOFT, bo=SILENT)
    assert floor.speaker == "anna"


def test_another_takes_the_floor_when_the_speaker_is_silent() -> None:
    floor = Floor()
    now = hear(floor, 0, 5, anna=SOFT, bo=SILENT)
    hear(floor, now, 3, anna=SILENT, bo=SOFT)
    assert floor.order == ("bo", "anna")


def test_somebody_clearly_louder_takes_the_floor_at_once() -> None:
    floor = Floor()
    now = hear(floor, 0, 5, anna=SOFT, bo=SILENT)
    hear(floor, now, 1, anna=SOFT, bo=LOUD)
    assert floor.speaker == "bo"


def test_the_one_before_has_the_floor_when_the_speaker_leaves() -> None:
    floor = Floor()
    now = hear(floor, 0, 5, anna=SOFT, bo=SILENT)
    hear(floor, now, 3, anna=SILENT, bo=SOFT)
    floor.leave("bo")
    assert floor.speaker == "anna"


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.floats(-120, 0)), max_size=100))
def test_the_floor_never_changes_twice_within_the_hold(measurements: list[dict[str, float]]) -> None:
    floor = Floor()
    changes = []
    for number, levels in enumerate(measurements):
        now = number * 0.2
        if floor.hear(levels, now):
            changes.append(now)
    assert all(later - earlier >= HOLD for earlier, later in itertools.pairwise(changes))
