"""Statements about rooms (scheduling infos): found with their meetings, picked from pools, listed when they are due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.booking import Wishes
from hub.domain.lifecycle import opens
from hub.domain.model import Meeting, Organisation, SchedulingInfo
from hub.domain.words import ProvisionStatus
from hub.store import meetings as meeting_statements
from hub.store import rows
from hub.store.standing_tables import aliases
from hub.store.standing_tables import systems as system_table
from hub.store.tables import meetings, organisations, room_history
from hub.store.tables import rooms as table
from hub.store.together import Together

_owner = organisations.alias("meeting_organisation")
_NOTE = insert(room_history).inline()
_MEETING = "m_"  # before the columns of the meeting that is read along


def _select(*conditions: ColumnElement[bool]) -> Select[Any]:
    with_meeting = [column.label(_MEETING + column.name) for column in meetings.c]
    owner = _owner.c.code.label(_MEETING + "organisation")
    return (
        select(table, organisations.c.code.label("organisation"), *with_meeting, owner)
        .join(organisations, table.c.organisation_id == organisations.c.id)
        .outerjoin(meetings, table.c.meeting_uuid == meetings.c.uuid)
        .outerjoin(_owner, meetings.c.organisation_id == _owner.c.id)
        .where(*conditions)
    )


_BY_UUID = _select(table.c.uuid == bindparam("uuid"))
_BY_ID = _select(table.c.id == bindparam("number"))
_CHANGE = update(table).where(table.c.id == bindparam("number"))
_BY_UUID_LOCKED, _BY_ID_LOCKED = _BY_UUID.with_for_update(of=table), _BY_ID.with_for_update(of=table)


def _numbers(dialect: str) -> Select[Any]:
    held = table.c.uri_without_domain == bindparam("user"), table.c.uri_domain == bindparam("domain")
    standing = select(aliases.c.alias).where(aliases.c.alias == bindparam("small"))
    systems = select(system_table.c.alias).where(system_table.c.alias == bindparam("small"))
    taken = union_all(select(table.c.uri_without_domain).where(*held), standing, systems)
    following = func.coalesce(func.max(table.c.id), 0) + 1  # one writer at a time, so nobody else is given it
    if dialect == "postgresql":
        following = func.nextval(func.pg_get_serial_sequence(table.name, table.c.id.name))
    return select(following, exists(taken.subquery().select()))


_NUMBERS = {each: _numbers(each) for each in ("postgresql", "sqlite")}


async def number(connection: AsyncConnection, uri_without_domain: str, uri_domain: str) -> int | None:
    """Give the number of a room to come, or None where its address is used.

    What is always there is dialled by its name under every domain.
    """
    asked = {"user": uri_without_domain, "domain": uri_domain, "small": uri_without_domain.lower()}
    following, taken = (await connection.execute(_NUMBERS[connection.dialect.name], asked)).one()
    return None if taken else following


def add(together: Together, room: SchedulingInfo, organisation: Organisation, by: str | None, now: datetime) -> None:
    """Add a room under its number, with the first entry of its history; once written, an address may be taken."""
    together.add(table, values(room) | {"id": room.id, "organisation_id": organisation.id})
    together.add(room_history, _entry(room, by, now))


async def change(connection: AsyncConnection, room: SchedulingInfo, organisation: Organisation | None = None) -> None:
    """Write every field of a room, also its organisation where that has changed."""
    written = values(room) | ({"organisation_id": organisation.id} if organisation else {})
    await connection.execute(_CHANGE, written | {"number": room.id})


async def remove(connection: AsyncConnection, number: int) -> None:
    """Remove a room and its history."""
    await connection.execute(delete(room_history).where(room_history.c.room_id == number))
    await connection.execute(delete(table).where(table.c.id == number))


async def note(connection: AsyncConnection, room: SchedulingInfo, by: str | None, now: datetime) -> None:
    """Write down that a room has come into its state."""
    await connection.execute(_NOTE, _entry(room, by, now))


def _entry(room: SchedulingInfo, by: str | None, now: datetime) -> dict[str, Any]:
    return {
        "room_id": room.id,
        "status": int(room.status),
        "description": room.status_description,
        "by": by,
        "time": now,
    }


async def addresses(connection: AsyncConnection, prefix: str, uri_domain: str) -> set[str]:
    """List the used addresses of a domain that begin with `prefix`, without the domain."""
    column = table.c.uri_without_domain
    statement = select(column).where(table.c.uri_domain == uri_domain, column.startswith(prefix, autoescape=True))
    small = prefix.lower()
    standing = [
        select(literal(prefix) + func.substr(each, len(prefix) + 1)).where(each.startswith(small, autoescape=True))
        for each in (aliases.c.alias, system_table.c.alias)
    ]
    return set((await connection.execute(union_all(statement, *standing))).scalars())


async def by_uuid(connection: AsyncConnection, uuid: UUID, *, lock: bool = False) -> SchedulingInfo | None:
    """Find a room by its meeting's or its own uuid; with `lock` nobody else changes it until the transaction ends."""
    found = await _read(connection, _BY_UUID_LOCKED if lock else _BY_UUID, {"uuid": uuid})
    return found[0] if found else None


