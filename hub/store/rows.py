"""Rows to objects of the domain and back; nothing else knows how they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import RowMapping

from hub.domain.model import (
    Actor,
    Meeting,
    NumberRange,
    Organisation,
    SchedulingInfo,
    Template,
    VmrSettings,
)
from hub.domain.words import (
    DirectMedia,
    Field,
    GuestMicrophone,
    Kind,
    ProvisionStatus,
    Quality,
    Use,
    View,
    VmrType,
)

Row = Mapping[str, Any] | RowMapping

ROOM_RULES = (
    "vmr_available_before",
    "max_participants",
    "end_meeting_on_end_time",
    "ivr_theme",
    "custom_portal_guest",
    "custom_portal_host",
    "return_url",
    "call_type",
)
"""Columns that templates and rooms share, besides the settings."""


ORGANISATION, SETTINGS = (tuple(each.name for each in fields(kind)) for kind in (Organisation, VmrSettings))
"""Columns that are spelt as the fields of these."""


def organisation(row: Row) -> Organisation:
    """Read an organisation."""
    values = {name: row[name] for name in ORGANISATION}
    values["kind"] = Kind(row["kind"])
    values["use"] = Use(row["use"]) if row["use"] else None
    values["field"] = Field(row["field"]) if row["field"] else None
    return Organisation(**values)


def settings(row: Row) -> VmrSettings:
    """Read how a room behaves."""
    return VmrSettings(
        VmrType(row["vmr_type"]),
        View(row["host_view"]),
        View(row["guest_view"]),
        Quality(row["vmr_quality"]),
        row["enable_overlay_text"],
        row["guests_can_present"],
        row["force_presenter_into_main"],
        row["force_encryption"],
        row["mute_all_guests"],
    )


def settings_values(settings: VmrSettings) -> dict[str, Any]:
    """Write how a room behaves."""
    return {name: getattr(settings, name) for name in SETTINGS}


def template(row: Row) -> Template:
    """Read a template; `organisation` is the column of its organisation's code."""
    return Template(
        id=row["id"],
        organisation=row["organisation"],
        conferencing_sys_id=row["conferencing_sys_id"],
        uri_prefix=row["uri_prefix"],
        uri_domain=row["uri_domain"],
        uri_numbers=NumberRange(row["uri_number_low"], row["uri_number_high"]),
        host_pin_required=row["host_pin_required"],
        host_pins=NumberRange(row["host_pin_low"], row["host_pin_high"]),
        guest_pin_required=row["guest_pin_required"],
        guest_pins=NumberRange(row["guest_pin_low"], row["guest_pin_high"]),
        is_default_template=row["is_default_template"],
        is_pool_template=row["is_pool_template"],
        settings=settings(row),
        direct_media=DirectMedia(row["direct_media"]),
        use=Use(row["use"]) if row["use"] else None,
        field=Field(row["field"]) if row["field"] else None,
        **{name: row[name] for name in ROOM_RULES},
        **_who_and_when(row),
    )


def template_values(template: Template) -> dict[str, Any]:
    """Write a template, without its id and organisation."""
    return {
        "conferencing_sys_id": template.conferencing_sys_id,
        "uri_prefix": template.uri_prefix,
        "uri_domain": template.uri_domain,
        "uri_number_low": template.uri_numbers.low,
        "uri_number_high": template.uri_numbers.high,
        "host_pin_required": template.host_pin_required,
        "host_pin_low": template.host_pins.low,
        "host_pin_high": template.host_pins.high,
        "guest_pin_required": template.guest_pin_required,
        "guest_pin_low": template.guest_pins.low,
        "guest_pin_high": template.guest_pins.high,
        "is_default_template": template.is_default_template,
        "is_pool_template": template.is_pool_template,
        "direct_media": template.direct_media,
        "use": template.use,
        "field": template.field,
        **{name: getattr(template, name) for name in ROOM_RULES},
        **settings_values(template.settings),
        **_who_and_when_values(template),
    }


