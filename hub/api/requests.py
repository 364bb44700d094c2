"""Bodies of requests, with the limits and defaults of the video API."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from hub.api.values import Body, Flag, Int32, Int64, Pin, Text, Time
from hub.domain.booking import Booking, Wishes
from hub.domain.model import NumberRange, Template, VmrSettings
from hub.domain.words import (
    DirectMedia,
    GuestMicrophone,
    MeetingType,
    ProvisionStatus,
    Quality,
    Use,
    View,
    VmrType,
)
from hub.domain.words import Field as FieldOfUse

MAX_LABELS = 100
MAX_INFORMATION = 100
"""Labels and pieces of additional information of one meeting: the original has no limit, and an attacker no bounds."""

Text100 = Annotated[Text, Field(max_length=100)]
Text200 = Annotated[Text, Field(max_length=200)]
Label = Annotated[Text, Field(max_length=1024)]
Labels = Annotated[tuple[Label, ...], Field(max_length=MAX_LABELS)]


class AdditionalInformation(Body):
    """A key and its value that a client keeps with a meeting."""

    key: Text100
    value: Text100


Information = Annotated[tuple[AdditionalInformation, ...], Field(max_length=MAX_INFORMATION)]


class MeetingFields(Body):
    """What making and replacing a meeting have in common."""

    subject: Text100
    start_time: Time
    end_time: Time
    description: Annotated[Text, Field(max_length=500)] | None = None
    project_code: Text100 | None = None
    organized_by_email: Text200 | None = None
    labels: Labels | None = ()
    additional_information: Information | None = ()


class SettingsFields(Body):
    """How a room is to behave, as far as the request says."""

    vmr_type: VmrType | None = None
    host_view: View | None = None
    guest_view: View | None = None
    vmr_quality: Quality | None = None
    enable_overlay_text: Flag | None = None
    guests_can_present: Flag | None = None
    force_presenter_into_main: Flag | None = None
    force_encryption: Flag | None = None
    mute_all_guests: Flag | None = None

    def wishes(self) -> Wishes:
        """Give it in the domain's words."""
        return Wishes(**{name: getattr(self, name) for name in SettingsFields.model_fields})


class CreateMeeting(MeetingFields, SettingsFields):
    """A meeting to be made."""

    max_participants: Int32 | None = 0
    end_meeting_on_end_time: Flag | None = None
    scheduling_template_id: Int64 | None = None
    meeting_type: MeetingType | None = MeetingType.NORMAL
    uuid: UUID | None = None
    external_id: Text200 | None = None
    guest_microphone: GuestMicrophone | None = GuestMicrophone.ON
    guest_pin_required: Flag | None = False
    scheduling_info_reservation_id: UUID | None = None
    uri_without_domain: Text100 | None = None
    guest_pin: Pin | None = None
    host_pin: Pin | None = None
    call_type: Annotated[Text, Field(max_length=64)] | None = None

    def booking(self) -> Booking:
        """Give what is wanted in the domain's words."""
        return Booking(
            subject=self.subject,
            start_time=self.start_time,
            end_time=self.end_time,
            description=self.description,
            project_code=self.project_code,
            organized_by=self.organized_by_email,
            max_participants=self.max_participants or 0,
            end_meeting_on_end_time=self.end_meeting_on_end_time,
            template_id=self.scheduling_template_id,
            meeting_type=self.meeting_type or MeetingType.NORMAL,
            uuid=self.uuid,
            external_id=self.external_id,
            guest_microphone=self.guest_microphone or GuestMicrophone.ON,
            guest_pin_required=bool(self.guest_pin_required),
            reservation_id=self.scheduling_info_reservation_id,
            labels=self.labels or (),
            wishes=self.wishes(),
            uri_without_domain=self.uri_without_domain,
            guest_pin=self.guest_pin,
            host_pin=self.host_pin,
            additional_information=pairs(self.additional_information),
            call_type=self.call_type,
        )


class UpdateMeeting(MeetingFields):
    """A meeting as it is to be; what is missing is emptied."""


class PatchMeeting(Body):
    """What of a meeting is to be changed; what is missing stays."""

    subject: Text100 | None = None
    start_time: Time | None = None
    end_time: Time | None = None
    description: Annotated[Text, Field(max_length=500)] | None = None
    project_code: Text100 | None = None
    organized_by_email: Text200 | None = None
    labels: Labels | None = None
    guest_microphone: GuestMicrophone | None = None
    guest_pin_required: Flag | None = None
    guest_pin: Pin | None = None
    host_pin: Pin | None = None
    additional_information: Information | None = None
    call_type: Annotated[Text, Field(max_length=64)] | None = None