async def by_id(connection: AsyncConnection, number: int, *, lock: bool = False) -> SchedulingInfo | None:
    """Find a room by the store's number."""
    found = await _read(connection, _BY_ID_LOCKED if lock else _BY_ID, {"number": number})
    return found[0] if found else None


async def by_reservation(
    connection: AsyncConnection, reservation: UUID, *, lock: bool = False
) -> SchedulingInfo | None:
    """Find a reserved room that no meeting has taken yet."""
    statement = _select(table.c.reservation_id == reservation, table.c.meeting_uuid.is_(None))
    found = await _read(connection, statement.with_for_update(of=table) if lock else statement)
    return found[0] if found else None


async def of_organisation(connection: AsyncConnection, organisation: Organisation) -> list[SchedulingInfo]:
    """List the rooms of an organisation's meetings, by their start; the room itself may be of another's pool."""
    return await _read(
        connection, _select(meetings.c.organisation_id == organisation.id).order_by(meetings.c.start_time)
    )


async def to_come(connection: AsyncConnection, organisation: Organisation, now: datetime) -> list[SchedulingInfo]:
    """List the rooms of an organisation's meetings that are not over."""
    return await _read(connection, _select(meetings.c.organisation_id == organisation.id, meetings.c.end_time > now))


async def between(
    connection: AsyncConnection,
    codes: Sequence[str] | None,
    period: tuple[datetime, datetime],
    status: ProvisionStatus,
) -> list[SchedulingInfo]:
    """List rooms of meetings in `status` that open or end within `period`; `codes` None: of every organisation."""
    begin, end = period
    conditions = [
        table.c.status == int(status),
        table.c.meeting_uuid.is_not(None),
        or_(
            and_(table.c.opens_time > begin, table.c.opens_time < end),
            and_(table.c.end_time > begin, table.c.end_time < end),
        ),
    ]
    if codes is not None:
        conditions.append(organisations.c.code.in_(codes))
    return await _read(connection, _select(*conditions).order_by(table.c.id))


async def after(connection: AsyncConnection, number: int, most: int) -> list[SchedulingInfo]:
    """List at most `most` rooms with higher numbers, in their order."""
    return await _read(connection, _select(table.c.id > number).order_by(table.c.id).limit(most))


@dataclass(frozen=True, slots=True)
class Provisioner:
    """Whose rooms a provisioner sees: those of `outside` organisations, or with `ours` of all others.

    `outside` None: every organisation's are outside. `covered`: of these only, None for no such limit.
    """

    outside: tuple[str, ...] | None
    ours: bool = False
    covered: tuple[str, ...] | None = None

    def condition(self) -> ColumnElement[bool]:
        """Give it as a condition on rooms."""
        if self.covered is None:
            return self._whose()
        return and_(self._whose(), organisations.c.code.in_(self.covered))

    def _whose(self) -> ColumnElement[bool]:
        if self.outside is None:
            return false() if self.ours else true()
        outside = organisations.c.code.in_(self.outside)
        return not_(outside) if self.ours else outside


