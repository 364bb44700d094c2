"""Scheduling templates: found for a meeting, and kept by the administrators of an organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import events
from hub.booking.office import Office, actor
from hub.domain.classes import Level, inherited
from hub.domain.model import Caller, NumberRange, Organisation, Template, VmrSettings
from hub.errors import Code, ForbiddenError, UnknownError, refuse
from hub.settings import DefaultTemplate
from hub.store import templates


async def choose(connection: AsyncConnection, office: Office, levels: Sequence[Level], wanted: int | None) -> Template:
    """Find the template of a meeting; `levels`: its organisation and all above.

    The one that is wanted if it is the organisation's own; its default; that of the nearest organisation above, unless
    it is stopped from inheriting; the shared one; and where there is none at all, one is made from the settings and
    shared from then on.
    """
    if wanted is not None:
        found = await templates.by_id(connection, wanted)
        if found is not None and found.organisation == levels[0].organisation.code:
            return found
    defaults = await templates.defaults(connection, [each.organisation for each in inherited(levels)])
    if defaults:
        return defaults[0]
    return await templates.add(
        connection, _from_settings(office.settings.default_template, office.now()), organisation=None
    )


async def own(connection: AsyncConnection, organisation: Organisation, number: int) -> Template:
    """Find a template of the organisation; raises `UnknownError`, `ForbiddenError` for somebody else's."""
    found = await templates.by_id(connection, number)
    if found is None:
        raise UnknownError(Code.NO_TEMPLATE.sentence.format(number))
    if found.organisation != organisation.code:
        raise ForbiddenError(Code.FOREIGN_TEMPLATE.sentence.format(number, organisation.code))
    return found


async def add(
    connection: AsyncConnection, office: Office, organisation: Organisation, caller: Caller, wanted: Template
) -> Template:
    """Add a template of the organisation."""
    await _check_pool(connection, organisation, wanted)
    made = replace(wanted, organisation=organisation.code, created_by=actor(caller), created_time=office.now())
    made = await templates.add(connection, made, organisation)
    await _note(connection, office, caller, "create", made)
    return made


async def change(
    connection: AsyncConnection, office: Office, organisation: Organisation, caller: Caller, wanted: Template
) -> Template:
    """Write every field of the template `wanted.id`; rooms that were made from it stay as they are."""
    before = await own(connection, organisation, wanted.id)
    await _check_pool(connection, organisation, wanted)
    changed = replace(
        wanted,
        organisation=before.organisation,
        created_by=before.created_by,
        created_time=before.created_time,
        updated_by=actor(caller),
        updated_time=office.now(),
    )
    await templates.change(connection, changed, organisation)
    await _note(connection, office, caller, "update", changed)
    return changed


async def delete(
    connection: AsyncConnection, office: Office, organisation: Organisation, caller: Caller, number: int
) -> None:
    """Delete a template; rooms that were made from it stay."""
    found = await own(connection, organisation, number)
    await templates.delete(connection, found, office.now())
    await _note(connection, office, caller, "delete", found)


async def _note(
    connection: AsyncConnection, office: Office, caller: Caller, operation: events.Operation, template: Template
) -> None:
    entry = events.Entry(operation, "schedulingTemplate", str(template.id), template.organisation)
    await events.note(connection, entry, caller, office.now())


async def _check_pool(connection: AsyncConnection, organisation: Organisation, wanted: Template) -> None:
    if wanted.is_pool_template:
        other = await templates.pool(connection, organisation)
        if other is not None and other.id != wanted.id:
            raise refuse(Code.POOL_TEMPLATE)


def _from_settings(default: DefaultTemplate, now: datetime) -> Template:
    return Template(
        id=0,
        organisation=None,
        conferencing_sys_id=default.conferencing_sys_id,
        uri_prefix=default.uri_prefix,
        uri_domain=default.uri_domain,
        uri_numbers=NumberRange(default.uri_number_low, default.uri_number_high),
        host_pin_required=default.host_pin_required,
        host_pins=NumberRange(default.host_pin_low, default.host_pin_high),
        guest_pin_required=default.guest_pin_required,
        guest_pins=NumberRange(default.guest_pin_low, default.guest_pin_high),
        created_time=now,
        vmr_available_before=default.vmr_available_before,
        max_participants=default.max_participants,
        end_meeting_on_end_time=default.end_meeting_on_end_time,
        ivr_theme=default.ivr_theme,
        is_default_template=True,
        settings=VmrSettings(
            vmr_type=default.vmr_type,
            host_view=default.host_view,
            guest_view=default.guest_view,
            vmr_quality=default.vmr_quality,
        ),
        direct_media=default.direct_media,
        call_type=default.call_type,
    )
