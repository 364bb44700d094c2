"""Pages beside meetings: permanent rooms, templates and what people are written, the clinical share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from hub.api.context import Hub
from hub.api.invitations.bodies import LONGEST_TEXT
from hub.booking import classes, invitations, journal, standing
from hub.booking.office import home
from hub.domain import access, wording
from hub.domain.invitation import Channel, Occasion
from hub.domain.model import Caller
from hub.domain.standing import Language, StandingRoom
from hub.domain.wording import OURS, Wording
from hub.domain.words import Role, Use
from hub.errors import HubError, UnknownError
from hub.people.guard import Person
from hub.store import templates
from hub.web import pages
from hub.web.pages import Page

router = APIRouter(prefix="/web", route_class=Page, include_in_schema=False)

MONTH = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])")


@router.get("/rooms")
async def rooms(request: Request, caller: Person) -> Response:
    """Show the permanent rooms that somebody sees; that their PINs are seen is noted."""
    hub: Hub = request.app.state.hub

    async def look(connection: AsyncConnection) -> list[StandingRoom]:
        found = await standing.rooms(connection, caller)
        things = [(each.organisation, str(each.uuid)) for each in found]
        await journal.looked(connection, hub.office, caller, "room", things)
        return found

    found = await hub.database.retry(look)
    return pages.page(request, "rooms", caller, rooms=found)


@router.get("/templates")
async def show(request: Request, caller: Person, said: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Show an administrator the templates of rooms, and what people are written."""
    return await _templates(request, caller, said="saved" if said == "saved" else "")


@router.post("/templates")
async def say(request: Request, caller: Person) -> Response:
    """Set what the organisation writes for an occasion; an empty text takes it away."""
    access.require(caller, Role.ADMIN)
    hub: Hub = request.app.state.hub
    sent = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        place = Occasion(sent["occasion"]), Channel(sent["channel"]), Language(sent["language"])
    except (KeyError, ValueError):
        raise UnknownError("there is no such occasion") from None
    text = sent.get("text", "").replace("\r\n", "\n").replace("\x00", "").strip()[:LONGEST_TEXT]
    subject = " ".join(sent.get("subject", "").replace("\x00", "").split())[:200]
    wanted = Wording(caller.organisation or "", *place, subject, text)

    async def work(connection: AsyncConnection) -> None:
        if text:
            await invitations.say(connection, hub.office, caller, wanted)
        else:
            await invitations.hush(connection, hub.office, caller, wanted)

    try:
        await hub.database.retry(work)
    except HubError as error:
        fault = pages.fault(request, error)
        return await _templates(request, caller, status=error.status, fault=fault, typed=wanted)
    return pages.away(request, "/web/templates?said=saved")


async def _templates(
    request: Request, caller: Caller, status: int = 200, typed: Wording | None = None, **shown: object
) -> Response:
    access.require(caller, Role.ADMIN)
    hub: Hub = request.app.state.hub
    async with hub.database.read() as connection:
        organisation = await home(connection, caller)
        offered = await templates.of_organisation(connection, organisation)
        own = await invitations.words(connection, caller)
    theirs = {
        (each.occasion, each.channel, each.language): each for each in own if each.organisation == organisation.code
    }
    if typed is not None:
        theirs[typed.occasion, typed.channel, typed.language] = typed
    said = [theirs.get((each.occasion, each.channel, each.language), each) for each in OURS]
    names = sorted(wording.NAMES)
    return pages.page(
        request, "templates", caller, status=status, templates=offered, wordings=said, names=names, **shown
    )


@router.get("/share")
async def share(request: Request, caller: Person, month: Annotated[str, Query(max_length=7)] = "") -> Response:
    """Show an administrator how many meetings of a month were clinical, by organisation."""
    access.require(caller, Role.ADMIN)
    hub: Hub = request.app.state.hub
    zone = hub.office.zone
    wanted = MONTH.fullmatch(month or f"{hub.office.now().astimezone(zone):%Y-%m}")
    if wanted is None:
        raise UnknownError("month: give one such as 2026-11")
    year, number = int(wanted[1]), int(wanted[2])
    begin = datetime(year, number, 1, tzinfo=zone)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    period = begin.astimezone(UTC), end.astimezone(UTC)
    found = await hub.database.retry(
        lambda connection: classes.shares(connection, hub.office, caller, caller.organisation or "", period)
    )
    return pages.page(request, "share", caller, shares=found, month=wanted[0], uses=list(Use))
