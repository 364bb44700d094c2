"""A meeting as a calendar file (iCalendar, RFC 5545) that mail programs take up, change and cancel (RFC 5546)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

LINE_OCTETS = 75
"""Of a line, its end not counted; longer ones are folded (RFC 5545 3.1)."""

PRODUCT = "-//VDX//Hub//EN"

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Event:
    """One meeting as one person's calendar has it; `sequence` grows with every change."""

    uid: str
    sequence: int
    stamp: datetime
    start: datetime
    end: datetime
    summary: str
    description: str
    link: str
    organiser: str
    attendee: str
    attendee_name: str


def written(event: Event, method: Literal["REQUEST", "CANCEL"], zone: ZoneInfo) -> str:
    """Write the file; times are local, with the rules of their zone beside them."""
    cancelled = method == "CANCEL"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        f"METHOD:{method}",
        *_zone(zone, event.start, event.end),
        "BEGIN:VEVENT",
        f"UID:{text(event.uid)}",
        f"SEQUENCE:{event.sequence}",
        f"DTSTAMP:{event.stamp.astimezone(ZoneInfo('UTC')):%Y%m%dT%H%M%SZ}",
        f"DTSTART;TZID={zone.key}:{_local(event.start, zone)}",
        f"DTEND;TZID={zone.key}:{_local(event.end, zone)}",
        f"SUMMARY:{text(event.summary)}",
        f"DESCRIPTION:{text(event.description)}",
        f"LOCATION:{text(event.link)}",
        f"URL:{event.link}",
        f"ORGANIZER:mailto:{event.organiser}",
        f'ATTENDEE;CN="{parameter(event.attendee_name)}";ROLE=REQ-PARTICIPANT;RSVP=FALSE:mailto:{event.attendee}',
        f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(fold(line) for line in lines)


def text(value: str) -> str:
    """Escape a text (RFC 5545 3.3.11); what no calendar can show is left out."""
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        value = value.replace(plain, escaped)
    return "".join(each for each in value if each == "\t" or (each >= " " and each != "\x7f"))


def parameter(value: str) -> str:
    """Write a parameter's value between quotes (RFC 5545 3.2, RFC 6868)."""
    escaped = value.replace("^", "^^").replace('"', "^'").replace("\n", "^n")
    return "".join(each for each in escaped if each >= " " and each != "\x7f")


def fold(line: str) -> str:
    """End a line, in parts of at most 75 octets that never divide a character (RFC 5545 3.1)."""
    parts, part, octets = [], "", 0
    for each in line:
        size = len(each.encode())
        if octets + size > LINE_OCTETS:
            parts.append(part)
            part, octets = " ", 1
        part += each
        octets += size
    return "".join(f"{each}\r\n" for each in [*parts, part])


def _local(time: datetime, zone: ZoneInfo) -> str:
    return f"{time.astimezone(zone):%Y%m%dT%H%M%S}"


def _zone(zone: ZoneInfo, start: datetime, end: datetime) -> list[str]:
    """Write the changes of a zone's clock around a meeting (RFC 5545 3.6.5)."""
    lines = ["BEGIN:VTIMEZONE", f"TZID:{zone.key}"]
    for change in _changes(zone, start - timedelta(days=366), end + timedelta(days=1)):
        before, after = (change - HOUR).astimezone(zone), change.astimezone(zone)
        kind = "DAYLIGHT" if after.dst() else "STANDARD"
        offset = before.utcoffset() or timedelta()
        lines += [
            f"BEGIN:{kind}",
            f"DTSTART:{(change + offset).replace(tzinfo=None):%Y%m%dT%H%M%S}",
            f"TZOFFSETFROM:{before:%z}",
            f"TZOFFSETTO:{after:%z}",
            f"TZNAME:{after:%Z}",
            f"END:{kind}",
        ]
    return [*lines, "END:VTIMEZONE"]


def _changes(zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    """Give the hours at which a zone's offset changes, and the first hour, from which the offset there holds."""
    utc = ZoneInfo("UTC")
    at = begin.astimezone(utc).replace(minute=0, second=0, microsecond=0)
    found = [at]
    offset = at.astimezone(zone).utcoffset()
    while at < end:
        later = at + timedelta(days=1)
        if later.astimezone(zone).utcoffset() != offset:
            while at.astimezone(zone).utcoffset() == offset:
                at += HOUR
            found.append(at)
            offset = at.astimezone(zone).utcoffset()
        else:
            at = later
    return found
