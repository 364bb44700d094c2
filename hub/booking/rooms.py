"""Rooms: made from a template, picked from a pool, reserved, reported by whoever provisions them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import agreements, events
from hub.booking.office import Office, actor, named
from hub.domain import lifecycle, numbers, portal
from hub.domain.booking import Booking, Wishes
from hub.domain.model import Caller, Meeting, Organisation, SchedulingInfo, Template
from hub.domain.words import ProvisionStatus, Role
from hub.errors import Code, ForbiddenError, UnknownError, refuse
from hub.store import organisations, rooms, templates
from hub.store.tables import outbox
from hub.store.together import Together

ADDRESS = "uq_scheduling_infos_uri_without_domain_uri_domain"
AGAIN = frozenset({ADDRESS})
"""The constraint that another address, chosen anew, satisfies."""


async def make(
    together: Together,
    office: Office,
    organisation: Organisation,
    template: Template,
    booking: Booking,
    meeting: Meeting,
) -> SchedulingInfo:
    """Make the room of a meeting, which is written with what else is to be written `together`.

    Raises `ConflictError` or `InputError` where address or PIN cannot be assigned.
    """
    host, guest = _pins(template, booking, office)
    own_end = booking.end_meeting_on_end_time
    room = replace(
        _blank(office, organisation, template),
        uuid=meeting.uuid,
        host_pin=host,
        guest_pin=guest,
        max_participants=booking.max_participants or template.max_participants,
        end_meeting_on_end_time=template.end_meeting_on_end_time if own_end is None else own_end,
        settings=booking.wishes.over(template.settings),
        direct_media=booking.direct_media or template.direct_media,
        call_type=template.call_type if booking.call_type is None else booking.call_type,
        created_by=meeting.created_by,
        meeting=meeting,
    )
    room = await _addressed(together.connection, office, organisation, template, room, booking.uri_without_domain)
    _add(together, office, organisation, room)
    return room


async def make_for_pool(
    connection: AsyncConnection, office: Office, organisation: Organisation, template: Template, caller: Caller | None
) -> SchedulingInfo:
    """Make a room without a meeting for an organisation's pool; raises `InputError` where it has none."""
    if not organisation.pool_size:
        raise refuse(Code.NOT_POOL_ORGANISATION, organisation.code)
    host, guest = numbers.pins(template, office.random)
    room = replace(
        _blank(office, organisation, template),
        host_pin=host,
        guest_pin=guest,
        pool=True,
        created_by=actor(caller) if caller else None,
    )
    room = await _addressed(connection, office, organisation, template, room, None)
    together = Together(connection)
    _add(together, office, organisation, room)
    await together.write()
    return room


async def make_on_request(
    connection: AsyncConnection, office: Office, code: str, template_id: int, caller: Caller
) -> SchedulingInfo:
    """Make one pool room of a template that the request names."""
    organisation = await named(connection, code)
    await agreements.check(connection, office, caller, code)
    template = await templates.by_id(connection, template_id)
    if template is None:
        raise refuse(Code.NO_TEMPLATE, template_id)
    if template.organisation not in {None, organisation.code}:
        raise refuse(Code.FOREIGN_TEMPLATE, template_id, code)
    room = await make_for_pool(connection, office, organisation, template, caller)
    await events.audit(connection, "create", room, caller, office.now())
    return room


@dataclass(frozen=True, slots=True)
class Picked:
    """A room out of a pool, held by this transaction; `overflow`: another organisation's pool had to serve."""

    room: SchedulingInfo
    overflow: bool = False


async def pick(
    connection: AsyncConnection, office: Office, organisation: Organisation, wishes: Wishes
) -> tuple[Picked | None, Organisation | None]:
    """Pick a free room that fits from the pool of the organisation or the nearest above, else from the overflow pool.

    Gives also whose pool was asked: None where neither the organisation nor one above has any.
    """
    owner = await pool_organisation(connection, organisation)
    if owner is None:
        return None, None
    before = office.now() - timedelta(seconds=office.settings.pools.minimum_age_seconds)
    room = await rooms.pick(connection, owner, wishes, before, skip_locked=True)
    if room is not None:
        return Picked(room), owner
    other = office.settings.pools.overflow
    overflow = await organisations.by_code(connection, other) if other else None
    if overflow is not None and overflow.id != owner.id:
        room = await rooms.pick(connection, overflow, wishes, before, skip_locked=True)
        if room is not None:
            return Picked(room, overflow=True), owner
    return None, owner


async def pool_organisation(connection: AsyncConnection, organisation: Organisation) -> Organisation | None:
    """Find whose pool serves an organisation: its own, or that of the nearest above."""
    if organisation.pool_size:
        return organisation
    above = await organisations.ancestors(connection, organisation)
    return next((each for each in above if each.pool_size), None)


async def attach(
    connection: AsyncConnection, office: Office, picked: Picked, owner: Organisation, meeting: Meeting, booking: Booking
) -> SchedulingInfo:
    """Give a room that is there to a meeting; from now on it goes by the meeting's uuid."""
    own_end = booking.end_meeting_on_end_time
    room = replace(
        picked.room,
        uuid=meeting.uuid,
        organisation=owner.code,
        meeting=meeting,
        pool_overflow=picked.overflow,
        end_meeting_on_end_time=picked.room.end_meeting_on_end_time if own_end is None else own_end,
        return_url=picked.room.return_url,
        updated_by=meeting.created_by,
        updated_time=office.now(),
    )
    room = linked(office, room)
    await rooms.change(connection, room, owner)
    await events.room(connection, "UPDATE", room, office.now())
    return room


