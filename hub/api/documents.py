"""What answers look like, for the OpenAPI document; `answers` writes them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from hub.api.values import Answer
from hub.domain.words import DirectMedia, GuestMicrophone, ProvisionStatus, Quality, Use, View, VmrType
from hub.domain.words import Field as FieldOfUse

TimeText = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
StatusName = Annotated[str, Field(json_schema_extra={"enum": [each.name for each in ProvisionStatus]})]


class ActorAnswer(Answer):
    """Somebody of an organisation; empty where there is nobody."""

    organisation_id: str | None = None
    email: str | None = None


class PairAnswer(Answer):
    """A key and its value."""

    key: str
    value: str


class LinkAnswer(Answer):
    """Where something is found."""

    href: str


class MeetingAnswer(Answer):
    """A meeting."""

    subject: str
    uuid: UUID
    created_by: ActorAnswer
    updated_by: ActorAnswer
    organized_by: ActorAnswer
    start_time: TimeText
    end_time: TimeText
    description: str | None
    project_code: str | None
    created_time: TimeText
    updated_time: TimeText | None
    short_id: str
    short_link: str
    shortlink: Annotated[str, Field(alias="shortlink")]
    external_id: str | None
    guest_microphone: GuestMicrophone
    guest_pin_required: bool
    labels: list[str]
    additional_information: list[PairAnswer]
    links: Annotated[dict[str, LinkAnswer], Field(alias="_links")]


class SettingsAnswer(Answer):
    """How a room behaves."""

    vmr_type: VmrType
    host_view: View
    guest_view: View
    vmr_quality: Quality
    enable_overlay_text: bool
    guests_can_present: bool
    force_presenter_into_main: bool
    force_encryption: bool
    mute_all_guests: bool


class SchedulingInfoAnswer(SettingsAnswer):
    """A room."""

    uuid: UUID
    host_pin: int | None
    guest_pin: int | None
    vmr_available_before: int
    max_participants: int
    end_meeting_on_end_time: bool
    uri_with_domain: str | None
    uri_without_domain: str | None
    provision_status: StatusName
    provision_status_description: str | None
    portal_link: str | None
    ivr_theme: str | None
    provision_timestamp: TimeText | None
    provision_vmr_id: str | None
    created_by: ActorAnswer
    updated_by: ActorAnswer
    created_time: TimeText
    updated_time: TimeText | None
    reservation_id: UUID | None
    custom_portal_guest: str | None
    custom_portal_host: str | None
    return_url: str | None
    call_type: str | None
    direct_media: DirectMedia
    short_link: str | None
    shortlink: Annotated[str | None, Field(alias="shortlink")]
    meeting_details: MeetingAnswer | None = None
    links: Annotated[dict[str, LinkAnswer], Field(alias="_links")]


class TemplateAnswer(SettingsAnswer):
    """A scheduling template."""

    id: int
    organisation_id: str | None
    conferencing_sys_id: int
    uri_prefix: str
    uri_domain: str
    host_pin_required: bool
    host_pin_range_low: int | None
    host_pin_range_high: int | None
    guest_pin_required: bool
    guest_pin_range_low: int | None
    guest_pin_range_high: int | None
    vmr_available_before: Annotated[int, Field(alias="vMRAvailableBefore")]
    max_participants: int
    end_meeting_on_end_time: bool
    uri_number_range_low: int | None
    uri_number_range_high: int | None
    ivr_theme: str | None
    is_default_template: bool
    is_pool_template: bool
    custom_portal_guest: str | None
    custom_portal_host: str | None
    return_url: str | None
    direct_media: DirectMedia
    call_type: str | None
    use: Use | None = None
    field: FieldOfUse | None = None
    created_by: ActorAnswer
    updated_by: ActorAnswer
    created_time: TimeText
    updated_time: TimeText | None
    links: Annotated[dict[str, LinkAnswer], Field(alias="_links")]


class PoolAnswer(Answer):
    """An organisation's pool."""

    organisation_id: str
    desired_pool_size: int
    available_pool_size: int
    scheduling_template: TemplateAnswer | None
    scheduling_info_list: list[SchedulingInfoAnswer]


class InfoEntry(Answer):
    """One fact about the program."""

    key: str
    value: dict[str, str]


class InfoAnswer(Answer):
    """Facts about the program; one of them has the key `git`."""

    info: list[InfoEntry]


class ErrorAnswer(Answer):
    """Why a request was refused; the code is a text."""

    model_config = Answer.model_config | {"alias_generator": None}

    timestamp: TimeText
    status: int
    error: str
    path: str
    detailed_error: str
    detailed_error_code: str


ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Nobody is known behind the token"},
    **{
        status: {"model": ErrorAnswer, "description": text}
        for status, text in {
            400: "The request is not usable as it stands",
            403: "Who asks may not do this",
            404: "There is no such thing",
            406: "The state of the meeting or the set-up of the template does not allow it",
            503: "The database cannot be reached; the request may be sent again",
        }.items()
    },
}


def hal(model: Any) -> dict[int | str, dict[str, Any]]:  # noqa: ANN401 - a model or a list of it
    """Describe the good answer of an operation."""
    return {200: {"model": model, "description": "Done"}}
