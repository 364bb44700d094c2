"""Meetings: made with their room, changed as far as the room's state lets them, deleted before it is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import agreements, classes, events, notices, rooms, templates, trials
from hub.booking import office as office_work
from hub.booking.office import Office, actor, home
from hub.domain import access, booking, citizens, lifecycle, numbers
from hub.domain import trials as trial_rules
from hub.domain.booking import Booking, PoolRoom, ReservedRoom
from hub.domain.lifecycle import Changes
from hub.domain.model import Actor, Caller, Meeting, Organisation, SchedulingInfo, Template
from hub.errors import Code, UnknownError, refuse
from hub.store import classes as class_store
from hub.store import meetings as store
from hub.store import organisations
from hub.store import rooms as room_store
from hub.store.database import Database, TakenError
from hub.store.tables import outbox
from hub.store.together import Together

UNIQUE = {
    "pk_meetings": Code.SHORT_ID,  # the uuid: clients know this code for every identifier that is not new
    "uq_scheduling_infos_uuid": Code.SHORT_ID,
    "uq_meetings_organisation_id_external_id": Code.EXTERNAL_ID,
}
"""What a client is told of a value that is there already, by the constraint it meets."""

AGAIN = rooms.AGAIN | {"uq_meetings_short_id"}
"""Constraints that another choice by chance satisfies: the whole transaction is sent again."""


async def create(database: Database, office: Office, caller: Caller, wanted: Booking) -> Meeting:
    """Make a meeting and see to its room; raises a `HubError` with the code that says why not."""
    try:
        return await database.retry(lambda connection: _create(connection, office, caller, wanted), AGAIN)
    except TakenError as taken:
        if taken.constraint == rooms.ADDRESS:
            code = Code.ADDRESS_FULL if wanted.uri_without_domain is None else Code.ADDRESS_TAKEN
            raise refuse(code) from taken
        raise refuse(UNIQUE.get(taken.constraint, Code.SHORT_ID)) from taken


async def _create(connection: AsyncConnection, office: Office, caller: Caller, wanted: Booking) -> Meeting:
    levels = await office_work.levels(connection, caller)
    organisation = levels[0].organisation
    booking.check_information(wanted.additional_information)
    _check_text(office, wanted, FREE_TEXT)
    now = office.now()
    choice = booking.choose(wanted, now)
    by = actor(caller)
    in_others_name = wanted.organized_by is not None and caller.has(*access.ORGANISERS)
    meeting = Meeting(
        uuid=wanted.uuid or office.new_uuid(),
        organisation=organisation.code,
        subject=wanted.subject,
        start_time=wanted.start_time,
        end_time=wanted.end_time,
        short_id=numbers.short_id(office.new_uuid()),
        created_by=by,
        organized_by=Actor(organisation.code, wanted.organized_by) if in_others_name else by,
        created_time=now,
        description=wanted.description,
        project_code=wanted.project_code,
        external_id=wanted.external_id,
        guest_microphone=wanted.guest_microphone,
        guest_pin_required=wanted.guest_pin_required,
        labels=wanted.labels,
        additional_information=wanted.additional_information,
    )
    await trials.check(connection, levels, meeting.start_time, now)
    template = await templates.choose(connection, office, levels, wanted.template_id)
    found = classes.of(office, levels, template, classes.marks(meeting))
    meeting = replace(meeting, use=found.use, field=found.field)
    together = Together(connection)
    store.add(together, meeting, organisation)
    await _house(together, office, organisation, meeting, wanted, choice, template)
    together.add(outbox, events.of_audit("create", meeting, caller, now))
    await together.write()
    return meeting


FREE_TEXT = {
    "subject": "subject",
    "description": "description",
    "project_code": "projectCode",
    "labels": "labels",
    "additional_information": "additionalInformation",
}
"""Fields in which people write what they like, and their names on the wire."""


def _check_text(office: Office, wanted: Booking | Meeting, changed: Iterable[str]) -> None:
    if office.settings.personal.refuse_personal_numbers:
        citizens.check({FREE_TEXT[name]: getattr(wanted, name) for name in FREE_TEXT.keys() & changed})


async def _house(
    together: Together,
    office: Office,
    organisation: Organisation,
    meeting: Meeting,
    wanted: Booking,
    choice: booking.OwnRoom | ReservedRoom | PoolRoom,
    template: Template,
) -> SchedulingInfo:
    connection = together.connection
    if isinstance(choice, ReservedRoom):
        room = await rooms.reserved(connection, organisation, choice.reservation, lock=True)
        if room is None:
            raise refuse(Code.RESERVATION)
        await together.write()  # the room refers to the meeting
        return await rooms.attach(connection, office, rooms.Picked(room), organisation, meeting, wanted)
    if isinstance(choice, PoolRoom):
        picked, owner = await rooms.pick(connection, office, organisation, wanted.wishes)
        if picked is not None and owner is not None:
            await together.write()
            return await rooms.attach(connection, office, picked, owner, meeting, wanted)
        if choice.required:
            raise refuse(Code.NO_POOL if owner is None else Code.POOL_EMPTY, organisation.code)
    return await rooms.make(together, office, organisation, template, wanted, meeting)


@dataclass(frozen=True, slots=True)
class Change:
    """What a client wants changed: fields by name, those that are missing stay as they are.

    Names are those of `Meeting` and `SchedulingInfo`; `organized_by` is a mail address.
    """

    fields: dict[str, Any]

    def part(self, *names: str) -> dict[str, Any]:
        """Give those of `names` that are to be changed."""
        return {name: self.fields[name] for name in names if name in self.fields}


ALWAYS = ("end_time", "labels", "guest_microphone", "guest_pin_required", "additional_information")
OF_MEETING = (*ALWAYS, "subject", "start_time", "description", "project_code")
TELLING = ("labels", "project_code", "additional_information", "start_time")
"""What may tell another class than before, or bring a meeting beyond the end of a trial."""
OF_ROOM = ("guest_pin", "host_pin", "call_type")


async def change(connection: AsyncConnection, office: Office, caller: Caller, uuid: UUID, wanted: Change) -> Meeting:
    """Change a meeting as far as the state of its room allows; what it does not allow is left as it is.

    Raises `UnknownError`, `ForbiddenError`, `ConflictError` (code 12) where nothing can be changed any more.
    """
    meeting = await own(connection, caller, uuid, lock=True)
    room = await room_store.by_uuid(connection, uuid, lock=True)
    if room is None:
        raise UnknownError(f"the meeting {uuid} has no room")
    owner = await organisations.by_code(connection, room.organisation)
    allowed = lifecycle.changes(room, pooled=bool(owner and owner.pool_size))
    booking.check_information(wanted.fields.get("additional_information", ()))
    now = office.now()
    fields = wanted.part(*(ALWAYS if allowed is Changes.END else OF_MEETING))
    if allowed is not Changes.END and "organized_by" in wanted.fields:
        organiser = wanted.fields["organized_by"] if caller.has(*access.ORGANISERS) else None
        fields["organized_by"] = Actor(meeting.organisation, organiser or caller.email)
    before, meeting = meeting, replace(meeting, **fields, updated_by=actor(caller), updated_time=now)
    _check_text(office, meeting, fields)
    if not fields.keys().isdisjoint(TELLING):
        meeting = await _classified(connection, office, before, meeting, room)
    await store.change(connection, meeting, relabel="labels" in fields)
    room = replace(room, **(wanted.part(*OF_ROOM) if allowed is Changes.ALL else {}), meeting=meeting)
    if allowed is Changes.ALL:
        room = rooms.linked(office, room)
    room = replace(room, updated_by=actor(caller), updated_time=now)
    await room_store.change(connection, room)
    await events.room(connection, "UPDATE", room, now)
    await events.audit(connection, "update", meeting, caller, now)
    await notices.changed(connection, office, before, meeting, room)
    return meeting


async def _classified(
    connection: AsyncConnection, office: Office, before: Meeting, meeting: Meeting, room: SchedulingInfo
) -> Meeting:
    levels = await class_store.levels(connection, meeting.organisation)
    trial = trial_rules.of(levels)
    if trial is not None and meeting.start_time != before.start_time:
        trial_rules.check_start(trial, meeting.start_time)
    template = await templates.choose(connection, office, levels, room.template_id)
    found = classes.of(office, levels, template, classes.marks(meeting))
    return replace(meeting, use=found.use, field=found.field)


async def delete(connection: AsyncConnection, office: Office, caller: Caller, uuid: UUID) -> None:
    """Delete a meeting and its room; raises `ConflictError` (code 13) once somebody works on the room."""
    meeting = await own(connection, caller, uuid, lock=True)
    room = await room_store.by_uuid(connection, uuid, lock=True)
    if room is not None:
        lifecycle.check_deletable(room)
        await notices.cancelled(connection, office, meeting, room)
        await room_store.remove(connection, room.id)
        await events.room(connection, "DELETE", room, office.now())
    await store.remove(connection, uuid)
    await events.audit(connection, "delete", meeting, caller, office.now())


async def own(connection: AsyncConnection, caller: Caller, uuid: UUID, *, lock: bool = False) -> Meeting:
    """Find a meeting that the caller may touch; raises `UnknownError`, `ForbiddenError`."""
    await home(connection, caller)
    meeting = await store.by_uuid(connection, uuid, lock=lock)
    if meeting is None:
        raise UnknownError(f"meeting {uuid} was not found")
    access.check_meeting(caller, meeting)
    return meeting


@dataclass(frozen=True, slots=True)
class Query:
    """What meetings are searched by; the first that is given decides, in this order."""

    short_id: str | None = None
    label: str | None = None
    subject: str | None = None
    organized_by: str | None = None
    search: str | None = None
    begin: datetime | None = None
    end: datetime | None = None
    address: str | None = None


async def sight_by_address(connection: AsyncConnection, office: Office, caller: Caller) -> access.Sight:
    """Give what a search by dialled address shows: to a provisioner what its agreements cover."""
    sight = access.meetings_by_address(caller)
    if sight.organisation is not None:
        return sight
    covered = await agreements.covered(connection, office, caller)
    return sight if covered is None else replace(sight, covered=tuple(covered))


async def search(connection: AsyncConnection, office: Office, caller: Caller, query: Query) -> list[Meeting]:
    """List the meetings a query finds among those the caller may see; raises `InputError` for half or no queries."""
    await home(connection, caller)
    sight = access.meetings(caller)
    if query.short_id is not None:
        return [await _by_short_id(connection, caller, query.short_id)]
    if query.label is not None:
        return await store.by_label(connection, sight, query.label)
    if query.subject is not None:
        return await store.by_subject(connection, sight, query.subject)
    if query.organized_by is not None:
        return await store.by_organiser(connection, sight, query.organized_by)
    if (query.begin is None) != (query.end is None):
        raise refuse(Code.HALF_PERIOD)
    period = (query.begin, query.end) if query.begin is not None and query.end is not None else None
    if query.search is not None:
        return await store.search(connection, sight, query.search, period)
    if period is not None:
        return await store.between(connection, sight, *period)
    if query.address is not None:
        return await store.by_address(connection, await sight_by_address(connection, office, caller), query.address)
    raise refuse(Code.NO_QUERY)


async def _by_short_id(connection: AsyncConnection, caller: Caller, short_id: str) -> Meeting:
    meeting = await store.by_short_id(connection, short_id)
    if meeting is None:
        raise UnknownError(f"no meeting has the short id {short_id}")
    if access.meetings_by_short_id(caller).organisation is not None:
        access.check_meeting(caller, meeting)
    return meeting
