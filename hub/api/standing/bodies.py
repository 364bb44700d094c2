"""Standing rooms, room systems and themes on the wire: what requests bring, what answers look like."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from hub.api.answers import time_text
from hub.api.documents import TimeText
from hub.api.organisation.bodies import Code
from hub.api.requests import Text100, Text200
from hub.api.values import Answer, Body, Flag, Int32, Pin, Text
from hub.domain.standing import MOST_ALIASES, Belongs, Language, RoomSystem, StandingRoom, Theme
from hub.domain.words import Field as FieldOfUse
from hub.domain.words import Quality, Use, View

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands where the work fills in the time."""

Name100 = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Alias = Annotated[Text, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=100)]
Domain = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,98}[A-Za-z0-9])?$", max_length=100)]
Password = Annotated[Text, Field(min_length=12, max_length=200)]


class RoomBody(Body):
    """A room as it is to be; what is missing has its default."""

    organisation: Code
    kind: Belongs = Belongs.DEPARTMENT
    name: Name100
    aliases: Annotated[tuple[Alias, ...], Field(min_length=1, max_length=MOST_ALIASES)]
    domain: Domain
    owner: Text200 | None = None
    host_pin: Pin | None = None
    guest_pin: Pin | None = None
    allow_guests: Flag = True
    max_participants: Int32 = 0
    host_view: View = View.ONE_MAIN_SEVEN_PIPS
    guest_view: View = View.ONE_MAIN_SEVEN_PIPS
    quality: Quality = Quality.HD
    theme: Text100 | None = None
    language: Language = Language.DANISH
    use: Use = Use.ADMINISTRATIVE
    field: FieldOfUse | None = None

    def room(self, uuid: UUID) -> StandingRoom:
        """Give it in the domain's words."""
        own = {name: getattr(self, name) for name in type(self).model_fields}
        return StandingRoom(uuid=uuid, created_time=NEVER, **own)


class RoomAnswer(Answer):
    """A room that is always there; `provided`: the bus has it as it is."""

    uuid: UUID
    organisation: str
    kind: Belongs
    name: str
    aliases: list[str]
    domain: str
    owner: str | None
    host_pin: int | None
    guest_pin: int | None
    allow_guests: bool
    max_participants: int
    host_view: View
    guest_view: View
    quality: Quality
    theme: str | None
    language: Language
    use: Use
    field: FieldOfUse | None
    created_time: TimeText
    provided: bool


def room(found: StandingRoom) -> dict[str, Any]:
    """Write a room."""
    return {
        "uuid": str(found.uuid),
        "organisation": found.organisation,
        "kind": found.kind.value,
        "name": found.name,
        "aliases": list(found.aliases),
        "domain": found.domain,
        "owner": found.owner,
        "hostPin": found.host_pin,
        "guestPin": found.guest_pin,
        "allowGuests": found.allow_guests,
        "maxParticipants": found.max_participants,
        "hostView": found.host_view.value,
        "guestView": found.guest_view.value,
        "quality": found.quality.value,
        "theme": found.theme,
        "language": found.language.value,
        "use": found.use.value,
        "field": found.field.value if found.field else None,
        "createdTime": time_text(found.created_time),
        "provided": found.provided == found.revision,
    }


class ImportAnswer(Answer):
    """What became of an import: how many rooms, or the faults of its lines; where there are faults nothing is added."""

    rooms: int
    faults: list[str]


class SystemBody(Body):
    """A room system as it is to be; without a password one is made (or, where there is one, kept)."""

    organisation: Code
    name: Name100
    alias: Alias
    username: Annotated[Text, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=64)]
    password: Password | None = None
    also_md5: Annotated[bool, Field(strict=True, alias="alsoMd5")] = False
    enabled: Flag = True


class SystemAnswer(Answer):
    """A room system; `password` is shown once, where it has just been made."""

    uuid: UUID
    organisation: str
    name: str
    alias: str
    username: str
    also_md5: Annotated[bool, Field(alias="alsoMd5")]
    enabled: bool
    created_time: TimeText
    password: str | None = None


def system(found: RoomSystem, password: str | None = None) -> dict[str, Any]:
    """Write a room system, with a password that was made for it."""
    written = {
        "uuid": str(found.uuid),
        "organisation": found.organisation,
        "name": found.name,
        "alias": found.alias,
        "username": found.username,
        "alsoMd5": found.md5 is not None,
        "enabled": found.enabled,
        "createdTime": time_text(found.created_time),
    }
    return written if password is None else written | {"password": password}


class ThemeBody(Body):
    """A theme; `name` is what mixing servers know it by."""

    organisation: Code
    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,100}$")]
    title: Name100


class ThemeAnswer(Answer):
    """A theme."""

    organisation: str
    name: str
    title: str


def theme(found: Theme) -> dict[str, Any]:
    """Write a theme."""
    return {"organisation": found.organisation, "name": found.name, "title": found.title}
