"""Statements about invitations, the messages that carry them, and organisations' own words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.invitation import Channel, Invitation, Message, Occasion, State
from hub.domain.model import Organisation
from hub.domain.standing import Language
from hub.domain.wording import Wording
from hub.store.standing_tables import invitations as table
from hub.store.standing_tables import messages, wordings
from hub.store.tables import meetings, organisations

PLAIN = ("token", "recipient", "name", "sequence", "created_time", "opened_time", "joined_time")
MESSAGE = tuple(each.name for each in fields(Message) if each.name not in {"id", "organisation", "meeting"})


async def add(connection: AsyncConnection, invitation: Invitation) -> None:
    """Add an invitation."""
    words = {"channel": invitation.channel, "language": invitation.language, "meeting_uuid": invitation.meeting}
    await connection.execute(insert(table).values({name: getattr(invitation, name) for name in PLAIN} | words))


async def remove(connection: AsyncConnection, token: str) -> None:
    """Remove an invitation; its link leads nowhere any more."""
    await connection.execute(delete(table).where(table.c.token == token))


async def of_meeting(connection: AsyncConnection, uuid: UUID) -> list[Invitation]:
    """List who is invited to a meeting, in the order of their invitation."""
    statement = select(table).where(table.c.meeting_uuid == uuid).order_by(table.c.created_time, table.c.token)
    return [_invitation(row) for row in (await connection.execute(statement)).mappings()]


async def by_token(connection: AsyncConnection, token: str) -> Invitation | None:
    """Find an invitation by the last part of its link."""
    row = (await connection.execute(select(table).where(table.c.token == token))).mappings().first()
    return _invitation(row) if row else None


async def counted(connection: AsyncConnection, token: str, sequence: int) -> None:
    """Write down what a calendar has been told."""
    await connection.execute(update(table).where(table.c.token == token).values(sequence=sequence))


async def seen(connection: AsyncConnection, token: str, now: datetime, *, joined: bool) -> None:
    """Write down that somebody has opened his link, or come in; the first time counts."""
    await _first_time(connection, token, table.c.opened_time, now)
    if joined:
        await _first_time(connection, token, table.c.joined_time, now)


async def _first_time(connection: AsyncConnection, token: str, column: ColumnElement[datetime], now: datetime) -> None:
    first = table.c.token == token, column.is_(None)
    await connection.execute(update(table).where(*first).values({column: now}))


async def post(connection: AsyncConnection, message: Message, organisation: Organisation) -> None:
    """Put a message among those to be sent; its `id` is ignored."""
    values = {name: getattr(message, name) for name in MESSAGE}
    await connection.execute(
        insert(messages).values(values | {"organisation_id": organisation.id, "meeting_uuid": message.meeting})
    )


async def void(connection: AsyncConnection, token: str) -> bool:
    """Take back what of an invitation is not sent yet; tells whether something was sent already."""
    mine = messages.c.invitation == token
    waiting = messages.c.state == State.WAITING
    await connection.execute(update(messages).where(mine, waiting).values(state=State.VOID))
    statement = select(messages.c.id).where(mine, messages.c.state != State.VOID).limit(1)
    return (await connection.execute(statement)).first() is not None


async def take(connection: AsyncConnection, now: datetime, hold: timedelta, most: int) -> list[Message]:
    """Take messages that are due, for the time `hold`: who ends without a word leaves them to the next after it."""
    statement = (
        select(messages, organisations.c.code)
        .join(organisations, messages.c.organisation_id == organisations.c.id)
        .where(messages.c.state == State.WAITING, messages.c.due_time <= now)
        .order_by(messages.c.due_time, messages.c.id)
        .limit(most)
        .with_for_update(of=messages, skip_locked=True)
    )
    found = [_message(row) for row in (await connection.execute(statement)).mappings()]
    held = messages.c.id.in_([each.id for each in found])
    await connection.execute(update(messages).where(held).values(due_time=now + hold, tries=messages.c.tries + 1))
    return found


async def settle(
    connection: AsyncConnection, message: Message, state: State, fault: str | None, due: datetime | None = None
) -> None:
    """Write down what became of a message; `due`: when it is tried again."""
    again = {} if due is None else {"due_time": due}
    values = {"state": state, "fault": fault[:200] if fault else None, **again}
    waiting = messages.c.id == message.id, messages.c.state == State.WAITING
    await connection.execute(update(messages).where(*waiting).values(values))


async def messages_of(connection: AsyncConnection, uuid: UUID, *channels: Channel) -> list[Message]:
    """List the messages about a meeting, the newest last."""
    statement = (
        select(messages, organisations.c.code)
        .join(organisations, messages.c.organisation_id == organisations.c.id)
        .where(messages.c.meeting_uuid == uuid, messages.c.channel.in_(channels))
        .order_by(messages.c.id)
    )
    return [_message(row) for row in (await connection.execute(statement)).mappings()]


async def waiting(connection: AsyncConnection) -> int:
    """Count the messages that are still to be sent."""
    statement = select(func.count()).select_from(messages).where(messages.c.state == State.WAITING)
    count: int = (await connection.execute(statement)).scalar_one()
    return count


async def forget(connection: AsyncConnection, before: datetime) -> int:
    """Delete invitations to meetings that ended, and messages that were written, before a time; gives how many."""
    over = select(meetings.c.uuid).where(meetings.c.end_time < before)
    gone = await connection.execute(delete(table).where(table.c.meeting_uuid.in_(over)))
    ended = messages.c.meeting_uuid.in_(over) | messages.c.meeting_uuid.not_in(select(meetings.c.uuid))
    told = await connection.execute(delete(messages).where(messages.c.created_time < before, ended))
    return gone.rowcount + told.rowcount


async def words_of(connection: AsyncConnection, codes: Iterable[str]) -> list[Wording]:
    """List the words of organisations."""
    statement = (
        select(wordings, organisations.c.code)
        .join(organisations, wordings.c.organisation_id == organisations.c.id)
        .where(organisations.c.code.in_(list(codes)))
        .order_by(organisations.c.code, wordings.c.occasion, wordings.c.channel, wordings.c.language)
    )
    return [_wording(row) for row in (await connection.execute(statement)).mappings()]


async def say(connection: AsyncConnection, wording: Wording, organisation: Organisation) -> None:
    """Write an organisation's words for an occasion, in place of those it had."""
    await hush(connection, wording, organisation)
    place = {"occasion": wording.occasion, "channel": wording.channel, "language": wording.language}
    texts = {"subject": wording.subject, "text": wording.text, "organisation_id": organisation.id}
    await connection.execute(insert(wordings).values(place | texts))


