"""When something holds, a rule of the dial plan or a change window: days, hours, dates on the clocks of a time zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from vdx.dialplan import RuleTime

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY = timedelta(days=1)


class Hours:
    """The times of a rule or window. Hours that pass midnight belong to the day they began on, before and after it."""

    def __init__(self, when: RuleTime) -> None:
        self._zone = ZoneInfo(when.time_zone)
        self._days = frozenset(when.days)
        self._hours = when.hours or ((0, 24 * 60),)
        self._since = date.fromisoformat(when.since) if when.since else None
        self._until = date.fromisoformat(when.until) if when.until else None

    def hold(self, at: datetime) -> bool:
        """Tell whether they hold at a moment, which knows its time zone."""
        here = at.astimezone(self._zone)
        today, minute = here.date(), here.hour * 60 + here.minute
        return any(self._between(begin, end, today, minute) for begin, end in self._hours)

    def _between(self, begin: int, end: int, today: date, minute: int) -> bool:
        if begin < end:
            return begin <= minute < end and self._includes(today)
        return self._includes(today) if minute >= begin else minute < end and self._includes(today - _DAY)

    def _includes(self, day: date) -> bool:
        return (
            (not self._days or day.weekday() in self._days)
            and (self._since is None or day >= self._since)
            and (self._until is None or day <= self._until)
        )

    def local(self, at: datetime) -> str:
        """Write a moment as the rule sees it."""
        here = at.astimezone(self._zone)
        return f"{_DAYS[here.weekday()]} {here:%Y-%m-%d %H:%M} {self._zone.key}"
