"""Answers: objects of the domain as the JSON that clients read. Compact; a room begins with its uuid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hub.domain import portal
from hub.domain.model import Actor, Meeting, SchedulingInfo, Template, VmrSettings
from hub.settings import Settings

HAL = "application/hal+json"

Json = dict[str, Any]


def reply(value: object) -> Response:
    """Answer 200 with compact JSON."""
    return Response(msgspec.json.encode(value), media_type=HAL)


def time_text(time: datetime | None) -> str | None:
    """Write a time to the second in UTC, as the original's servers do."""
    return None if time is None else time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Links:
    """Where things are found: `base` is scheme, host and base path as the client knows them."""

    base: str
    short: str

    @classmethod
    def of(cls, request: Request, settings: Settings) -> Links:
        """Make the links of a request: always https, host and port as the request came in."""
        host = request.headers.get("host") or request.url.netloc
        return cls(f"https://{host}{settings.base_path}", settings.short_link_base)

    def to(self, path: str) -> Json:
        """Give a HAL link."""
        return {"href": self.base + path}

    def meeting(self, meeting: Meeting) -> Json:
        """Write a meeting."""
        short_link = self.short + meeting.short_id
        return {
            "subject": meeting.subject,
            "uuid": str(meeting.uuid),
            "createdBy": _actor(meeting.created_by),
            "updatedBy": _actor(meeting.updated_by),
            "organizedBy": _actor(meeting.organized_by),
            "startTime": time_text(meeting.start_time),
            "endTime": time_text(meeting.end_time),
            "description": meeting.description,
            "projectCode": meeting.project_code,
            "createdTime": time_text(meeting.created_time),
            "updatedTime": time_text(meeting.updated_time),
            "shortId": meeting.short_id,
            "shortLink": short_link,
            "shortlink": short_link,
            "externalId": meeting.external_id,
            "guestMicrophone": meeting.guest_microphone.value,
            "guestPinRequired": meeting.guest_pin_required,
            "labels": list(meeting.labels),
            "additionalInformation": [{"key": key, "value": value} for key, value in meeting.additional_information],
            "_links": {
                "self": self.to(f"/v2/meetings/{meeting.uuid}"),
                "scheduling-info": self.to(f"/v2/scheduling-info/{meeting.uuid}"),
            },
        }

    def room(self, room: SchedulingInfo) -> Json:
        """Write a room; `meetingDetails` is there only with a meeting."""
        short_link = self.short + room.meeting.short_id if room.meeting else None
        written: Json = {
            "uuid": str(room.uuid),
            "hostPin": room.host_pin,
            "guestPin": room.guest_pin,
            "vmrAvailableBefore": room.vmr_available_before,
            "maxParticipants": room.max_participants,
            "endMeetingOnEndTime": room.end_meeting_on_end_time,
            "uriWithDomain": room.uri_with_domain,
            "uriWithoutDomain": room.uri_without_domain,
            "provisionStatus": room.status.name,
            "provisionStatusDescription": room.status_description,
            "portalLink": room.portal_link,
            "ivrTheme": room.ivr_theme,
            "provisionTimestamp": time_text(room.provision_timestamp),
            "provisionVmrId": room.provision_vmr_id,
            **_settings(room.settings),
            "createdBy": _actor(room.created_by),
            "updatedBy": _actor(room.updated_by),
            "createdTime": time_text(room.created_time),
            "updatedTime": time_text(room.updated_time),
            "reservationId": str(room.reservation_id) if room.reservation_id else None,
            "customPortalGuest": portal.custom_portal(room.custom_portal_guest, room, room.guest_pin),
            "customPortalHost": portal.custom_portal(room.custom_portal_host, room, room.host_pin),
            "returnUrl": room.return_url,
            "callType": room.call_type,
            "directMedia": room.direct_media.value,
            "shortLink": short_link,
            "shortlink": short_link,
        }
        if room.meeting is not None:
            written["meetingDetails"] = self.meeting(room.meeting)
        written["_links"] = {"self": self.to(f"/v2/scheduling-info/{room.uuid}")}
        return written

    def template(self, template: Template) -> Json:
        """Write a template."""
        return {
            "id": template.id,
            "organisationId": template.organisation,
            "conferencingSysId": template.conferencing_sys_id,
            "uriPrefix": template.uri_prefix,
            "uriDomain": template.uri_domain,
            "hostPinRequired": template.host_pin_required,
            "hostPinRangeLow": template.host_pins.low,
            "hostPinRangeHigh": template.host_pins.high,
            "guestPinRequired": template.guest_pin_required,
            "guestPinRangeLow": template.guest_pins.low,
            "guestPinRangeHigh": template.guest_pins.high,
            "vMRAvailableBefore": template.vmr_available_before,
            "maxParticipants": template.max_participants,
            "endMeetingOnEndTime": template.end_meeting_on_end_time,
            "uriNumberRangeLow": template.uri_numbers.low,
            "uriNumberRangeHigh": template.uri_numbers.high,
            "ivrTheme": template.ivr_theme,
            "isDefaultTemplate": template.is_default_template,
            "isPoolTemplate": template.is_pool_template,
            "customPortalGuest": template.custom_portal_guest,
            "customPortalHost": template.custom_portal_host,
            "returnUrl": template.return_url,
            **_settings(template.settings),
            "directMedia": template.direct_media.value,
            "callType": template.call_type,
            **({"use": template.use.value} if template.use else {}),
            **({"field": template.field.value} if template.field else {}),
            "createdBy": _actor(template.created_by),
            "updatedBy": _actor(template.updated_by),
            "createdTime": time_text(template.created_time),
            "updatedTime": time_text(template.updated_time),
            "_links": {"self": self.to(f"/v2/scheduling-templates/{template.id}")},
        }


def _actor(actor: Actor | None) -> Json:
    return {} if actor is None else {"organisationId": actor.organisation, "email": actor.email}


def _settings(settings: VmrSettings) -> Json:
    return {
        "vmrType": settings.vmr_type.value,
        "hostView": settings.host_view.value,
        "guestView": settings.guest_view.value,
        "vmrQuality": settings.vmr_quality.value,
        "enableOverlayText": settings.enable_overlay_text,
        "guestsCanPresent": settings.guests_can_present,
        "forcePresenterIntoMain": settings.force_presenter_into_main,
        "forceEncryption": settings.force_encryption,
        "muteAllGuests": settings.mute_all_guests,
    }
