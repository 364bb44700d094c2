"""What the hub tells on the bus: rooms made, changed and gone, and who changed what. Written with the change itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.model import Caller, Meeting, SchedulingInfo
from hub.store import rows
from hub.store.tables import outbox

Operation = Literal["create", "update", "delete", "read", "use", "warn", "export", "erase"]
RoomEvent = Literal["CREATE", "UPDATE", "DELETE", "POOL_DELETE"]

ROOM_SUBJECT = "meetings"
AUDIT_SUBJECT = "audit"
"""Streams of the bus."""

AUDIT_VERSION = 1

Row = dict[str, Any]
"""Of the outbox."""

_TELL = insert(outbox).inline()


async def room(connection: AsyncConnection, kind: RoomEvent, room: SchedulingInfo, now: datetime) -> None:
    """Tell of a room: everything a provisioner needs to make it as it is now."""
    await connection.execute(_TELL, of_room(kind, room, now))


def of_room(kind: RoomEvent, room: SchedulingInfo, now: datetime) -> Row:
    """Give the row that tells of a room."""
    meeting = room.meeting
    message = {
        "version": 1,
        "event": kind,
        "id": room.id,
        "organisation": room.organisation,
        "meeting": str(meeting.uuid) if meeting else None,
        "start": _text(meeting.start_time) if meeting else None,
        "end": _text(meeting.end_time) if meeting else None,
        **{name: _plain(value) for name, value in rows.room_values(room).items()},
    }
    return _row(ROOM_SUBJECT, message, now)


async def audit(
    connection: AsyncConnection, operation: Operation, subject: Meeting | SchedulingInfo, caller: Caller, now: datetime
) -> None:
    """Tell who changed or read a meeting or a room."""
    await connection.execute(_TELL, of_audit(operation, subject, caller, now))


def of_audit(operation: Operation, subject: Meeting | SchedulingInfo, caller: Caller, now: datetime) -> Row:
    """Give the row that tells who changed or read a meeting or a room."""
    resource = "meeting" if isinstance(subject, Meeting) else "schedulingInfo"
    return _noted(Entry(operation, resource, str(subject.uuid), subject.organisation), caller, now)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something for the journal: what was done to which thing, and whose it is (None: the installation's).

    `data` names no people: it is kept as long as the journal. `source` is the part of us that did it.
    """

    operation: Operation
    resource: str
    identifier: str | None
    organisation: str | None
    data: dict[str, Any] = field(default_factory=dict)
    source: str = "video-api"


async def note(connection: AsyncConnection, entry: Entry, caller: Caller | None, now: datetime) -> None:
    """Tell of anything that the journal keeps; `caller` None: we did it by ourselves."""
    await connection.execute(_TELL, _noted(entry, caller, now))


def _noted(entry: Entry, caller: Caller | None, now: datetime) -> Row:
    event: dict[str, Any] = {
        "organisationCode": entry.organisation,
        "resource": entry.resource,
        "operation": entry.operation,
        "auditEventDateTime": _text(now),
        "source": entry.source,
        "identifier": entry.identifier,
        "user": caller.email if caller else None,
    }
    if entry.data:
        event["auditData"] = entry.data
    return _row(AUDIT_SUBJECT, {"version": AUDIT_VERSION, "auditEvent": event}, now)


def _row(subject: str, message: dict[str, Any], now: datetime) -> Row:
    return {"subject": subject, "message": message, "time": now}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return _text(value)
    return value if value is None or isinstance(value, bool | int) else str(value)


def _text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
