"""Forms of the pages, read: what was filled in, or which fields cannot be so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hub.domain.booking import Booking
from hub.domain.model import Meeting
from hub.domain.words import GuestMicrophone

LENGTHS = {"subject": 100, "description": 500, "project_code": 100, "organized_by": 200}
"""Characters of texts, as the API has them."""


@dataclass(frozen=True, slots=True)
class Form:
    """A meeting as somebody filled it in: `values` by field, `faults` are names of words that say what is wrong."""

    values: Mapping[str, str]
    faults: Mapping[str, str] = field(default_factory=dict)
    start: datetime | None = None
    end: datetime | None = None

    @property
    def microphone(self) -> GuestMicrophone:
        """How guests' microphones are when they come in."""
        return GuestMicrophone(self.values["guest_microphone"])

    def booking(self) -> Booking:
        """Give it as a request for a meeting; only without faults."""
        assert self.start is not None  # noqa: S101 - there are no faults
        assert self.end is not None  # noqa: S101 - the same
        template = self.values["template"]
        return Booking(
            subject=self.values["subject"],
            start_time=self.start,
            end_time=self.end,
            description=self.values["description"] or None,
            project_code=self.values["project_code"] or None,
            organized_by=self.values["organized_by"] or None,
            template_id=int(template) if template else None,
            guest_microphone=self.microphone,
        )

    def changes(self) -> dict[str, object]:
        """Give it as changes of a meeting; only without faults."""
        wanted = self.booking()
        changed: dict[str, object] = {
            "subject": wanted.subject,
            "start_time": wanted.start_time,
            "end_time": wanted.end_time,
            "description": wanted.description,
            "project_code": wanted.project_code,
            "guest_microphone": wanted.guest_microphone,
        }
        return changed | ({"organized_by": wanted.organized_by} if wanted.organized_by else {})


def empty(now: datetime, zone: ZoneInfo) -> Form:
    """Give the form of a new meeting: the next full hour, for an hour."""
    begin = now.astimezone(zone).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    values = {
        "subject": "",
        "description": "",
        "project_code": "",
        "organized_by": "",
        "template": "",
        "guest_microphone": GuestMicrophone.ON.value,
        "date": f"{begin:%Y-%m-%d}",
        "from": f"{begin:%H:%M}",
        "to": f"{begin + timedelta(hours=1):%H:%M}",
    }
    return Form(values)


def filled(meeting: Meeting, zone: ZoneInfo) -> Form:
    """Give the form of a meeting that there is."""
    begin, end = meeting.start_time.astimezone(zone), meeting.end_time.astimezone(zone)
    values = {
        "subject": meeting.subject,
        "description": meeting.description or "",
        "project_code": meeting.project_code or "",
        "organized_by": meeting.organized_by.email or "",
        "template": "",
        "guest_microphone": meeting.guest_microphone.value,
        "date": f"{begin:%Y-%m-%d}",
        "from": f"{begin:%H:%M}",
        "to": f"{end:%H:%M}",
    }
    return Form(values)


def read(sent: Mapping[str, object], zone: ZoneInfo) -> Form:
    """Read the form of a meeting; an end that is before the start is on the next day."""
    names = (*LENGTHS, "template", "guest_microphone", "date", "from", "to")
    values = {name: _text(sent.get(name), lines=name == "description") for name in names}
    faults = {name: "too_long" for name, most in LENGTHS.items() if len(values[name]) > most}
    if not values["subject"]:
        faults["subject"] = "needed"
    if values["template"] and not (values["template"].isdecimal() and len(values["template"]) < 18):
        faults["template"] = "not_understood"
    if values["guest_microphone"] not in set(GuestMicrophone):
        values["guest_microphone"] = GuestMicrophone.ON.value
    day, begin, end = _day(values["date"]), _time(values["from"]), _time(values["to"])
    for name, found in (("date", day), ("from", begin), ("to", end)):
        if found is None:
            faults[name] = "needed"
    if day is None or begin is None or end is None:
        return Form(values, faults)
    if not date.min.year < day.year < date.max.year:
        return Form(values, faults | {"date": "not_understood"})
    if end == begin:
        faults["to"] = "no_time"
    start = datetime.combine(day, begin, zone)
    last = datetime.combine(day + timedelta(days=end <= begin), end, zone)
    return Form(values, faults, start.astimezone(UTC), last.astimezone(UTC))


def _text(value: object, *, lines: bool) -> str:
    """Give a field as one line (or with its lines), without characters that cannot be stored."""
    text = value if isinstance(value, str) else ""
    text = "".join(each for each in text.replace("\r\n", "\n") if each >= " " or (lines and each == "\n"))
    return text.strip()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None
