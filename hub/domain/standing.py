"""Rooms that are always there, those of persons and departments; room systems; themes. What they may be called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from hub.domain.model import SchedulingInfo
from hub.domain.words import Field, Quality, Use, View
from hub.errors import Code, InputError

MOST_ALIASES = 20
"""Aliases of one room: all edges hold all of them."""

ALIAS = re.compile(r"[a-z0-9][a-z0-9._+-]{0,99}")
"""What can be dialled before the @, in small letters: part of `user` of RFC 3261 25.1, without what needs escapes."""

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""A word of the edge's file of secrets."""

MAIL = re.compile(r"[^\s@<>,;:\"'()\\\x00-\x1f\x7f]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,132}[A-Za-z0-9]")
"""A mail address as people have them (RFC 5321 4.1.2 without quotes): nothing in it can begin another header."""

PHONE = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{8}")
"""A number of E.164, or a Danish one."""


class Belongs(StrEnum):
    """Whose a room is."""

    PERSON = "person"
    DEPARTMENT = "department"


class Language(StrEnum):
    """The languages that people are spoken and written to in."""

    DANISH = "da"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class StandingRoom:
    """A room that is always there; `owner` is a mail address. PINs are numbers: no zeros in front.

    Guests come in without a PIN where they have none, and not at all where they are not allowed.
    """

    uuid: UUID
    organisation: str
    kind: Belongs
    name: str
    aliases: tuple[str, ...]
    domain: str
    created_time: datetime
    owner: str | None = None
    host_pin: int | None = None
    guest_pin: int | None = None
    allow_guests: bool = True
    max_participants: int = 0
    host_view: View = View.ONE_MAIN_SEVEN_PIPS
    guest_view: View = View.ONE_MAIN_SEVEN_PIPS
    quality: Quality = Quality.HD
    theme: str | None = None
    language: Language = Language.DANISH
    use: Use = Use.ADMINISTRATIVE
    field: Field | None = None
    revision: int = 1
    provided: int = 0
    deleted_time: datetime | None = None

    def as_scheduling_info(self) -> SchedulingInfo:
        """Give what links are written from."""
        return SchedulingInfo(
            0, self.uuid, self.organisation, self.aliases[0], self.domain, self.created_time, self.host_pin,
            self.guest_pin,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RoomSystem:
    """A room system that registers at the edge; `sha256` and `md5` are H(username:realm:password) of RFC 7616."""

    uuid: UUID
    organisation: str
    name: str
    alias: str
    username: str
    sha256: str
    created_time: datetime
    md5: str | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Theme:
    """Prompts and pictures, which mixing servers hold under `name`."""

    id: int
    organisation: str
    name: str
    title: str


def check_room(room: StandingRoom) -> None:
    """Refuse a room that cannot be; raises `InputError` that names the field."""
    if not 0 < len(room.aliases) <= MOST_ALIASES:
        _refuse("aliases", f"a room has 1 to {MOST_ALIASES}")
    for alias in room.aliases:
        check_alias(alias, "aliases")
    if len(set(room.aliases)) < len(room.aliases):
        _refuse("aliases", "the same alias is given twice")
    if room.owner is not None:
        check_mail(room.owner, "owner")
    elif room.kind is Belongs.PERSON:
        _refuse("owner", "the room of a person has its mail address")
    if not room.allow_guests and room.host_pin is None:
        _refuse("hostPin", "without it nobody is kept out: set it where guests are not allowed")
    if not room.allow_guests and room.guest_pin is not None:
        _refuse("guestPin", "is for guests, and they are not allowed")
    if room.host_pin is not None and room.host_pin == room.guest_pin:
        _refuse("guestPin", "is the one of hosts: every guest would come in as host")


def check_alias(alias: str, field: str) -> None:
    """Refuse what cannot be dialled."""
    if not ALIAS.fullmatch(alias):
        _refuse(field, f"{alias[:100]!r} cannot be dialled: letters a-z, digits and . _ + - only, at most 100")


def check_username(name: str) -> None:
    """Refuse a user name that the edge's registrar cannot have."""
    if not USERNAME.fullmatch(name):
        _refuse("username", "letters a-z, digits and . _ - only, at most 64")


def check_mail(address: str, field: str) -> None:
    """Refuse what is no mail address."""
    if not MAIL.fullmatch(address):
        _refuse(field, f"{address[:100]!r} is no mail address")


def check_phone(number: str, field: str) -> str:
    """Give a telephone number without blanks; refuse what is none."""
    plain = re.sub(r"[ .()-]", "", number)
    if not PHONE.fullmatch(plain):
        _refuse(field, f"{number[:40]!r} is no telephone number: write it as +4512345678")
    return plain


def _refuse(field: str, fault: str) -> None:
    raise InputError(f"{field}: {fault}", Code.INPUT.number)
