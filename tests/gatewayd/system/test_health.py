"""How long a version that has just started is waited for."""

from __future__ import annotations

from collections.abc import Iterator

from gatewayd.system import health
from gatewayd.system.health import Seen

DOWN = ["b2bua.service does not run"]


class Clock:
    """Time that passes only while something sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def waited(looks: Iterator[Seen]) -> tuple[Seen, float]:
    clock = Clock()
    return health.wait(lambda: next(looks), clock, clock.sleep), clock.now


def always(faults: list[str], share: float, ends: int = 0, *, begun: bool = True) -> Iterator[Seen]:
    """Look at programs that use so much of a processor."""
    used = 0.0
    while True:
        yield Seen(faults, ends, used, begun)
        used += share * health.ASK_SECONDS


def test_everything_has_to_be_well_for_a_while() -> None:
    def looks() -> Iterator[Seen]:
        yield Seen(DOWN)
        yield Seen([])
        yield Seen(DOWN)
        while True:
            yield Seen([])

    seen, seconds = waited(looks())
    assert (seen.faults, seconds) == ([], 3 * health.ASK_SECONDS + health.STEADY_SECONDS)


def test_a_program_that_ends_again_and_again_is_not_waited_for() -> None:
    seen, seconds = waited(iter([Seen(DOWN, 5, lost=True)]))
    assert (seen.lost, seconds) == (True, 0.0)


def test_programs_that_wait_for_nothing_are_not_waited_for() -> None:
    seen, seconds = waited(always(DOWN, share=health.WORK / 2))
    assert seen.faults == DOWN
    assert health.STUCK_SECONDS < seconds <= health.STUCK_SECONDS + health.ASK_SECONDS


def test_programs_that_work_are_waited_for_on_a_slow_machine_but_not_for_ever() -> None:
    seen, seconds = waited(always(DOWN, share=1.0))
    assert seen.faults == DOWN
    assert health.SECONDS < seconds <= health.SECONDS + health.ASK_SECONDS


def test_what_has_not_been_started_yet_is_not_stuck() -> None:
    _, seconds = waited(always(DOWN, share=0.0, begun=False))
    assert seconds > health.SECONDS


def test_what_changes_gets_on() -> None:
    def looks() -> Iterator[Seen]:
        for ends in range(3):
            for _ in range(int(0.9 * health.STUCK_SECONDS / health.ASK_SECONDS)):
                yield Seen(DOWN, ends)
        while True:
            yield Seen([])

    assert waited(looks())[0].faults == []


def test_a_look_that_takes_long_is_taken_less_often() -> None:
    clock = Clock()
    looks = 0

    def slow() -> Seen:
        nonlocal looks
        looks += 1
        clock.sleep(2.0)
        return Seen(DOWN, ends=looks)

    health.wait(slow, clock, clock.sleep)
    assert 2.0 * looks <= health.LOOK_SHARE * clock.now + 2.0


def test_a_look_that_only_waited_is_not_taken_less_often() -> None:
    clock = Clock()
    at: list[float] = []

    def starved() -> Seen:
        clock.sleep(2.0)
        at.append(clock.now)
        return Seen(DOWN, lost=len(at) > 1)

    health.wait(starved, clock, clock.sleep, lambda: 0.0)
    assert at[1] - at[0] == health.ASK_SECONDS + 2.0


def test_what_was_well_for_long_enough_is_told_at_once() -> None:
    clock = Clock()
    work = Clock()

    def dear() -> Seen:
        work.sleep(0.3)
        return Seen([])

    health.wait(dear, clock, clock.sleep, work)
    assert clock.now == health.STEADY_SECONDS
