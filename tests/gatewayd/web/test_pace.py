from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatewayd.web import pace
from gatewayd.web.pace import Pace, Paces


@given(st.lists(st.floats(0, 5), max_size=60), st.integers(1, 10), st.floats(0.1, 10))
def test_no_more_pass_than_the_pace_allows(pauses: list[float], burst: int, rate: float) -> None:
    now, passed = 0.0, 0
    paces = Paces(Pace(burst, rate), lambda: now)
    for pause in pauses:
        now += pause
        wait = paces.take("a")
        passed += not wait
        assert passed <= burst + now * rate + 1e-6
        if wait:
            now += wait + 1e-9
            assert paces.wait("a") == 0  # what it says to wait is enough


def test_one_does_not_hold_up_another_and_the_longest_unseen_is_forgotten() -> None:
    paces = Paces(Pace(1, 0.001), lambda: 0.0)
    assert paces.take("a") == 0
    assert paces.take("a") > 0
    assert paces.take("b") == 0
    for number in range(pace.MAX_KEYS):
        paces.take(str(number))
    assert len(paces._buckets) == pace.MAX_KEYS
    assert paces.take("a") == 0
