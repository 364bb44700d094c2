"""What people who are invited are written, in words of the organisation: when the meeting changes, or is not held."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking.office import Office, named
from hub.domain import calendar, standing, wording
from hub.domain.invitation import Channel, Invitation, Message, Occasion
from hub.domain.model import Meeting, Organisation, SchedulingInfo
from hub.domain.wording import Facts, Wording
from hub.store import invitations as store
from hub.store import organisations

NOBODY = "noreply"
"""Who organises a meeting of somebody without a mail address."""


async def changed(
    connection: AsyncConnection, office: Office, before: Meeting, meeting: Meeting, room: SchedulingInfo
) -> None:
    """Tell those who are invited of a change that they need to know of."""
    same = all(
        getattr(before, name) == getattr(meeting, name) for name in ("subject", "description", "start_time", "end_time")
    )
    if same or meeting.end_time <= office.now():
        return
    for each in await store.of_meeting(connection, meeting.uuid):
        sent = await store.void(connection, each.token)
        occasion = Occasion.CHANGE if sent else Occasion.INVITATION
        again = replace(each, sequence=each.sequence + 1)
        await store.counted(connection, each.token, again.sequence)
        await write(connection, office, again, meeting, room, occasion)


async def cancelled(connection: AsyncConnection, office: Office, meeting: Meeting, room: SchedulingInfo) -> None:
    """Tell those who are invited that the meeting is not held; called before it is removed."""
    for each in await store.of_meeting(connection, meeting.uuid):
        await cancel(connection, office, each, meeting, room)
        await store.remove(connection, each.token)


def link(office: Office, token: str) -> str:
    """Give the link of an invitation or a meeting."""
    return f"{office.settings.short_link_base}{token}"


async def cancel(
    connection: AsyncConnection, office: Office, found: Invitation, meeting: Meeting, room: SchedulingInfo
) -> None:
    """Tell somebody that the meeting is not held, or that he is not invited any more."""
    sent = await store.void(connection, found.token)
    if sent and meeting.end_time > office.now():
        last = replace(found, sequence=found.sequence + 1)
        await write(connection, office, last, meeting, room, Occasion.CANCELLATION)


async def write(
    connection: AsyncConnection,
    office: Office,
    found: Invitation,
    meeting: Meeting,
    room: SchedulingInfo,
    occasion: Occasion,
    text: str | None = None,
) -> Message:
    """Put a message to somebody among those to be sent; `text`: words in place of the organisation's."""
    organisation = await named(connection, meeting.organisation)
    said = await _words(connection, organisation, occasion, found)
    facts = _facts(office, found, meeting, room)
    filled = wording.values(facts, found.language, office.zone)
    message = Message(
        id=0,
        reference=office.new_uuid(),
        organisation=organisation.code,
        meeting=meeting.uuid,
        channel=found.channel,
        recipient=found.recipient,
        name=found.name,
        subject=" ".join(wording.fill(said.subject, filled).split()),
        text=text.replace("%meeting_url%", facts.link) if text else wording.fill(said.text, filled),
        created_time=office.now(),
        due_time=office.now(),
        invitation=found.token,
        calendar=_calendar(office, found, meeting, facts, occasion) if found.channel is Channel.MAIL else None,
    )
    await store.post(connection, message, organisation)
    return message


async def _words(
    connection: AsyncConnection, organisation: Organisation, occasion: Occasion, found: Invitation
) -> Wording:
    """Find the words of the organisation, else of the nearest above, else ours."""
    place = occasion, found.channel, found.language
    near = [organisation, *await organisations.ancestors(connection, organisation)]
    theirs = await store.words_of(connection, [each.code for each in near])
    fitting = {each.organisation: each for each in theirs if (each.occasion, each.channel, each.language) == place}
    ours = next(each for each in wording.OURS if (each.occasion, each.channel, each.language) == place)
    return next((fitting[each.code] for each in near if each.code in fitting), ours)


def _facts(office: Office, found: Invitation, meeting: Meeting, room: SchedulingInfo) -> Facts:
    return Facts(
        full_name=found.name,
        subject=meeting.subject,
        description=meeting.description or "",
        start=meeting.start_time,
        end=meeting.end_time,
        link=link(office, found.token),
        address=room.uri_with_domain or "",
        guest_pin="" if room.guest_pin is None else str(room.guest_pin),
        organiser=meeting.organized_by.email or "",
    )


def _calendar(office: Office, found: Invitation, meeting: Meeting, facts: Facts, occasion: Occasion) -> str:
    host = urlsplit(office.settings.short_link_base).hostname or "localhost"
    event = calendar.Event(
        uid=f"{meeting.uuid}@{host}",
        sequence=found.sequence,
        stamp=office.now(),
        start=meeting.start_time,
        end=meeting.end_time,
        summary=facts.subject,
        description=f"{facts.description}\n\n{facts.link}".strip(),
        link=facts.link,
        organiser=facts.organiser if standing.MAIL.fullmatch(facts.organiser) else f"{NOBODY}@{host}",
        attendee=found.recipient,
        attendee_name=found.name or found.recipient,
    )
    return calendar.written(event, "CANCEL" if occasion is Occasion.CANCELLATION else "REQUEST", office.zone)
