"""Calls become conferences, and a month's use is what lies within it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.history import Call, Group, conferences, month, peak, usage
from hub.domain.words import Field, Use

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def call(number: int, begin: float, end: float, room: str | None = "room-1", **fields: Any) -> Call:
    """Make a call that was answered at once; `begin` and `end` in minutes after noon."""
    at, until = NOON + timedelta(minutes=begin), NOON + timedelta(minutes=end)
    values = {
        "ident": f"edge1.{number}",
        "organisation": "north",
        "room": room,
        "meeting": None,
        "dialled": "1234",
        "caller": "anna",
        "zone": "sdn",
        "peer": "hospital",
        "transport": "tls",
        "edge": "edge1",
        "began": at,
        "answered": at,
        "ended": until,
        "status": 200,
        "ended_by": "caller",
        "video": True,
        "use": Use.CLINICAL,
        "field": Field.HEALTH,
    }
    return Call(**(values | fields))


def test_who_is_there_together_is_one_conference() -> None:
    calls = [call(1, 0, 10), call(2, 5, 20), call(3, 21, 30), call(4, 6, 8, room="room-2")]
    found = conferences([*calls, call(5, 0, 1, answered=None)])
    assert [[each.ident for each in one.calls] for one in found] == [["edge1.1", "edge1.2"], ["edge1.4"], ["edge1.3"]]
    assert (found[0].begins, found[0].ends) == (NOON, NOON + timedelta(minutes=20))


spans = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=30)


@given(spans)
def test_the_peak_is_what_any_minute_shows(made: list[tuple[int, int]]) -> None:
    whole = [(NOON + timedelta(minutes=at), NOON + timedelta(minutes=at + length)) for at, length in made]
    by_minute = [sum(at <= minute < at + length for at, length in made) for minute in range(71)]
    assert peak(whole) == max(by_minute)


@given(spans)
def test_every_call_is_in_one_conference(made: list[tuple[int, int]]) -> None:
    calls = [call(number, at, at + length) for number, (at, length) in enumerate(made)]
    found = conferences(calls)
    assert sorted(each.ident for one in found for each in one.calls) == sorted(each.ident for each in calls)
    assert all(first.ends < second.begins for first, second in pairwise(found))


def test_a_month_counts_what_lies_within() -> None:
    begin, end = month("2026-11")
    assert (begin, end) == (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
    over = call(
        3, 0, 0, began=begin - timedelta(hours=1), answered=begin - timedelta(hours=1), ended=begin + timedelta(hours=1)
    )
    booked: dict[Group, int] = {("north", Use.CLINICAL, Field.HEALTH): 2, ("south", Use.TRIAL, None): 1}
    found = usage({"north": "The north"}, booked, [call(1, 0, 10), call(2, 5, 15), over], (begin, end))
    shown = [
        (each.organisation, each.use, each.meetings, each.participants, each.minutes, each.ports) for each in found
    ]
    assert shown == [
        ("north", None, 2, 2, 80, 2),
        ("north", Use.CLINICAL, 2, 2, 80, 2),
        ("south", None, 1, 0, 0, 0),
        ("south", Use.TRIAL, 1, 0, 0, 0),
    ]


def test_a_month_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="unconverted"):
        month("2026-13")


def test_a_call_of_no_class_is_counted_once() -> None:
    counted = usage({"north": "North"}, {}, [call(1, 0, 10, use=None, field=None)], month("2026-11"))
    assert [(each.participants, each.minutes, each.ports) for each in counted] == [(1, 10, 1)]