class CreateSchedulingInfo(Body):
    """A room for a pool."""

    organization_id: Annotated[Text, Field(max_length=250)]
    scheduling_template_id: Int64


class UpdateSchedulingInfo(Body):
    """What a provisioner says of a room."""

    provision_status: Annotated[str, Field(json_schema_extra={"enum": [each.name for each in ProvisionStatus]})]
    provision_status_description: Text200 | None = None
    provision_vmr_id: Annotated[Text, Field(max_length=50)] | None = None


class SchedulingTemplateRequest(SettingsFields):
    """A template as it is to be."""

    conferencing_sys_id: Int64
    uri_prefix: Text100
    uri_domain: Text100
    host_pin_required: Flag
    host_pin_range_low: Int64 | None = None
    host_pin_range_high: Int64 | None = None
    guest_pin_required: Flag
    guest_pin_range_low: Int64 | None = None
    guest_pin_range_high: Int64 | None = None
    vmr_available_before: Annotated[Int32 | None, Field(alias="vMRAvailableBefore")] = 0
    max_participants: Int32 | None = 0
    end_meeting_on_end_time: Flag | None = False
    uri_number_range_low: Int64
    uri_number_range_high: Int64
    ivr_theme: Text100 | None = None
    is_default_template: Flag | None = False
    is_pool_template: Flag | None = False
    custom_portal_guest: Text200 | None = None
    custom_portal_host: Text200 | None = None
    return_url: Text200 | None = None
    direct_media: DirectMedia | None = None
    call_type: Annotated[Text, Field(max_length=64)] | None = None
    use: Use | None = None
    field: FieldOfUse | None = None

    def template(self, number: int, now: Time) -> Template:
        """Give the template in the domain's words; who made it and whose it is, others know."""
        return Template(
            id=number,
            organisation=None,
            conferencing_sys_id=self.conferencing_sys_id,
            uri_prefix=self.uri_prefix,
            uri_domain=self.uri_domain,
            uri_numbers=NumberRange(self.uri_number_range_low, self.uri_number_range_high),
            host_pin_required=self.host_pin_required,
            host_pins=NumberRange(self.host_pin_range_low, self.host_pin_range_high),
            guest_pin_required=self.guest_pin_required,
            guest_pins=NumberRange(self.guest_pin_range_low, self.guest_pin_range_high),
            created_time=now,
            vmr_available_before=self.vmr_available_before or 0,
            max_participants=self.max_participants or 0,
            end_meeting_on_end_time=bool(self.end_meeting_on_end_time),
            ivr_theme=self.ivr_theme,
            is_default_template=bool(self.is_default_template),
            is_pool_template=bool(self.is_pool_template),
            custom_portal_guest=self.custom_portal_guest,
            custom_portal_host=self.custom_portal_host,
            return_url=self.return_url,
            settings=self.wishes().over(VmrSettings()),
            direct_media=self.direct_media or DirectMedia.NEVER,
            call_type=self.call_type,
            use=self.use,
            field=self.field,
        )


def pairs(information: tuple[AdditionalInformation, ...] | None) -> tuple[tuple[str, str], ...]:
    """Give additional information as key and value."""
    return tuple((each.key, each.value) for each in information or ())


class FindMeetings(BaseModel):
    """What meetings are searched by."""

    from_start_time: Annotated[Time | None, Field(alias="from-start-time")] = None
    to_start_time: Annotated[Time | None, Field(alias="to-start-time")] = None
    short_id: Annotated[Text | None, Field(alias="short-id", max_length=12)] = None
    subject: Text100 | None = None
    organized_by: Annotated[Text200 | None, Field(alias="organizedBy")] = None
    search: Annotated[Text | None, Field(max_length=500)] = None
    label: Label | None = None
    uri_with_domain: Annotated[Text200 | None, Field(alias="uriWithDomain")] = None


class ReserveRoom(BaseModel):
    """What a reserved room must be like."""

    model_config = ConfigDict(alias_generator=to_camel)

    vmr_type: VmrType = VmrType.CONFERENCE
    host_view: View = View.ONE_MAIN_SEVEN_PIPS
    guest_view: View = View.ONE_MAIN_SEVEN_PIPS
    vmr_quality: Quality = Quality.HD
    enable_overlay_text: bool = True
    guests_can_present: bool = True
    force_presenter_into_main: bool = True
    force_encryption: bool = False
    mute_all_guests: bool = False

    def wishes(self) -> Wishes:
        """Give all of it in the domain's words."""
        return Wishes(**{name: getattr(self, name) for name in type(self).model_fields})
