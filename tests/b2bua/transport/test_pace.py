from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from b2bua.transport.limits import BUSY_DATAGRAMS, PACE_SECONDS
from b2bua.transport.pace import Pace


def test_few_are_read_as_they_come() -> None:
    pace = Pace()
    for stroke in range(100):
        pace.came(1, 10.0 + stroke * 2 * PACE_SECONDS / BUSY_DATAGRAMS)
        assert not pace.busy


def test_many_are_noticed_at_once_and_few_again_after_a_whole_window() -> None:
    pace = Pace()
    pace.came(BUSY_DATAGRAMS - 1, 10.0)
    assert not pace.busy
    pace.came(1, 10.0)
    assert pace.busy
    pace.came(0, 10.0 + 1.1 * PACE_SECONDS)  # the window that ends had many
    assert pace.busy
    pace.came(1, 10.0 + 1.5 * PACE_SECONDS)
    pace.came(1, 10.0 + 2.3 * PACE_SECONDS)
    assert not pace.busy


def test_what_came_long_ago_does_not_count() -> None:
    pace = Pace()
    pace.came(BUSY_DATAGRAMS, 10.0)
    pace.came(1, 10.0 + 5 * PACE_SECONDS)
    assert not pace.busy


@given(st.lists(st.tuples(st.integers(0, 64), st.floats(0.001, 0.02)), min_size=20))
def test_a_steady_flood_stays_busy_and_silence_ends_it(read: list[tuple[int, float]]) -> None:
    pace, now = Pace(), 10.0
    for count, passed in read:
        now += passed
        pace.came(BUSY_DATAGRAMS + count, now)
        assert pace.busy
    looks = 0
    while pace.busy:
        now += 0.004
        pace.came(0, now)
        looks += 1
        assert looks <= 2 * (PACE_SECONDS / 0.004 + 1)
