"""The form in which an installation moves: one JSON object a line, in an order in which each names only earlier ones.

    {"what": "organisation", "organisation": {...}}          in any order among themselves
    {"what": "template", "template": {...}, "deleted": null}
    {"what": "room", "room": {...}}                           with its meeting, or a free one of a pool
    {"what": "row", "table": "calls", "row": {...}}           anything else (`hub.store.moving.OTHERS`, in that order)

Fields are those of `hub.domain.model`, with the ids, uuids, states and times they had; times have a zone. Rows have
every column of their table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from hub.domain.model import Organisation, SchedulingInfo, Template
from hub.errors import InputError

MAX_LINE = 1 << 20
"""Octets of a line: the largest meeting, with every label and piece of information, has 150,000."""


class OrganisationLine(msgspec.Struct, frozen=True, tag_field="what", tag="organisation"):
    """A node of the tree."""

    organisation: Organisation


class TemplateLine(msgspec.Struct, frozen=True, tag_field="what", tag="template"):
    """A template; `deleted` when it was."""

    template: Template
    deleted: datetime | None = None


class RoomLine(msgspec.Struct, frozen=True, tag_field="what", tag="room"):
    """A scheduling info with its meeting."""

    room: SchedulingInfo


class RowLine(msgspec.Struct, frozen=True, tag_field="what", tag="row"):
    """A row of another table."""

    table: str
    row: dict[str, Any]


Line = OrganisationLine | TemplateLine | RoomLine | RowLine

_DECODER = msgspec.json.Decoder(Line)


def written(line: Line) -> bytes:
    """Write one line."""
    return msgspec.json.encode(line) + b"\n"


def read(lines: Iterable[bytes]) -> Iterator[Line]:
    """Read lines; raises `InputError` that names the line and the field."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(line) > MAX_LINE:
            raise InputError(f"line {number}: longer than {MAX_LINE} octets")
        try:
            read = _DECODER.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputError(f"line {number}: {error}") from error
        if any(each.tzinfo is None for each in _times(read)):
            raise InputError(f"line {number}: a time has no zone")
        yield read


def _times(line: Line) -> list[datetime]:
    if isinstance(line, OrganisationLine):
        found = [line.organisation.trial_ends]
    elif isinstance(line, TemplateLine):
        found = [line.deleted, line.template.created_time, line.template.updated_time]
    elif isinstance(line, RowLine):
        found = []  # what a column holds is looked at when its table is known
    else:
        room, meeting = line.room, line.room.meeting
        found = [room.created_time, room.updated_time, room.provision_timestamp]
        if meeting is not None:
            found += [meeting.start_time, meeting.end_time, meeting.created_time, meeting.updated_time]
    return [each for each in found if each is not None]