def meeting(row: Row, labels: tuple[str, ...] = (), prefix: str = "") -> Meeting:
    """Read a meeting; `prefix` stands before its columns where they were joined to another table's."""
    at = _under(row, prefix) if prefix else row
    return Meeting(
        uuid=at["uuid"],
        organisation=at["organisation"],
        subject=at["subject"],
        start_time=at["start_time"],
        end_time=at["end_time"],
        short_id=at["short_id"],
        organized_by=Actor(at["organisation"], at["organized_by"]),
        description=at["description"],
        project_code=at["project_code"],
        external_id=at["external_id"],
        guest_microphone=GuestMicrophone(at["guest_microphone"]),
        guest_pin_required=at["guest_pin_required"],
        labels=labels,
        additional_information=tuple((key, value) for key, value in at["additional_information"]),
        use=Use(at["use"]),
        field=Field(at["field"]) if at["field"] else None,
        **_who_and_when(at),
    )


def meeting_values(meeting: Meeting) -> dict[str, Any]:
    """Write a meeting, without its organisation and labels."""
    return {
        "uuid": meeting.uuid,
        "subject": meeting.subject,
        "start_time": meeting.start_time,
        "end_time": meeting.end_time,
        "description": meeting.description,
        "project_code": meeting.project_code,
        "short_id": meeting.short_id,
        "external_id": meeting.external_id,
        "organized_by": meeting.organized_by.email,
        "guest_microphone": meeting.guest_microphone,
        "guest_pin_required": meeting.guest_pin_required,
        "additional_information": [list(pair) for pair in meeting.additional_information],
        "use": meeting.use,
        "field": meeting.field,
        **_who_and_when_values(meeting),
    }


def room(row: Row, meeting: Meeting | None = None) -> SchedulingInfo:
    """Read a room."""
    return SchedulingInfo(
        id=row["id"],
        uuid=row["uuid"],
        organisation=row["organisation"],
        uri_without_domain=row["uri_without_domain"],
        uri_domain=row["uri_domain"],
        host_pin=row["host_pin"],
        guest_pin=row["guest_pin"],
        status=ProvisionStatus(row["status"]),
        status_description=row["status_description"],
        provision_timestamp=row["provision_timestamp"],
        provision_vmr_id=row["provision_vmr_id"],
        portal_link=row["portal_link"],
        settings=settings(row),
        direct_media=DirectMedia(row["direct_media"]),
        reservation_id=row["reservation_id"],
        template_id=row["template_id"],
        pool=row["pool"],
        pool_overflow=row["pool_overflow"],
        meeting=meeting,
        **{name: row[name] for name in ROOM_RULES},
        **_who_and_when(row),
    )


def room_values(room: SchedulingInfo) -> dict[str, Any]:
    """Write a room, without its id, organisation and meeting."""
    return {
        "uuid": room.uuid,
        "template_id": room.template_id,
        "uri_without_domain": room.uri_without_domain,
        "uri_domain": room.uri_domain,
        "host_pin": room.host_pin,
        "guest_pin": room.guest_pin,
        "status": int(room.status),
        "status_description": room.status_description,
        "provision_timestamp": room.provision_timestamp,
        "provision_vmr_id": room.provision_vmr_id,
        "portal_link": room.portal_link,
        "reservation_id": room.reservation_id,
        "pool": room.pool,
        "pool_overflow": room.pool_overflow,
        "direct_media": room.direct_media,
        **{name: getattr(room, name) for name in ROOM_RULES},
        **settings_values(room.settings),
        **_who_and_when_values(room),
    }


def _who_and_when(row: Row) -> dict[str, Any]:
    updated = row["updated_by_organisation"]
    created = row["created_by_organisation"]
    return {
        "created_by": Actor(created, row["created_by"]) if created else None,
        "created_time": row["created_time"],
        "updated_by": Actor(updated, row["updated_by"]) if updated else None,
        "updated_time": row["updated_time"],
    }


def _who_and_when_values(kept: Template | Meeting | SchedulingInfo) -> dict[str, Any]:
    created, updated = kept.created_by, kept.updated_by
    return {
        "created_by_organisation": created.organisation if created else None,
        "created_by": created.email if created else None,
        "created_time": kept.created_time,
        "updated_by_organisation": updated.organisation if updated else None,
        "updated_by": updated.email if updated else None,
        "updated_time": kept.updated_time,
    }


def _under(row: Row, prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}
