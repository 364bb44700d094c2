"""When rules hold: days, hours, dates, midnight and clocks that change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from vdx.dialplan import RuleTime
from vdx.hours import Hours

WEEK = (0, 1, 2, 3, 4)
OFFICE = RuleTime("UTC", WEEK, ((8 * 60, 16 * 60 + 30),))
NIGHT = RuleTime("UTC", (4,), ((22 * 60, 6 * 60),))
TERM = RuleTime("UTC", since="2026-03-02", until="2026-03-06")
OSLO = RuleTime("Europe/Oslo", hours=((8 * 60, 16 * 60),))
TWICE = RuleTime("UTC", hours=((8 * 60, 9 * 60), (10 * 60, 24 * 60)))


@pytest.mark.parametrize(
    ("when", "at", "holds"),
    [
        (OFFICE, "2026-03-02T08:00", True),  # a Monday
        (OFFICE, "2026-03-02T07:59", False),
        (OFFICE, "2026-03-02T16:29", True),
        (OFFICE, "2026-03-02T16:30", False),
        (OFFICE, "2026-03-01T12:00", False),
        (NIGHT, "2026-03-06T22:00", True),  # a Friday
        (NIGHT, "2026-03-07T05:59", True),
        (NIGHT, "2026-03-07T06:00", False),
        (NIGHT, "2026-03-07T22:00", False),
        (NIGHT, "2026-03-06T05:59", False),
        (TERM, "2026-03-01T23:59", False),
        (TERM, "2026-03-02T00:00", True),
        (TERM, "2026-03-06T23:59", True),
        (TERM, "2026-03-07T00:00", False),
        (OSLO, "2026-01-15T07:00", True),  # one hour ahead in winter
        (OSLO, "2026-07-15T07:00", True),  # two in summer
        (OSLO, "2026-07-15T14:00", False),
        (OSLO, "2026-01-15T14:59", True),
        (TWICE, "2026-01-15T09:30", False),
        (TWICE, "2026-01-15T23:59", True),
        (RuleTime("UTC"), "2026-01-15T00:00", True),
    ],
)
def test_when_a_rule_holds(when: RuleTime, at: str, holds: bool) -> None:
    assert Hours(when).hold(datetime.fromisoformat(at).replace(tzinfo=UTC)) is holds


def test_a_moment_is_told_on_the_clocks_of_the_rule() -> None:
    assert Hours(OSLO).local(datetime(2026, 7, 15, 7, 0, tzinfo=UTC)) == "Wednesday 2026-07-15 09:00 Europe/Oslo"