async def reserve(
    connection: AsyncConnection, office: Office, organisation: Organisation, caller: Caller, wishes: Wishes
) -> SchedulingInfo:
    """Reserve a free room of the organisation's own pool for a meeting that is booked later."""
    before = office.now() - timedelta(seconds=office.settings.pools.minimum_age_seconds)
    found = await rooms.pick(connection, organisation, wishes, before, skip_locked=True)
    if found is None:
        raise UnknownError(Code.POOL_EMPTY.sentence.format(organisation.code))
    now = office.now()
    room = replace(found, reservation_id=office.new_uuid(), updated_by=actor(caller), updated_time=now)
    await rooms.change(connection, room)
    await events.audit(connection, "update", room, caller, now)
    return room


async def reserved(
    connection: AsyncConnection, organisation: Organisation, reservation: UUID, *, lock: bool = False
) -> SchedulingInfo | None:
    """Find the room of a reservation that is the organisation's and not yet used."""
    room = await rooms.by_reservation(connection, reservation, lock=lock)
    return room if room is not None and room.organisation == organisation.code else None


async def report(
    connection: AsyncConnection,
    office: Office,
    caller: Caller,
    uuid: UUID,
    status: ProvisionStatus,
    description: str | None,
    vmr_id: str | None,
) -> SchedulingInfo:
    """Take what a provisioner says of a room; raises `UnknownError`, `ConflictError` for a state that cannot follow.

    When the room is gone its address is given back.
    """
    room = await rooms.by_uuid(connection, uuid, lock=True)
    if room is None:
        raise UnknownError(f"scheduling info {uuid} was not found")
    if not caller.has(Role.PROVISIONER_USER):
        raise ForbiddenError("only provisioners report on rooms")
    await agreements.check(connection, office, caller, room.organisation)
    return await reported(connection, office, caller, room, status, description, vmr_id)


async def reported(
    connection: AsyncConnection,
    office: Office,
    caller: Caller,
    room: SchedulingInfo,
    status: ProvisionStatus,
    description: str | None,
    vmr_id: str | None,
) -> SchedulingInfo:
    """Write down what became of a room that this transaction holds; raises `ConflictError`."""
    lifecycle.report(room, status)
    now = office.now()
    gone = status is ProvisionStatus.DEPROVISION_OK
    room = replace(
        room,
        status=status,
        status_description=description,
        provision_vmr_id=room.provision_vmr_id if vmr_id is None else vmr_id,
        provision_timestamp=now,
        uri_without_domain=None if gone else room.uri_without_domain,
        uri_domain=None if gone else room.uri_domain,
        updated_by=actor(caller),
        updated_time=now,
    )
    await rooms.change(connection, room)
    await rooms.note(connection, room, caller.email, now)
    await events.audit(connection, "update", room, caller, now)
    return room


def linked(office: Office, room: SchedulingInfo) -> SchedulingInfo:
    """Give the room with the portal link that its address, PINs and meeting make."""
    link = portal.portal_link(office.settings.portal_link, room, room.meeting, office.zone)
    return replace(room, portal_link=link)


def _blank(office: Office, organisation: Organisation, template: Template) -> SchedulingInfo:
    return SchedulingInfo(
        id=0,
        uuid=office.new_uuid(),
        organisation=organisation.code,
        uri_without_domain=None,
        uri_domain=template.uri_domain,
        created_time=office.now(),
        vmr_available_before=template.vmr_available_before,
        max_participants=template.max_participants,
        end_meeting_on_end_time=template.end_meeting_on_end_time,
        ivr_theme=template.ivr_theme,
        settings=template.settings,
        direct_media=template.direct_media,
        call_type=template.call_type,
        custom_portal_guest=template.custom_portal_guest,
        custom_portal_host=template.custom_portal_host,
        return_url=template.return_url,
        template_id=template.id,
    )


def _pins(template: Template, booking: Booking, office: Office) -> tuple[int | None, int | None]:
    if booking.host_pin is not None and booking.guest_pin is not None:
        return booking.host_pin, booking.guest_pin
    if booking.host_pin is not None:
        template = replace(template, host_pin_required=False)
    if booking.guest_pin is not None:
        template = replace(template, guest_pin_required=False)
    host, guest = numbers.pins(template, office.random)
    return booking.host_pin if host is None else host, booking.guest_pin if guest is None else guest


async def _addressed(
    connection: AsyncConnection,
    office: Office,
    organisation: Organisation,
    template: Template,
    room: SchedulingInfo,
    custom: str | None,
) -> SchedulingInfo:
    """Give a room its address and number: the client's choice, one by chance, or one of those that are left."""

    async def at(address: str) -> SchedulingInfo | None:
        number = await rooms.number(connection, address, template.uri_domain)
        return None if number is None else linked(office, replace(room, id=number, uri_without_domain=address))

    if custom is not None:
        numbers.check_custom(custom, allowed=organisation.allow_custom_uri_without_domain)
        if (made := await at(custom)) is None:
            raise refuse(Code.ADDRESS_TAKEN)
        return made
    for _ in range(numbers.ADDRESS_TRIES):
        if (made := await at(numbers.address(template, office.random))) is not None:
            return made
    used = await rooms.addresses(connection, template.uri_prefix, template.uri_domain)
    left = numbers.free_address(template, used, office.random)
    if left is None or (made := await at(left)) is None:
        raise refuse(Code.ADDRESS_FULL)
    return made


def _add(together: Together, office: Office, organisation: Organisation, room: SchedulingInfo) -> None:
    now = office.now()
    rooms.add(together, room, organisation, room.created_by.email if room.created_by else None, now)
    together.add(outbox, events.of_room("CREATE", room, now))
