"""People invited to meetings, and the messages that reach them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from hub.domain import standing
from hub.domain.standing import Language
from hub.errors import Code, InputError

MOST_INVITED = 300
"""People invited to one meeting: a room holds no more, and it is no newsletter."""

TOKEN_LENGTH = 16
"""Letters of an invitation's link, of 32: 80 bits, so that none is found by trying; it fits a text message."""


class Channel(StrEnum):
    """How a message goes."""

    MAIL = "mail"
    SMS = "sms"


class Occasion(StrEnum):
    """What a message tells of."""

    INVITATION = "invitation"
    CHANGE = "change"
    CANCELLATION = "cancellation"


class State(StrEnum):
    """Where a message is; `void`: another has taken its place before it was sent."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody who is invited; `token` is the last part of his link, `sequence` counts what his calendar was told."""

    token: str
    meeting: UUID
    channel: Channel
    recipient: str
    name: str
    language: Language
    created_time: datetime
    sequence: int = 0
    opened_time: datetime | None = None
    joined_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A mail or text message; `reference` names it to those who carry it. `calendar` is a whole calendar file."""

    id: int
    reference: UUID
    organisation: str
    meeting: UUID
    channel: Channel
    recipient: str
    name: str
    subject: str
    text: str
    created_time: datetime
    due_time: datetime
    invitation: str | None = None
    calendar: str | None = None
    state: State = State.WAITING
    fault: str | None = None
    tries: int = 0


def recipient(channel: Channel, given: str) -> str:
    """Give a mail address or telephone number as it is used; raises `InputError`."""
    if channel is Channel.SMS:
        return standing.check_phone(given, "recipient")
    standing.check_mail(given, "recipient")
    return given


def check_name(name: str) -> str:
    """Give a name on one line; raises `InputError` for control characters."""
    plain = " ".join(name.split())
    if not plain.isprintable():
        raise InputError("name: has characters that cannot be shown", Code.INPUT.number)
    return plain
