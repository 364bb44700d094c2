"""People invited to meetings: written to when they are invited, when the meeting changes, and when it is cancelled."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import meetings, notices
from hub.booking import organisations as places
from hub.booking.office import Office, named
from hub.domain import invitation, wording
from hub.domain.invitation import Channel, Invitation, Message, Occasion
from hub.domain.model import Caller
from hub.domain.standing import Language
from hub.domain.wording import Wording
from hub.errors import Code, InputError, UnknownError
from hub.store import invitations as store
from hub.store import rooms as room_store

LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Letters of links: none looks like another to whoever types one."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody to be invited; `text`: his own words in place of the template's, `%meeting_url%` is his link."""

    channel: Channel
    recipient: str
    name: str = ""
    language: Language = Language.DANISH
    text: str | None = None


async def invite(
    connection: AsyncConnection, office: Office, caller: Caller, uuid: UUID, guests: Sequence[Guest]
) -> list[Message]:
    """Invite people to a meeting that the caller may change; who is invited already is written to again.

    Raises `InputError` where a recipient is none, or a channel is not set up.
    """
    meeting = await meetings.own(connection, caller, uuid, lock=True)
    room = await room_store.by_uuid(connection, uuid)
    if room is None or meeting.end_time <= office.now():
        raise InputError("the meeting is over: nobody can be invited any more", Code.INPUT.number)
    known = {(each.channel, each.recipient.lower()): each for each in await store.of_meeting(connection, uuid)}
    posted = []
    for guest in guests:
        _check_channel(office, guest.channel)
        recipient = invitation.recipient(guest.channel, guest.recipient)
        found = known.get((guest.channel, recipient.lower()))
        if found is None:
            token = "".join(secrets.choice(LETTERS) for _ in range(invitation.TOKEN_LENGTH))
            name = invitation.check_name(guest.name)
            found = Invitation(token, uuid, guest.channel, recipient, name, guest.language, office.now())
            known[guest.channel, recipient.lower()] = found
            await store.add(connection, found)
        if len(known) > invitation.MOST_INVITED:
            raise InputError(f"at most {invitation.MOST_INVITED} people are invited to a meeting", Code.INPUT.number)
        posted.append(await notices.write(connection, office, found, meeting, room, Occasion.INVITATION, guest.text))
    organisation = await named(connection, meeting.organisation)
    await places.noted(connection, office, caller, "create", organisation, "invitation", meeting=str(uuid))
    return posted


async def listed(connection: AsyncConnection, caller: Caller, uuid: UUID) -> list[tuple[Invitation, Message | None]]:
    """List who is invited, with the last message to each."""
    await meetings.own(connection, caller, uuid)
    last = {each.invitation: each for each in await store.messages_of(connection, uuid, *Channel)}
    return [(each, last.get(each.token)) for each in await store.of_meeting(connection, uuid)]


async def withdraw(connection: AsyncConnection, office: Office, caller: Caller, uuid: UUID, token: str) -> None:
    """Withdraw an invitation: its link leads nowhere any more, and whoever was written to is told."""
    meeting = await meetings.own(connection, caller, uuid, lock=True)
    found = await store.by_token(connection, token)
    if found is None or found.meeting != uuid:
        raise UnknownError("there is no such invitation")
    room = await room_store.by_uuid(connection, uuid)
    if room is not None:
        await notices.cancel(connection, office, found, meeting, room)
    await store.remove(connection, token)


async def words(connection: AsyncConnection, caller: Caller) -> list[Wording]:
    """List the words of the caller's part of the tree."""
    return await store.words_of(connection, [each.code for each in await places.below(connection, caller)])


async def say(connection: AsyncConnection, office: Office, caller: Caller, wanted: Wording) -> Wording:
    """Write an organisation's words for an occasion; raises `InputError` for a placeholder that there is not."""
    organisation = await places.find(connection, caller, wanted.organisation)
    wording.check(wanted.subject, "subject")
    wording.check(wanted.text, "text")
    await store.say(connection, wanted, organisation)
    await places.noted(connection, office, caller, "update", organisation, "messageTemplate")
    return wanted


async def hush(connection: AsyncConnection, office: Office, caller: Caller, wanted: Wording) -> None:
    """Take an organisation's words for an occasion away: those above it, or ours, are written again."""
    organisation = await places.find(connection, caller, wanted.organisation)
    if not await store.hush(connection, wanted, organisation):
        raise UnknownError("the organisation has no such words of its own")
    await places.noted(connection, office, caller, "delete", organisation, "messageTemplate")


def _check_channel(office: Office, channel: Channel) -> None:
    settings = office.settings.post
    if (settings.mail if channel is Channel.MAIL else settings.sms) is None:
        names = {Channel.MAIL: "mail", Channel.SMS: "text messages"}
        raise InputError(f"{names[channel]} cannot be sent here: post.{channel} is not set up", Code.INPUT.number)
