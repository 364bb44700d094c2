"""The objects of the hub: organisation, template, meeting, scheduling info (the room of a meeting). Times are UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from hub.domain.words import (
    DirectMedia,
    Field,
    GuestMicrophone,
    Kind,
    ProvisionStatus,
    Quality,
    Role,
    Use,
    View,
    VmrType,
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the organisation and roles that the token gives. A provisioner may have neither organisation nor mail.

    `parent` is the organisation under which an unknown one is made; None where the token does not allow it.
    """

    organisation: str | None
    email: str | None
    roles: frozenset[Role]
    parent: str | None = None

    def has(self, *roles: Role) -> bool:
        """Tell whether the caller has one of `roles`."""
        return not self.roles.isdisjoint(roles)

    def only(self, role: Role) -> bool:
        """Tell whether `role` is all that the caller has."""
        return self.roles == {role}


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody of an organisation, as meetings name their organisers."""

    organisation: str
    email: str | None


@dataclass(frozen=True, slots=True)
class Organisation:
    """A node of the tree. A group without an organisation has no code of its own: it goes by its number.

    `pool_size`: free rooms to hold ready; None or 0 where there is no pool. `history_api_key`: the digest of the key.
    `inherits`: settings that are not set here come from above. `may_set_use`: clients may name class and field in
    `additionalInformation`. `trial_ends`: it and all below it are here on trial until then, with at most
    `trial_most_meetings` meetings; `trial_warned` is the last warning, in days before.
    """

    id: int
    code: str
    name: str
    kind: Kind
    parent_id: int | None
    pool_size: int | None = None
    sms_sender_name: str | None = None
    sms_callback_url: str | None = None
    allow_custom_uri_without_domain: bool = False
    history_api_key: str | None = None
    device_webhook_endpoint: str | None = None
    device_webhook_endpoint_key: str | None = None
    use: Use | None = None
    field: Field | None = None
    inherits: bool = True
    may_set_use: bool | None = None
    trial_ends: datetime | None = None
    trial_most_meetings: int | None = None
    trial_warned: int | None = None


@dataclass(frozen=True, slots=True)
class VmrSettings:
    """How a room behaves; the same nine settings stand in templates, requests and rooms."""

    vmr_type: VmrType = VmrType.CONFERENCE
    host_view: View = View.ONE_MAIN_SEVEN_PIPS
    guest_view: View = View.ONE_MAIN_SEVEN_PIPS
    vmr_quality: Quality = Quality.HD
    enable_overlay_text: bool = True
    guests_can_present: bool = True
    force_presenter_into_main: bool = True
    force_encryption: bool = False
    mute_all_guests: bool = False


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Numbers from `low` up to and including `high`: at least two, or the range counts as empty."""

    low: int | None
    high: int | None

    def bounds(self) -> tuple[int, int] | None:
        """Give both ends, or None where there is nothing to choose from."""
        if self.low is None or self.high is None or self.low >= self.high:
            return None
        return self.low, self.high


@dataclass(frozen=True, slots=True)
class Template:
    """How the rooms of an organisation are made; `organisation` None: shared by all."""

    id: int
    organisation: str | None
    conferencing_sys_id: int
    uri_prefix: str
    uri_domain: str
    uri_numbers: NumberRange
    host_pin_required: bool
    host_pins: NumberRange
    guest_pin_required: bool
    guest_pins: NumberRange
    created_time: datetime
    vmr_available_before: int = 0
    max_participants: int = 0
    end_meeting_on_end_time: bool = False
    ivr_theme: str | None = None
    is_default_template: bool = False
    is_pool_template: bool = False
    custom_portal_guest: str | None = None
    custom_portal_host: str | None = None
    return_url: str | None = None
    settings: VmrSettings = VmrSettings()
    direct_media: DirectMedia = DirectMedia.NEVER
    call_type: str | None = None
    use: Use | None = None
    field: Field | None = None
    created_by: Actor | None = None
    updated_by: Actor | None = None
    updated_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Meeting:
    """An appointment. `additional_information` are key and value, keys unique."""

    uuid: UUID
    organisation: str
    subject: str
    start_time: datetime
    end_time: datetime
    short_id: str
    created_by: Actor
    organized_by: Actor
    created_time: datetime
    description: str | None = None
    project_code: str | None = None
    updated_by: Actor | None = None
    updated_time: datetime | None = None
    external_id: str | None = None
    guest_microphone: GuestMicrophone = GuestMicrophone.ON
    guest_pin_required: bool = False
    labels: tuple[str, ...] = ()
    additional_information: tuple[tuple[str, str], ...] = ()
    use: Use = Use.ADMINISTRATIVE
    field: Field | None = None


@dataclass(frozen=True, slots=True)
class SchedulingInfo:
    """A room: address, PINs, settings, and where it is in its life. Without a meeting it is a free room of a pool.

    `id` is the store's; `uuid` is the meeting's as soon as there is one. PINs are numbers: no zeros in front.
    """

    id: int
    uuid: UUID
    organisation: str
    uri_without_domain: str | None
    uri_domain: str | None
    created_time: datetime
    host_pin: int | None = None
    guest_pin: int | None = None
    vmr_available_before: int = 0
    max_participants: int = 0
    end_meeting_on_end_time: bool = False
    status: ProvisionStatus = ProvisionStatus.AWAITS_PROVISION
    status_description: str | None = None
    provision_timestamp: datetime | None = None
    provision_vmr_id: str | None = None
    portal_link: str | None = None
    ivr_theme: str | None = None
    settings: VmrSettings = VmrSettings()
    direct_media: DirectMedia = DirectMedia.NEVER
    call_type: str | None = None
    custom_portal_guest: str | None = None
    custom_portal_host: str | None = None
    return_url: str | None = None
    reservation_id: UUID | None = None
    template_id: int | None = None
    pool: bool = False
    pool_overflow: bool = False
    created_by: Actor | None = None
    updated_by: Actor | None = None
    updated_time: datetime | None = None
    meeting: Meeting | None = field(default=None)

    @property
    def uri_with_domain(self) -> str | None:
        """The address a participant dials; None when the room is gone and its number may be used again."""
        if self.uri_without_domain is None or self.uri_domain is None:
            return None
        return f"{self.uri_without_domain}@{self.uri_domain}"
