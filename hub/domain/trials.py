"""Organisations on trial: here until a day, with so many meetings; warned before, refused after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.domain.classes import Level
from hub.domain.model import Organisation
from hub.errors import ForbiddenError

WARNINGS = (30, 7, 1, 0)
"""Days before the end at which the organisation's administrators are told; 0: it is over."""

MOST_MEETINGS = 100_000
"""The highest ceiling: what a trial made must be had in one file."""

AFTERWARDS = "Its meetings can still be read and its data be had; to go on, have it made an ordinary organisation."


def of(levels: Sequence[Level]) -> Organisation | None:
    """Give the organisation whose trial these are part of: the nearest; a trial counts for all below it."""
    return next((each.organisation for each in levels if each.organisation.trial_ends is not None), None)


def check(trial: Organisation, start: datetime, now: datetime) -> None:
    """Refuse a new meeting after the end of a trial, or one that would be after it; raises `ForbiddenError`."""
    if trial.trial_ends is not None and now >= trial.trial_ends:
        raise ForbiddenError(f"The trial of {trial.name} ended on {trial.trial_ends:%Y-%m-%d}. {AFTERWARDS}")
    check_start(trial, start)


def check_start(trial: Organisation, start: datetime) -> None:
    """Refuse a meeting that would be after the end of a trial; raises `ForbiddenError`."""
    if trial.trial_ends is not None and start >= trial.trial_ends:
        raise ForbiddenError(f"The trial of {trial.name} ends on {trial.trial_ends:%Y-%m-%d}: choose an earlier time")


def check_ceiling(trial: Organisation, held: int) -> None:
    """Refuse one meeting more than a trial may have; raises `ForbiddenError`."""
    if trial.trial_most_meetings is not None and held >= trial.trial_most_meetings:
        raise ForbiddenError(
            f"The trial of {trial.name} has had its {trial.trial_most_meetings} meetings. {AFTERWARDS}"
        )


def warning(trial: Organisation, now: datetime) -> int | None:
    """Give the warning that is due, in days before the end; None where all that were due have been given.

    Of several that are due at once only the last is given.
    """
    if trial.trial_ends is None:
        return None
    due = [days for days in WARNINGS if now >= trial.trial_ends - timedelta(days=days)]
    if not due or (trial.trial_warned is not None and min(due) >= trial.trial_warned):
        return None
    return min(due)


def days_left(trial: Organisation, now: datetime) -> int:
    """Give how many days a trial still has, begun ones counted; 0 when it is over."""
    if trial.trial_ends is None:
        return 0
    return max(0, -((now - trial.trial_ends) // timedelta(days=1)))
