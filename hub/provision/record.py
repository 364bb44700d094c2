"""A scheduling info as the record that mixing servers and edges read."""

from __future__ import annotations

from hub.domain.lifecycle import opens
from hub.domain.model import SchedulingInfo
from hub.domain.words import Use, VmrType
from vdx.rooms import MOST_PARTICIPANTS, Room, pin_digest

DEFAULT_PARTICIPANTS = 50
"""Let in where a booking sets no limit of its own."""


def record(room: SchedulingInfo, ident: str, key: bytes) -> Room:
    """Write a room as the record `ident`; `key` is the installation's, which PINs are digested with.

    A meeting's name is not written: it may tell about a citizen, and everybody in the room would see it.
    """
    meeting = room.meeting
    if room.uri_without_domain is None:
        raise ValueError(f"room {room.id} has no address any more")
    return Room(
        uuid=ident,
        aliases=(room.uri_without_domain,),
        kind="lecture" if room.settings.vmr_type is VmrType.LECTURE else "conference",
        starts=opens(meeting, room.vmr_available_before).timestamp() if meeting else None,
        ends=meeting.end_time.timestamp() if meeting else None,
        ends_hard=room.end_meeting_on_end_time,
        host_pin=pin_digest(key, ident, _digits(room.host_pin)),
        guest_pin=pin_digest(key, ident, _digits(room.guest_pin)),
        most=min(room.max_participants or DEFAULT_PARTICIPANTS, MOST_PARTICIPANTS),
        klass=(meeting.use if meeting else Use.ADMINISTRATIVE).value,
        field=(meeting.field.value if meeting and meeting.field else ""),
        organisation=room.organisation[:64],
        host_view=room.settings.host_view.value,
        guest_view=room.settings.guest_view.value,
        quality=room.settings.vmr_quality.value,
        theme=room.ivr_theme or "",
        overlay_names=room.settings.enable_overlay_text,
        guests_present=room.settings.guests_can_present,
        presenter_in_main=room.settings.force_presenter_into_main,
        force_encryption=room.settings.force_encryption,
        mute_guests=room.settings.mute_all_guests,
    )


def _digits(pin: int | None) -> str:
    return "" if pin is None else str(pin)
