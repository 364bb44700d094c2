"""Where short links lead: to the portal, for a meeting or for one person who was invited."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Request
from starlette.responses import RedirectResponse, Response

from hub.api.context import Hub
from hub.domain.invitation import TOKEN_LENGTH
from hub.domain.model import Meeting
from hub.domain.words import ProvisionStatus
from hub.errors import UnknownError
from hub.store import invitations, meetings, rooms
from hub.web import pages
from hub.web.pages import Page

router = APIRouter(route_class=Page, include_in_schema=False)

Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9]{1,26}$")]

GONE = frozenset(
    {
        ProvisionStatus.STARTING_TO_DEPROVISION,
        ProvisionStatus.DEPROVISION_PROBLEMS,
        ProvisionStatus.DEPROVISION_OK,
    }
)
"""States in which nobody is let in any more."""


@router.get("/")
async def first(request: Request) -> Response:
    """Lead from the first page to the meetings."""
    return pages.away(request, "/web")


@router.api_route("/s/{token}", methods=["GET", "HEAD"])
async def follow(request: Request, token: Token) -> Response:
    """Lead to the portal; an invitation is opened by it, unless a program only looks whether the link is there."""
    hub: Hub = request.app.state.hub
    async with hub.database.read() as connection:
        invited = await invitations.by_token(connection, token) if len(token) == TOKEN_LENGTH else None
        meeting: Meeting | None
        if invited is not None:
            meeting = await meetings.by_uuid(connection, invited.meeting)
        else:
            meeting = await meetings.by_short_id(connection, token)
        room = await rooms.by_uuid(connection, meeting.uuid) if meeting else None
    if room is None:
        return pages.page(request, "link", status=404, lacks="unknown")
    if room.status in GONE or room.portal_link is None:
        return pages.page(request, "link", status=410, lacks="gone")
    looked = request.headers.get("sec-purpose", request.headers.get("purpose", ""))
    if invited is not None and request.method == "GET" and "prefetch" not in looked:
        now = hub.office.now()
        await hub.database.retry(lambda connection: invitations.seen(connection, token, now, joined=False))
    target = room.portal_link
    if invited is not None and hub.office.settings.post.tell_portal:
        target += ("&" if "?" in target else "?") + urlencode({"invitation": token})
    return RedirectResponse(target, 302, {"cache-control": "no-store", "referrer-policy": "no-referrer"})


@router.post("/s/{token}/joined", status_code=204)
async def joined(request: Request, token: Token) -> Response:
    """Take the portal's word that who was invited by this link has come in; whoever has the link may say so."""
    hub: Hub = request.app.state.hub
    async with hub.database.read() as connection:
        invited = await invitations.by_token(connection, token)
    if invited is None:
        raise UnknownError("there is no such invitation")
    now = hub.office.now()
    await hub.database.retry(lambda connection: invitations.seen(connection, token, now, joined=True))
    return Response(status_code=204)