async def hush(connection: AsyncConnection, wording: Wording, organisation: Organisation) -> bool:
    """Take an organisation's words for an occasion away; tells whether it had any."""
    at: Sequence[ColumnElement[bool]] = (
        wordings.c.organisation_id == organisation.id,
        wordings.c.occasion == wording.occasion,
        wordings.c.channel == wording.channel,
        wordings.c.language == wording.language,
    )
    return (await connection.execute(delete(wordings).where(*at))).rowcount > 0


def _invitation(row: RowMapping) -> Invitation:
    values: dict[str, Any] = {name: row[name] for name in PLAIN}
    words: dict[str, Any] = {"channel": Channel(row["channel"]), "language": Language(row["language"])}
    return Invitation(meeting=row["meeting_uuid"], **words, **values)


def _message(row: RowMapping) -> Message:
    values: dict[str, Any] = {name: row[name] for name in MESSAGE}
    values |= {"channel": Channel(row["channel"]), "state": State(row["state"])}
    return Message(id=row["id"], organisation=row["code"], meeting=row["meeting_uuid"], **values)


def _wording(row: RowMapping) -> Wording:
    place = Occasion(row["occasion"]), Channel(row["channel"]), Language(row["language"])
    return Wording(row["code"], *place, row["subject"], row["text"])