async def to_provision(connection: AsyncConnection, who: Provisioner, now: datetime) -> list[SchedulingInfo]:
    """List the rooms of meetings that must be made now."""
    due = table.c.opens_time <= now, table.c.end_time >= now
    awaiting = table.c.status == int(ProvisionStatus.AWAITS_PROVISION)
    return await _read(connection, _select(awaiting, *due, who.condition()).order_by(table.c.opens_time))


async def to_deprovision(connection: AsyncConnection, who: Provisioner, now: datetime) -> list[SchedulingInfo]:
    """List the rooms of meetings that must be removed now."""
    there = table.c.status == int(ProvisionStatus.PROVISIONED_OK)
    conditions = there, table.c.end_time < now, who.condition()
    return await _read(connection, _select(*conditions).order_by(table.c.end_time))


async def in_status(
    connection: AsyncConnection, who: Provisioner, *statuses: ProvisionStatus, pooled: bool | None = None, most: int
) -> list[SchedulingInfo]:
    """List at most `most` rooms in these states; `pooled`: only those without, or only with, a meeting."""
    conditions = [table.c.status.in_([int(each) for each in statuses]), who.condition()]
    if pooled is not None:
        conditions.append(table.c.meeting_uuid.is_(None) if pooled else table.c.meeting_uuid.is_not(None))
    return await _read(connection, _select(*conditions).order_by(table.c.id).limit(most))


_UNLOCKED = (
    _select(
        table.c.organisation_id == bindparam("owner"),
        table.c.meeting_uuid.is_(None),
        table.c.reservation_id.is_(None),
        table.c.status == int(ProvisionStatus.PROVISIONED_OK),
        table.c.provision_timestamp < bindparam("before"),
    )
    .order_by(table.c.provision_timestamp)
    .limit(1)
)
_FREE, _FREE_LOOKED_PAST = (_UNLOCKED.with_for_update(of=table, skip_locked=each) for each in (False, True))


async def pick(
    connection: AsyncConnection, organisation: Organisation, wishes: Wishes, before: datetime, *, skip_locked: bool
) -> SchedulingInfo | None:
    """Take hold of a free room of an organisation's pool, made before `before`, that has every setting wished for.

    Two who pick at once get two rooms: the row is locked, and with `skip_locked` others look past it.
    """
    statement = _FREE_LOOKED_PAST if skip_locked else _FREE
    if named := wishes.named():
        statement = statement.where(*(table.c[name] == value for name, value in named.items()))
    found = await _read(connection, statement, {"owner": organisation.id, "before": before})
    return found[0] if found else None


async def free(connection: AsyncConnection, codes: Sequence[str]) -> list[SchedulingInfo]:
    """List the rooms of pools that are neither taken nor reserved nor gone; those still to be made are among them."""
    gone = [int(ProvisionStatus.DEPROVISION_OK), int(ProvisionStatus.STARTING_TO_DEPROVISION)]
    statement = _select(
        organisations.c.code.in_(codes),
        table.c.meeting_uuid.is_(None),
        table.c.reservation_id.is_(None),
        table.c.status.not_in(gone),
    )
    return await _read(connection, statement.order_by(table.c.id))


def values(room: SchedulingInfo) -> dict[str, Any]:
    """Write a room, without its id and organisation."""
    meeting = room.meeting
    held = {"held_uri": room.uri_without_domain} if room.uri_without_domain is not None else {}
    return (
        rows.room_values(room)
        | held
        | {
            "meeting_uuid": meeting.uuid if meeting else None,
            "opens_time": opens(meeting, room.vmr_available_before) if meeting else None,
            "end_time": meeting.end_time if meeting else None,
        }
    )


async def _read(
    connection: AsyncConnection, statement: Select[Any], asked: Mapping[str, object] | None = None
) -> list[SchedulingInfo]:
    found = list((await connection.execute(statement, asked)).mappings())
    uuids = [row["meeting_uuid"] for row in found if row["meeting_uuid"] is not None]
    labelled = await meeting_statements.labels_of(connection, uuids)
    return [rows.room(row, _meeting(row, labelled)) for row in found]


def _meeting(row: rows.Row, labelled: dict[UUID, tuple[str, ...]]) -> Meeting | None:
    uuid = row[_MEETING + "uuid"]
    return None if uuid is None else rows.meeting(row, labelled.get(uuid, ()), prefix=_MEETING)
