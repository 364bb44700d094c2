"""What goes over the wire, as far as programs need it; fields that are not known are passed over."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

Status = Literal[
    "AWAITS_PROVISION",
    "STARTING_TO_PROVISION",
    "PROVISION_PROBLEMS",
    "PROVISIONED_OK",
    "STARTING_TO_DEPROVISION",
    "DEPROVISION_PROBLEMS",
    "DEPROVISION_OK",
]


class Body(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The base of what is sent: what is not set is left out."""


class Answer(Struct, frozen=True, rename="camel"):
    """The base of what comes back."""


class Pair(Struct, frozen=True):
    """A key and its value that a client keeps with a meeting."""

    key: str
    value: str


class NewMeeting(Body, frozen=True):
    """A meeting to be made; times have a zone. What is not set comes from the organisation's template."""

    subject: str
    start_time: datetime
    end_time: datetime
    description: str | UnsetType = UNSET
    project_code: str | UnsetType = UNSET
    organized_by_email: str | UnsetType = UNSET
    external_id: str | UnsetType = UNSET
    uuid: UUID | UnsetType = UNSET
    meeting_type: Literal["NORMAL", "POOL"] = "NORMAL"
    scheduling_template_id: int | UnsetType = UNSET
    scheduling_info_reservation_id: UUID | UnsetType = UNSET
    max_participants: int | UnsetType = UNSET
    end_meeting_on_end_time: bool | UnsetType = UNSET
    guest_microphone: Literal["muted", "off", "on"] = "on"
    guest_pin_required: bool = False
    uri_without_domain: str | UnsetType = UNSET
    guest_pin: int | UnsetType = UNSET
    host_pin: int | UnsetType = UNSET
    labels: tuple[str, ...] = ()
    additional_information: tuple[Pair, ...] = ()


class Change(Body, frozen=True):
    """What of a meeting is to be changed; what is not set stays."""

    subject: str | UnsetType = UNSET
    start_time: datetime | UnsetType = UNSET
    end_time: datetime | UnsetType = UNSET
    description: str | UnsetType = UNSET
    project_code: str | UnsetType = UNSET
    organized_by_email: str | UnsetType = UNSET
    labels: tuple[str, ...] | UnsetType = UNSET
    additional_information: tuple[Pair, ...] | UnsetType = UNSET
    guest_microphone: Literal["muted", "off", "on"] | UnsetType = UNSET
    guest_pin_required: bool | UnsetType = UNSET
    guest_pin: int | UnsetType = UNSET
    host_pin: int | UnsetType = UNSET


class Actor(Answer, frozen=True):
    """Somebody of an organisation; empty where there is nobody."""

    organisation_id: str | None = None
    email: str | None = None


class Meeting(Answer, frozen=True):
    """A meeting."""

    uuid: UUID
    subject: str
    start_time: datetime
    end_time: datetime
    short_id: str
    short_link: str
    created_by: Actor
    organized_by: Actor
    created_time: datetime
    updated_by: Actor = Actor()
    updated_time: datetime | None = None
    description: str | None = None
    project_code: str | None = None
    external_id: str | None = None
    guest_microphone: str = "on"
    guest_pin_required: bool = False
    labels: tuple[str, ...] = ()
    additional_information: tuple[Pair, ...] = ()


class Room(Answer, frozen=True):
    """A room; it can be dialled at `uri_with_domain` while its status is PROVISIONED_OK."""

    uuid: UUID
    provision_status: Status
    host_pin: int | None = None
    guest_pin: int | None = None
    uri_with_domain: str | None = None
    portal_link: str | None = None
    short_link: str | None = None
    reservation_id: UUID | None = None
    provision_status_description: str | None = None
    max_participants: int = 0
    meeting_details: Meeting | None = None


class Usage(Answer, frozen=True):
    """What an organisation used in a month; without `use` all classes and fields together."""

    organisation_code: str
    organisation_name: str
    use: str | None
    field: str | None
    meetings: int
    participants: int
    minutes: int
    peak_ports: int


class Meta(Struct, frozen=True):
    """How much there is."""

    limit: int
    offset: int
    total_count: int


class Participant(Struct, frozen=True):
    """One call of a conference; `duration` in seconds."""

    call_uuid: str
    source_alias: str
    start_time: datetime
    end_time: datetime
    duration: int
    has_video: bool


class Conference(Struct, frozen=True):
    """Calls to one room from when somebody came until nobody was left; `duration` in seconds."""

    id: str
    name: str
    meeting_uuid: UUID | None
    organisation_code: str
    start_time: datetime
    end_time: datetime
    duration: int
    participant_count: int
    participant_minutes: int
    participants: tuple[Participant, ...]


class Conferences(Struct, frozen=True):
    """One answer of the history API."""

    meta: Meta
    objects: tuple[Conference, ...]
