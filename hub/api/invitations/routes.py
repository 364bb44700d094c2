"""Operations on invitations and message templates, and the SMS API (`/sms/v1`)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.api.answers import reply
from hub.api.context import Administrator, Anybody, Booker
from hub.api.documents import ERRORS, hal
from hub.api.invitations import bodies
from hub.api.invitations.bodies import (
    Guests,
    InvitationAnswer,
    SmsAnswer,
    SmsBody,
    WordingAnswer,
    WordingBody,
)
from hub.api.organisation.bodies import Code
from hub.api.organisation.routes import REFUSALS, good
from hub.booking import invitations as work
from hub.booking import journal, meetings
from hub.booking.invitations import Guest
from hub.domain.invitation import Channel, Invitation, Message, Occasion
from hub.domain.standing import Language
from hub.domain.wording import OURS, Wording
from hub.store import invitations as store

router = APIRouter(tags=["invitations"])

Token = Annotated[str, Path(pattern=r"^[a-z0-9]{1,26}$")]


@router.get("/services/v2/meeting/{uuid}/invitation", responses=good(list[InvitationAnswer]))
async def list_invited(context: Anybody, uuid: UUID) -> Response:
    """List who is invited to a meeting, and who has opened his link and come in."""

    async def look(connection: AsyncConnection) -> list[tuple[Invitation, Message | None]]:
        found = await work.listed(connection, context.caller, uuid)
        whose = [(context.caller.organisation or "", str(uuid))]
        await journal.looked(connection, context.office, context.caller, "invitation", whose)
        return found

    return reply([bodies.written(*each) for each in await context.database.retry(look)])


@router.post("/services/v2/meeting/{uuid}/invitation", responses=good(list[InvitationAnswer]))
async def invite(context: Booker, uuid: UUID, body: Guests) -> Response:
    """Invite people by mail or text message; they are also told when the meeting changes or is cancelled."""

    async def post(connection: AsyncConnection) -> list[Message]:
        guests = [each.guest() for each in body]
        return await work.invite(connection, context.office, context.caller, uuid, guests)

    await context.database.retry(post)
    return await list_invited(context, uuid)


@router.delete("/services/v2/meeting/{uuid}/invitation/{token}", status_code=204, responses=REFUSALS)
async def withdraw(context: Booker, uuid: UUID, token: Token) -> Response:
    """Withdraw an invitation: its link leads nowhere any more."""

    async def drop(connection: AsyncConnection) -> None:
        await work.withdraw(connection, context.office, context.caller, uuid, token)

    await context.database.retry(drop)
    return Response(status_code=204)


@router.get("/services/v2/message-template", responses=good(list[WordingAnswer]))
async def list_words(context: Anybody) -> Response:
    """List message templates: ours, which stand where no organisation has its own, and those of the caller's part."""
    async with context.database.read() as connection:
        found = await work.words(connection, context.caller)
    return reply([bodies.words(each) for each in (*OURS, *found)])


@router.put("/services/v2/message-template", responses=good(WordingAnswer))
async def say(context: Administrator, body: WordingBody) -> Response:
    """Set an organisation's words for an occasion, channel and language."""

    async def change(connection: AsyncConnection) -> Wording:
        return await work.say(connection, context.office, context.caller, body.wording())

    return reply(bodies.words(await context.database.retry(change)))


@router.delete("/services/v2/message-template", status_code=204, responses=REFUSALS)
async def hush(
    context: Administrator,
    organisation: Annotated[Code, Query(alias="organisationCode")],
    occasion: Occasion,
    channel: Channel,
    language: Language,
) -> Response:
    """Take an organisation's words away: those of the nearest above, or ours, are written again."""
    wanted = Wording(organisation, occasion, channel, language, "", "")

    async def change(connection: AsyncConnection) -> None:
        await work.hush(connection, context.office, context.caller, wanted)

    await context.database.retry(change)
    return Response(status_code=204)


@router.post("/sms/v1/meeting/{uuid}", responses=hal(SmsAnswer) | ERRORS, tags=["sms"])
async def send_sms(context: Booker, uuid: UUID, body: SmsBody) -> Response:
    """Send a text message about a meeting."""

    async def post(connection: AsyncConnection) -> list[Message]:
        guest = Guest(Channel.SMS, body.to, text=body.message)
        return await work.invite(connection, context.office, context.caller, uuid, [guest])

    (made,) = await context.database.retry(post)
    return reply({"status": made.state.value})


@router.get("/sms/v1/meeting/{uuid}", responses=hal(list[SmsAnswer]) | ERRORS, tags=["sms"])
async def sms_states(context: Anybody, uuid: UUID) -> Response:
    """Tell what became of the text messages about a meeting."""
    async with context.database.read() as connection:
        await meetings.own(connection, context.caller, uuid)
        found = await store.messages_of(connection, uuid, Channel.SMS)
    return reply([{"status": each.state.value} for each in found])
