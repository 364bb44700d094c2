"""Links that people follow: the portal's link from its template, custom portals, short links."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from hub.domain.model import Meeting, SchedulingInfo
from hub.domain.words import GuestMicrophone


def portal_link(template: str, room: SchedulingInfo, meeting: Meeting | None, zone: ZoneInfo) -> str:
    """Fill `template`: a query parameter whose placeholder has no value is dropped, only a missing PIN is left empty.

    The start is written in `zone`'s local time without an offset, as portals expect it.
    """
    pin = room.guest_pin if room.guest_pin is not None else room.host_pin
    silent = meeting is not None and meeting.guest_microphone is not GuestMicrophone.ON
    values: dict[str, str | None] = {
        "__pin__": "" if pin is None else str(pin),
        "__uri-with-domain__": room.uri_with_domain,
        "__uri-domain__": room.uri_domain,
        "__start-date__": None if meeting is None else _local(meeting.start_time, zone),
        "__return-url__": room.return_url,
        "__microphone__": meeting.guest_microphone.value if meeting is not None and silent else None,
        "__call-type__": room.call_type,
    }
    parts = urlsplit(template)
    query = "&".join(kept for kept in (_filled(pair, values) for pair in parts.query.split("&")) if kept)
    path = _filled(parts.path, values, keep=True) or ""
    return urlunsplit((parts.scheme, parts.netloc, path, query, parts.fragment))


def custom_portal(template: str | None, room: SchedulingInfo, pin: int | None) -> str | None:
    """Fill the placeholders of an organisation's own portal address; None where it has none."""
    if template is None:
        return None
    filled = template.replace("%uri-with-domain%", quote(room.uri_with_domain or "", safe="@"))
    return filled.replace("%pin%", "" if pin is None else str(pin))


def _local(time: datetime, zone: ZoneInfo) -> str:
    return time.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")


def _filled(text: str, values: dict[str, str | None], *, keep: bool = False) -> str | None:
    for name, value in values.items():
        if name in text:
            if value is None and not keep:
                return None
            text = text.replace(name, quote(value or "", safe="@:"))
    return text
