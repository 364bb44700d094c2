"""Calls that were: which of them made one conference, and what a month comes to. Pure; times are UTC."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hub.domain.words import Field, Use
from vdx.quality import StreamQuality

ANSWERED = 200
"""What the caller of an answered call heard (RFC 3261 21.2.1)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One ended call; `organisation`, `room`, `meeting`, `use` and `field` are those of the room that was called.

    `caller` is empty once details are no longer kept. `status` is what the caller heard.
    """

    ident: str
    organisation: str | None
    room: str | None
    meeting: UUID | None
    dialled: str
    caller: str
    zone: str
    peer: str
    transport: str
    edge: str
    began: datetime
    answered: datetime | None
    ended: datetime
    status: int
    ended_by: str
    video: bool
    use: Use | None = None
    field: Field | None = None

    @property
    def seconds(self) -> float:
        """How long somebody was there."""
        return (self.ended - self.answered).total_seconds() if self.answered else 0.0


@dataclass(frozen=True, slots=True)
class Media:
    """How the media of one participation in a room was, as its mixing server told; `domain`: from whose network."""

    ident: str
    room: str
    meeting: UUID | None
    node: str
    domain: str
    began: datetime
    ended: datetime
    streams: tuple[StreamQuality, ...]


@dataclass(frozen=True, slots=True)
class Conference:
    """Calls to one room from when somebody came until nobody was left, and how their media was."""

    calls: tuple[Call, ...]
    media: tuple[Media, ...] = ()

    @property
    def begins(self) -> datetime:
        """When the first came."""
        return min(each.answered or each.began for each in self.calls)

    @property
    def ends(self) -> datetime:
        """When the last left."""
        return max(each.ended for each in self.calls)


def conferences(calls: Iterable[Call], media: Iterable[Media] = ()) -> list[Conference]:
    """Put answered calls together, in the order in which the conferences began, with the media of their times."""
    heard: defaultdict[str, list[Media]] = defaultdict(list)
    for each in media:
        heard[each.room].append(each)
    by_room: defaultdict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in calls:
        if call.answered is not None:
            by_room[call.edge if call.room is None else "", call.room or call.dialled].append(call)
    made = [
        _with_media(Conference(tuple(part)), heard[room])
        for (_, room), same in by_room.items()
        for part in _sessions(same)
    ]
    return sorted(made, key=lambda each: (each.begins, each.calls[0].ident))


def _with_media(found: Conference, heard: list[Media]) -> Conference:
    return replace(found, media=tuple(each for each in heard if each.began <= found.ends and each.ended > found.begins))


def _sessions(calls: list[Call]) -> Iterator[list[Call]]:
    part: list[Call] = []
    until = datetime.min.replace(tzinfo=UTC)
    for call in sorted(calls, key=lambda each: (each.answered or each.began, each.ident)):
        if part and (call.answered or call.began) > until:
            yield part
            part = []
        part.append(call)
        until = max(until, call.ended)
    if part:
        yield part


@dataclass(frozen=True, slots=True)
class Usage:
    """What an organisation used in a month: of one class and field, or with `use` None of all together.

    `meetings` are those that were booked, `participants` answered calls, `ports` the most of them at the same time.
    """

    organisation: str
    name: str
    use: Use | None
    field: Field | None
    meetings: int = 0
    participants: int = 0
    minutes: int = 0
    ports: int = 0


Group = tuple[str, Use | None, Field | None]


def month(text: str) -> tuple[datetime, datetime]:
    """Give begin and end of a month such as 2026-11; raises `ValueError`."""
    begin = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    return begin, (begin + timedelta(days=32)).replace(day=1)


def usage(
    names: dict[str, str], booked: dict[Group, int], calls: Iterable[Call], period: tuple[datetime, datetime]
) -> list[Usage]:
    """Count a month: `names` are those of organisations by code, `booked` meetings of each class and field.

    A call that reaches over the end of the month counts as a participant where it began, and in minutes as far as it
    lies within.
    """
    begin, end = period
    counted: dict[Group, list[tuple[datetime, datetime]]] = defaultdict(list)
    began: defaultdict[Group, int] = defaultdict(int)
    for call in calls:
        if call.organisation is None or call.answered is None:
            continue
        for group in {(call.organisation, call.use, call.field), (call.organisation, None, None)}:
            counted[group].append((max(call.answered, begin), min(call.ended, end)))
            began[group] += begin <= call.answered < end
    totals: defaultdict[Group, int] = defaultdict(int)
    for (code, use, field), many in booked.items():
        totals[code, use, field] += many
        totals[code, None, None] += many
    found = [
        Usage(
            code,
            names.get(code, code),
            use,
            field,
            totals[code, use, field],
            began[code, use, field],
            round(sum((last - first).total_seconds() for first, last in counted[code, use, field]) / 60),
            peak(counted[code, use, field]),
        )
        for code, use, field in {*totals, *counted}
    ]
    return sorted(found, key=lambda each: (each.organisation, each.use or "", each.field or ""))


def peak(spans: Iterable[tuple[datetime, datetime]]) -> int:
    """Tell how many spans lie over each other at most; one that ends when another begins does not."""
    steps = sorted(step for first, last in spans if first < last for step in ((first, 1), (last, -1)))
    here = most = 0
    for _, step in steps:
        here += step
        most = max(most, here)
    return most
