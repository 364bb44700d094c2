"""What becomes of a request for a meeting: a room of its own, a reserved one, or one of a pool."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

from hub.domain.model import VmrSettings
from hub.domain.words import DirectMedia, GuestMicrophone, MeetingType, Quality, View, VmrType
from hub.errors import Code, refuse

FUTURE = timedelta(minutes=2)
"""A meeting that starts later than this gets a room of its own; one that starts sooner needs a room that is there."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Room settings as a request names them; None: not named."""

    vmr_type: VmrType | None = None
    host_view: View | None = None
    guest_view: View | None = None
    vmr_quality: Quality | None = None
    enable_overlay_text: bool | None = None
    guests_can_present: bool | None = None
    force_presenter_into_main: bool | None = None
    force_encryption: bool | None = None
    mute_all_guests: bool | None = None

    def named(self) -> dict[str, object]:
        """Give what is named."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name)) is not None}

    def over(self, settings: VmrSettings) -> VmrSettings:
        """Give `settings` with what is named in their place."""
        named = {each.name: getattr(settings, each.name) for each in fields(settings)} | self.named()
        return VmrSettings(**named)


@dataclass(frozen=True, slots=True)
class Booking:
    """A request for a meeting, checked as far as it can be without the store."""

    subject: str
    start_time: datetime
    end_time: datetime
    description: str | None = None
    project_code: str | None = None
    organized_by: str | None = None
    max_participants: int = 0
    end_meeting_on_end_time: bool | None = None
    template_id: int | None = None
    meeting_type: MeetingType = MeetingType.NORMAL
    uuid: UUID | None = None
    external_id: str | None = None
    guest_microphone: GuestMicrophone = GuestMicrophone.ON
    guest_pin_required: bool = False
    reservation_id: UUID | None = None
    labels: tuple[str, ...] = ()
    wishes: Wishes = Wishes()
    uri_without_domain: str | None = None
    guest_pin: int | None = None
    host_pin: int | None = None
    additional_information: tuple[tuple[str, str], ...] = ()
    call_type: str | None = None
    direct_media: DirectMedia | None = None


@dataclass(frozen=True, slots=True)
class OwnRoom:
    """A room is made for this meeting."""


@dataclass(frozen=True, slots=True)
class ReservedRoom:
    """The room of a reservation is taken."""

    reservation: UUID


@dataclass(frozen=True, slots=True)
class PoolRoom:
    """A free room of a pool is taken; `required`: without one there is no meeting."""

    required: bool


def choose(booking: Booking, now: datetime) -> OwnRoom | ReservedRoom | PoolRoom:
    """Decide where the room comes from; raises `InputError` for wishes that contradict each other."""
    if booking.reservation_id is not None and (booking.guest_pin is not None or booking.host_pin is not None):
        raise refuse(Code.RESERVATION_PINS)
    if booking.uri_without_domain is not None or booking.guest_pin is not None or booking.host_pin is not None:
        return OwnRoom()
    if booking.reservation_id is not None:
        return ReservedRoom(booking.reservation_id)
    if booking.start_time > now + FUTURE:
        return OwnRoom()
    return PoolRoom(required=booking.meeting_type is MeetingType.POOL)


def check_information(pairs: tuple[tuple[str, str], ...]) -> None:
    """Refuse additional information that says the same key twice; raises `InputError`."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise refuse(Code.INFORMATION_KEYS)
