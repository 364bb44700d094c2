"""What people are written: texts with placeholders such as `#StartDate.Long#`, filled for one meeting and person."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.domain.invitation import Channel, Occasion
from hub.domain.standing import Language
from hub.errors import Code, InputError

PLACEHOLDER = re.compile(r"#([A-Za-z]+(?:\.[A-Za-z]+)?)#")

DAYS = {
    Language.DANISH: ("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"),
    Language.ENGLISH: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
MONTHS = {
    Language.DANISH: (
        "januar", "februar", "marts", "april", "maj", "juni",
        "juli", "august", "september", "oktober", "november", "december",
    ),
    Language.ENGLISH: (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wording:
    """A text for an occasion; `organisation` is empty for ours. Text messages have no subject."""

    organisation: str
    occasion: Occasion
    channel: Channel
    language: Language
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What placeholders are filled with."""

    full_name: str
    subject: str
    description: str
    start: datetime
    end: datetime
    link: str
    address: str
    guest_pin: str
    organiser: str


def day(time: datetime, language: Language, *, long: bool) -> str:
    """Write a date; `time` is local."""
    if not long:
        return f"{time:%d-%m-%Y}" if language is Language.DANISH else f"{time:%d/%m/%Y}"
    weekday, month = DAYS[language][time.weekday()], MONTHS[language][time.month - 1]
    return (
        f"{weekday} den {time.day}. {month} {time.year}"
        if language is Language.DANISH
        else f"{weekday} {time.day} {month} {time.year}"
    )


def clock(time: datetime, language: Language, *, long: bool) -> str:
    """Write a time of day; `time` is local."""
    if language is Language.DANISH:
        return f"{'kl. ' if long else ''}{time:%H.%M}"
    return f"{time:%H:%M}{f' ({time:%Z})' if long else ''}"


def values(facts: Facts, language: Language, zone: ZoneInfo) -> dict[str, str]:
    """Give what each placeholder stands for."""
    start, end = facts.start.astimezone(zone), facts.end.astimezone(zone)
    found = {
        "Fullname": facts.full_name,
        "Subject": facts.subject,
        "Description": facts.description,
        "MeetingLink.Long": facts.link,
        "MeetingLink.Short": facts.link,
        "Address": facts.address,
        "GuestPin": facts.guest_pin,
        "Organizer": facts.organiser,
    }
    for name, time in (("Start", start), ("End", end)):
        for size in ("Long", "Short"):
            found[f"{name}Date.{size}"] = day(time, language, long=size == "Long")
            found[f"{name}Time.{size}"] = clock(time, language, long=size == "Long")
    return found


_TIMES = {
    f"{which}{part}.{size}" for which in ("Start", "End") for part in ("Date", "Time") for size in ("Long", "Short")
}
NAMES = {"Fullname", "Subject", "Description", "MeetingLink.Long", "MeetingLink.Short", "Address", "GuestPin"}
NAMES |= {"Organizer"} | _TIMES
"""Every placeholder there is."""


def check(text: str, field: str) -> None:
    """Refuse a text with a placeholder that there is not; raises `InputError`."""
    unknown = [each for each in PLACEHOLDER.findall(text) if each not in NAMES]
    if unknown:
        known = " ".join(f"#{each}#" for each in sorted(NAMES))
        raise InputError(f"{field}: there is no placeholder #{unknown[0]}#; there are {known}", Code.INPUT.number)


def fill(text: str, found: dict[str, str]) -> str:
    """Fill every placeholder once: what stands in a subject or a name is not taken for one."""
    return PLACEHOLDER.sub(lambda part: found.get(part[1], part[0]), text)


_MAIL = {
    (Occasion.INVITATION, Language.DANISH): (
        "Videomøde: #Subject#",
        (
            "Hej #Fullname#\n\nDu er inviteret til et videomøde #StartDate.Long# #StartTime.Long#.\n\n#Description#\n\n"
            "Deltag i mødet:\n#MeetingLink.Long#\n\nFra et videosystem: ring til #Address#, pinkode #GuestPin#\n\n"
            "Venlig hilsen\n#Organizer#\n"
        ),
    ),
    (Occasion.INVITATION, Language.ENGLISH): (
        "Video meeting: #Subject#",
        (
            "Hello #Fullname#\n\nYou are invited to a video meeting on #StartDate.Long# at #StartTime.Long#.\n\n"
            "#Description#\n\nJoin the meeting:\n#MeetingLink.Long#\n\n"
            "From a video system: call #Address#, PIN #GuestPin#\n\nKind regards\n#Organizer#\n"
        ),
    ),
    (Occasion.CHANGE, Language.DANISH): (
        "Ændret videomøde: #Subject#",
        (
            "Hej #Fullname#\n\nVideomødet er ændret. Det holdes nu #StartDate.Long# #StartTime.Long#.\n\n"
            "#Description#\n\nDeltag i mødet:\n#MeetingLink.Long#\n\nVenlig hilsen\n#Organizer#\n"
        ),
    ),
    (Occasion.CHANGE, Language.ENGLISH): (
        "Video meeting changed: #Subject#",
        (
            "Hello #Fullname#\n\nThe video meeting has changed. It is now on #StartDate.Long# at #StartTime.Long#.\n\n"
            "#Description#\n\nJoin the meeting:\n#MeetingLink.Long#\n\nKind regards\n#Organizer#\n"
        ),
    ),
    (Occasion.CANCELLATION, Language.DANISH): (
        "Aflyst videomøde: #Subject#",
        "Hej #Fullname#\n\nVideomødet #StartDate.Long# #StartTime.Long# er aflyst.\n\nVenlig hilsen\n#Organizer#\n",
    ),
    (Occasion.CANCELLATION, Language.ENGLISH): (
        "Video meeting cancelled: #Subject#",
        (
            "Hello #Fullname#\n\nThe video meeting on #StartDate.Long# at #StartTime.Long# is cancelled.\n\n"
            "Kind regards\n#Organizer#\n"
        ),
    ),
}
_SMS = {
    (Occasion.INVITATION, Language.DANISH): "Videomøde #StartDate.Short# kl. #StartTime.Short#: #MeetingLink.Short#",
    (Occasion.INVITATION, Language.ENGLISH): "Video meeting #StartDate.Short# #StartTime.Short#: #MeetingLink.Short#",
    (Occasion.CHANGE, Language.DANISH): (
        "Videomødet er ændret til #StartDate.Short# kl. #StartTime.Short#: #MeetingLink.Short#"
    ),
    (Occasion.CHANGE, Language.ENGLISH): (
        "The video meeting is now #StartDate.Short# #StartTime.Short#: #MeetingLink.Short#"
    ),
    (Occasion.CANCELLATION, Language.DANISH): "Videomødet #StartDate.Short# kl. #StartTime.Short# er aflyst.",
    (Occasion.CANCELLATION, Language.ENGLISH): "The video meeting #StartDate.Short# #StartTime.Short# is cancelled.",
}
OURS = tuple(
    [Wording("", occasion, Channel.MAIL, language, *texts) for (occasion, language), texts in _MAIL.items()]
    + [Wording("", occasion, Channel.SMS, language, "", text) for (occasion, language), text in _SMS.items()]
)
"""What is written where no organisation has words of its own. Text messages name no subject: others read along."""
