"""Pages of meetings: the week, one meeting, its form, who is invited to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import FormData
from starlette.responses import FileResponse, RedirectResponse, Response

from hub.api.context import Hub
from hub.booking import events, invitations, journal, meetings, notices
from hub.booking.invitations import Guest
from hub.booking.meetings import Change
from hub.booking.office import home
from hub.domain import access
from hub.domain.invitation import Channel
from hub.domain.model import Caller, Meeting, SchedulingInfo
from hub.domain.standing import Language
from hub.domain.words import ProvisionStatus
from hub.errors import HubError, UnknownError
from hub.people import guard
from hub.people.guard import Person
from hub.store import rooms as room_store
from hub.store import templates
from hub.web import forms, pages
from hub.web.forms import Form
from hub.web.pages import FOLDER, Page

router = APIRouter(prefix="/web", route_class=Page, include_in_schema=False)

WEEK = timedelta(days=7)

STATIC = {"hub.js": "text/javascript", "icon.svg": "image/svg+xml", "style.css": "text/css"}

SAID = frozenset({"booked", "changed", "deleted", "ended", "invited", "withdrawn", "saved"})
"""What a page may say of the form before it."""

Said = Annotated[str, Query(alias="said", max_length=20)]
Token = Annotated[str, Path(pattern=r"^[a-z0-9]{1,26}$")]


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """Give a file of the pages."""
    if name not in STATIC:
        raise UnknownError(f"there is no file {name}")
    headers = {"cache-control": "max-age=3600", "x-content-type-options": "nosniff"}
    return FileResponse(FOLDER / "static" / name, media_type=STATIC[name], headers=headers)


@router.get("/language/{chosen}")
async def choose_language(
    request: Request, chosen: Language, destination: Annotated[str, Query(alias="next")] = "/web"
) -> Response:
    """Remember the language that somebody chose."""
    base = request.app.state.hub.office.settings.base_path
    response = RedirectResponse(f"{base}{guard.local(destination)}", 303)
    response.set_cookie(pages.COOKIE, chosen.value, max_age=pages.YEAR_SECONDS, samesite="lax", secure=True)
    return response


@router.get("")
async def week(
    request: Request, caller: Person, day: date | None = None, search: str = "", said: Said = ""
) -> Response:
    """Show the meetings of a week, or those that a search finds."""
    hub: Hub = request.app.state.hub
    zone = hub.office.zone
    first = (day or hub.office.now().astimezone(zone).date()).replace()
    if not date(2000, 1, 1) < first < date(9000, 1, 1):
        raise UnknownError("there is no such week")
    first -= timedelta(days=first.weekday())
    begin = datetime.combine(first, time(), zone).astimezone(UTC)
    end = datetime.combine(first + WEEK, time(), zone).astimezone(UTC) - timedelta(seconds=1)
    text = search.strip()[:100]
    query = meetings.Query(search=text) if text else meetings.Query(begin=begin, end=end)
    async with hub.database.read() as connection:
        found = await meetings.search(connection, hub.office, caller, query)
    days = [(list(group)) for _, group in groupby(found, key=lambda each: each.start_time.astimezone(zone).date())]
    return pages.page(
        request,
        "week",
        caller,
        days=days,
        earlier=first - WEEK,
        first=first,
        last=first + WEEK - timedelta(days=1),
        later=first + WEEK,
        live={each.uuid: hub.presence.count(each.uuid) if hub.presence else None for each in found},
        now=hub.office.now(),
        said=said if said in SAID else "",
        search=text,
        number=first.isocalendar().week,
    )


@router.get("/meetings/new")
async def new(request: Request, caller: Person) -> Response:
    """Show the form of a new meeting."""
    access.require(caller, *access.WRITERS)
    hub: Hub = request.app.state.hub
    return await _form(request, caller, forms.empty(hub.office.now(), hub.office.zone), None)


@router.post("/meetings/new")
async def book(request: Request, caller: Person) -> Response:
    """Book a meeting."""
    access.require(caller, *access.WRITERS)
    hub: Hub = request.app.state.hub
    form = forms.read(await request.form(), hub.office.zone)
    if form.faults:
        return await _form(request, caller, form, None, status=400)
    try:
        made = await meetings.create(hub.database, hub.office, caller, form.booking())
    except HubError as error:
        return await _form(request, caller, form, None, status=error.status, fault=pages.fault(request, error))
    return pages.away(request, f"/web/meetings/{made.uuid}?said=booked")


@router.get("/meetings/{uuid}")
async def show(request: Request, caller: Person, uuid: UUID, said: Said = "") -> Response:
    """Show a meeting with its room, and who is invited; that its PINs are seen is noted."""
    return await _meeting(request, caller, uuid, said=said if said in SAID else "")


@router.get("/meetings/{uuid}/edit")
async def edit(request: Request, caller: Person, uuid: UUID) -> Response:
    """Show the form of a meeting that there is."""
    access.require(caller, *access.WRITERS)
    hub: Hub = request.app.state.hub
    async with hub.database.read() as connection:
        meeting = await meetings.own(connection, caller, uuid)
    return await _form(request, caller, forms.filled(meeting, hub.office.zone), meeting)


@router.post("/meetings/{uuid}/edit")
async def change(request: Request, caller: Person, uuid: UUID) -> Response:
    """Change a meeting."""
    access.require(caller, *access.WRITERS)
    hub: Hub = request.app.state.hub
    async with hub.database.read() as connection:
        meeting = await meetings.own(connection, caller, uuid)
    form = forms.read(await request.form(), hub.office.zone)
    if form.faults:
        return await _form(request, caller, form, meeting, status=400)
    fields = form.changes()
    fields.setdefault("organized_by", meeting.organized_by.email)
    try:
        await _change(hub, caller, uuid, Change(fields))
    except HubError as error:
        return await _form(request, caller, form, meeting, status=error.status, fault=pages.fault(request, error))
    return pages.away(request, f"/web/meetings/{uuid}?said=changed")


@router.post("/meetings/{uuid}/end")
async def end(request: Request, caller: Person, uuid: UUID) -> Response:
    """End a meeting that goes on."""
    access.require(caller, *access.WRITERS)
    hub: Hub = request.app.state.hub
    await _change(hub, caller, uuid, Change({"end_time": hub.office.now()}))
    return pages.away(request, f"/web/meetings/{uuid}?said=ended")


@router.post("/meetings/{uuid}/delete")
async def delete(request: Request, caller: Person, uuid: UUID) -> Response:
    """Delete a meeting whose room is not made yet."""
    access.require(caller, *access.WRITERS)
    hub: Hub = request.app.state.hub
    await hub.database.retry(lambda connection: meetings.delete(connection, hub.office, caller, uuid))
    return pages.away(request, "/web?said=deleted")


@router.get("/meetings/{uuid}/live")
async def live(request: Request, caller: Person, uuid: UUID) -> Response:
    """Give how many are in a meeting now, as a piece of its page."""
    hub: Hub = request.app.state.hub
    async with hub.database.read() as connection:
        await meetings.own(connection, caller, uuid)
    return pages.page(request, "live", caller, count=hub.presence.count(uuid) if hub.presence else None)


@router.post("/meetings/{uuid}/invitations")
async def invite(request: Request, caller: Person, uuid: UUID) -> Response:
    """Invite somebody: by mail where the recipient has an @, else by text message."""
    access.require(caller, *access.WRITERS)
    hub: Hub = request.app.state.hub
    sent = await request.form()
    recipient, name, spoken = (_field(sent, each) for each in ("recipient", "name", "language"))
    guest = Guest(
        channel=Channel.MAIL if "@" in recipient else Channel.SMS,
        recipient=recipient,
        name=name,
        language=Language(spoken) if spoken in set(Language) else Language.DANISH,
    )
    try:
        await hub.database.retry(lambda connection: invitations.invite(connection, hub.office, caller, uuid, [guest]))
    except HubError as error:
        fault = pages.fault(request, error)
        return await _meeting(request, caller, uuid, status=error.status, fault=fault, recipient=recipient, name=name)
    return pages.away(request, f"/web/meetings/{uuid}?said=invited#invited")


@router.post("/meetings/{uuid}/invitations/{token}/withdraw")
async def withdraw(request: Request, caller: Person, uuid: UUID, token: Token) -> Response:
    """Withdraw an invitation."""
    access.require(caller, *access.WRITERS)
    hub: Hub = request.app.state.hub
    await hub.database.retry(lambda connection: invitations.withdraw(connection, hub.office, caller, uuid, token))
    return pages.away(request, f"/web/meetings/{uuid}?said=withdrawn#invited")


async def _meeting(request: Request, caller: Caller, uuid: UUID, status: int = 200, **shown: object) -> Response:
    hub: Hub = request.app.state.hub
    async with hub.database.write() as connection:
        meeting = await meetings.own(connection, caller, uuid)
        room = await room_store.by_uuid(connection, uuid)
        invited = await invitations.listed(connection, caller, uuid)
        if room is not None:
            await events.audit(connection, "read", room, caller, hub.office.now())
        if invited:
            await journal.looked(connection, hub.office, caller, "invitation", [(meeting.organisation, str(uuid))])
    values: dict[str, object] = {
        "count": hub.presence.count(uuid) if hub.presence else None,
        "deletable": room is not None and room.status is ProvisionStatus.AWAITS_PROVISION,
        "invited": invited,
        "link": notices.link(hub.office, meeting.short_id),
        "meeting": meeting,
        "name": "",
        "recipient": "",
        "room": room,
        "running": _running(meeting, room, hub.office.now()),
        "writes": caller.has(*access.WRITERS),
    }
    return pages.page(request, "meeting", caller, status=status, **(values | shown))


def _running(meeting: Meeting, room: SchedulingInfo | None, now: datetime) -> bool:
    there = room is not None and room.status is ProvisionStatus.PROVISIONED_OK
    return there and meeting.start_time <= now < meeting.end_time


async def _form(
    request: Request, caller: Caller, form: Form, meeting: Meeting | None, status: int = 200, fault: str = ""
) -> Response:
    hub: Hub = request.app.state.hub
    async with hub.database.read() as connection:
        offered = await templates.of_organisation(connection, await home(connection, caller))
    writes_for_others = caller.has(*access.ORGANISERS)
    shown = {"form": form, "meeting": meeting, "templates": offered, "others": writes_for_others}
    return pages.page(request, "form", caller, status=status, fault=fault, **shown)


async def _change(hub: Hub, caller: Caller, uuid: UUID, wanted: Change) -> Meeting:
    async def work(connection: AsyncConnection) -> Meeting:
        return await meetings.change(connection, hub.office, caller, uuid, wanted)

    return await hub.database.retry(work)


def _field(sent: FormData, name: str) -> str:
    value = sent.get(name)
    return value.strip()[:200] if isinstance(value, str) else ""
