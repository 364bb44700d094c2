"""Calls of the API as values: what is sent, and what comes back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from hub.client.wire import Change, Conferences, Meeting, NewMeeting, Room, Usage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request; `answer` is the type of a good answer. `again`: sending it twice does no more than once."""

    method: str
    path: str
    answer: type[T]
    body: Struct | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    again: bool = True


def create_meeting(wanted: NewMeeting) -> Call[Meeting]:
    """Make a meeting and its room. It is sent again by itself only with an external id or a uuid of your own."""
    named = isinstance(wanted.external_id, str) or isinstance(wanted.uuid, UUID)
    return Call("POST", "/v2/meetings", Meeting, wanted, again=named)


def meeting(uuid: UUID) -> Call[Meeting]:
    """Read a meeting."""
    return Call("GET", f"/v2/meetings/{uuid}", Meeting)


def change_meeting(uuid: UUID, change: Change) -> Call[Meeting]:
    """Change a meeting, as far as the state of its room allows."""
    return Call("PATCH", f"/v2/meetings/{uuid}", Meeting, change)


def end_meeting(uuid: UUID, now: datetime) -> Call[Meeting]:
    """End a meeting now: its room goes."""
    return change_meeting(uuid, Change(end_time=now))


def delete_meeting(uuid: UUID) -> Call[None]:
    """Delete a meeting whose room nobody works on yet."""
    return Call("DELETE", f"/v2/meetings/{uuid}", type(None), again=False)


def search(text: str, begin: datetime | None = None, end: datetime | None = None) -> Call[list[Meeting]]:
    """List meetings that have `text` as organiser, label or address, or within subject or description."""
    return _search({"search": text}, begin, end)


def between(begin: datetime, end: datetime) -> Call[list[Meeting]]:
    """List meetings that start within a period."""
    return _search({}, begin, end)


def by_label(label: str) -> Call[list[Meeting]]:
    """List meetings that carry exactly this label."""
    return _search({"label": label}, None, None)


def by_short_id(short_id: str) -> Call[list[Meeting]]:
    """Find the meeting of a short link."""
    return _search({"short-id": short_id}, None, None)


def room(uuid: UUID) -> Call[Room]:
    """Read the room of a meeting."""
    return Call("GET", f"/v2/scheduling-info/{uuid}", Room)


def reserve() -> Call[Room]:
    """Reserve a room of the organisation's pool; its `reservation_id` goes into the meeting that is to have it."""
    return Call("GET", "/v2/scheduling-info-reserve", Room, again=False)


def usage(month: str) -> Call[list[Usage]]:
    """Count a month such as 2026-11, for the caller's organisation and all below it."""
    return Call("GET", "/services/v2/usage", list[Usage], query={"month": month})


def history(key: str, begin: datetime, end: datetime, limit: int = 100, offset: int = 0) -> Call[Conferences]:
    """List conferences with an organisation's key of the history API."""
    query = {"start_time__gte": begin.isoformat(), "end_time__lt": end.isoformat()}
    paged = query | {"limit": str(limit), "offset": str(offset)}
    return Call("GET", "/apikey/history/v1/conference", Conferences, query=paged, headers={"x-api-key": key})


def _search(query: dict[str, str], begin: datetime | None, end: datetime | None) -> Call[list[Meeting]]:
    if begin is not None:
        query["from-start-time"] = begin.isoformat()
    if end is not None:
        query["to-start-time"] = end.isoformat()
    return Call("GET", "/v2/meetings", list[Meeting], query=query)
