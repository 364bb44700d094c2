"""Invitations, message templates and text messages on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from hub.api.answers import time_text
from hub.api.documents import TimeText
from hub.api.organisation.bodies import Code
from hub.api.requests import Text100, Text200
from hub.api.values import Answer, Body, Text
from hub.booking.invitations import Guest
from hub.domain.invitation import Channel, Invitation, Message, Occasion, State
from hub.domain.standing import Language
from hub.domain.wording import Wording

MOST_AT_ONCE = 100
"""People invited by one request."""

LONGEST_SMS = 1000
"""Characters of a text message: seven parts."""

LONGEST_TEXT = 10_000


class GuestBody(Body):
    """Somebody to be invited."""

    channel: Channel = Channel.MAIL
    recipient: Text200
    name: Text100 = ""
    language: Language = Language.DANISH

    def guest(self) -> Guest:
        """Give it in the work's words."""
        return Guest(self.channel, self.recipient.strip(), self.name, self.language)


Guests = Annotated[tuple[GuestBody, ...], Field(min_length=1, max_length=MOST_AT_ONCE)]


class InvitationAnswer(Answer):
    """Somebody who is invited; `state` is that of the last message to him."""

    token: str
    channel: Channel
    recipient: str
    name: str
    language: Language
    created_time: TimeText
    opened_time: TimeText | None
    joined_time: TimeText | None
    state: State | None
    fault: str | None


def written(found: Invitation, last: Message | None) -> dict[str, Any]:
    """Write an invitation."""
    return {
        "token": found.token,
        "channel": found.channel.value,
        "recipient": found.recipient,
        "name": found.name,
        "language": found.language.value,
        "createdTime": time_text(found.created_time),
        "openedTime": time_text(found.opened_time),
        "joinedTime": time_text(found.joined_time),
        "state": last.state.value if last else None,
        "fault": last.fault if last else None,
    }


class WordingBody(Body):
    """An organisation's words for an occasion."""

    organisation: Code
    occasion: Occasion
    channel: Channel
    language: Language
    subject: Text200 = ""
    text: Annotated[Text, Field(min_length=1, max_length=LONGEST_TEXT)]

    def wording(self) -> Wording:
        """Give it in the domain's words."""
        return Wording(self.organisation, self.occasion, self.channel, self.language, self.subject, self.text)


class WordingAnswer(Answer):
    """Words for an occasion; those without an organisation are ours."""

    organisation: str
    occasion: Occasion
    channel: Channel
    language: Language
    subject: str
    text: str


def words(found: Wording) -> dict[str, Any]:
    """Write words."""
    return {
        "organisation": found.organisation,
        "occasion": found.occasion.value,
        "channel": found.channel.value,
        "language": found.language.value,
        "subject": found.subject,
        "text": found.text,
    }


class SmsBody(Body):
    """A text message about a meeting; `%meeting_url%` stands for its link."""

    message: Annotated[Text, Field(min_length=1, max_length=LONGEST_SMS)]
    to: Annotated[Text, Field(min_length=1, max_length=40)]


class SmsAnswer(Answer):
    """Where a text message is."""

    status: State
