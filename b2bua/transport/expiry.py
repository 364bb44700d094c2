"""What ends soon: certificates and lists, told at 60, 30 and 7 days before. Pure: dates and the time in, words out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

DAY = 86_400.0
STEPS = (7, 30, 60)
"""Days before the end at which somebody is told: at 60 there is time to order, at 30 to remind, at 7 to run."""

OVERDUE = 1 / 4
"""Of its life that is left when a certificate which `certd` renews is told: it renews when a third is left."""

LIST_STEPS = (1,)
"""Lists of revoked certificates live for days: told in the last one."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A file whose content counts until a time (seconds since 1970); before `calm` its end is no alarm."""

    kind: str
    path: str
    until: float
    calm: float = 0.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that ends within `step` days (-1: it has ended); one step of one end is told once."""

    dated: Dated
    step: int

    def sentence(self, now: float) -> str:
        """Say it in words."""
        what = f"{self.dated.kind} {self.dated.path}"
        do = "certd has not renewed it, its log says why" if self.dated.calm else "renew it"
        if self.step < 0:
            return f"{what} ended {_days(now - self.dated.until)} ago: {do}"
        return f"{what} ends in {_days(self.dated.until - now)}: {do}"


def alarms(dated: Iterable[Dated], now: float) -> tuple[Alarm, ...]:
    """Give an alarm for everything that has ended or ends within its steps, the nearest end first."""
    found = [(one, _step(one, now)) for one in set(dated)]
    due = [Alarm(one, step) for one, step in found if step is not None]
    return tuple(sorted(due, key=lambda alarm: (alarm.dated.until, alarm.dated.path)))


def _step(one: Dated, now: float) -> int | None:
    left = one.until - now
    if left <= 0:
        return -1
    if now < one.calm:
        return None
    steps = LIST_STEPS if one.kind == "revocation list" else STEPS
    return next((step for step in steps if left <= step * DAY), None)


def _days(seconds: float) -> str:
    days = int(seconds // DAY)
    return f"{days} days" if days > 1 else f"{int(seconds // 3600)} hours"
