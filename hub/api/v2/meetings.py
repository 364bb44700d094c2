"""Operations on meetings."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query, Response

from hub.api.answers import reply
from hub.api.context import Anybody, Booker
from hub.api.documents import ERRORS, MeetingAnswer, hal
from hub.api.requests import CreateMeeting, FindMeetings, PatchMeeting, UpdateMeeting, pairs
from hub.api.values import Text
from hub.booking import meetings
from hub.booking.meetings import Change
from hub.booking.office import home
from hub.errors import Code, UnknownError, refuse
from hub.settings import NullInPatch
from hub.store import meetings as store

router = APIRouter(prefix="/v2/meetings", tags=["meetings"])

REQUIRED = {"subject", "start_time", "end_time", "guest_microphone", "guest_pin_required"}
"""Fields that no meeting is without: null in PATCH cannot clear them (code 30)."""

NEITHER = ["PUT", "PATCH", "DELETE"]

Uri = Annotated[Text, Query(max_length=200)]


@router.get("", responses=hal(list[MeetingAnswer]) | ERRORS)
async def find(context: Anybody, wanted: Annotated[FindMeetings, Query()]) -> Response:
    """List meetings; the first that is given of short-id, label, subject, organizedBy, search, times, uriWithDomain."""
    query = meetings.Query(
        wanted.short_id,
        wanted.label,
        wanted.subject,
        wanted.organized_by,
        wanted.search,
        wanted.from_start_time,
        wanted.to_start_time,
        wanted.uri_with_domain,
    )
    async with context.database.read() as connection:
        found = await meetings.search(connection, context.office, context.caller, query)
    return reply([context.links.meeting(each) for each in found])


@router.get("/findByUriWithDomain", responses=hal(MeetingAnswer) | ERRORS)
async def find_by_uri_with_domain(context: Anybody, uri: Uri) -> Response:
    """Give the meeting whose room has this address."""
    async with context.database.read() as connection:
        await home(connection, context.caller)
        sight = await meetings.sight_by_address(connection, context.office, context.caller)
        found = await store.by_address(connection, sight, uri)
    if not found:
        raise UnknownError(f"no meeting has the address {uri}")
    return reply(context.links.meeting(found[-1]))


@router.get("/findByUriWithoutDomain", responses=hal(MeetingAnswer) | ERRORS)
async def find_by_uri_without_domain(context: Anybody, uri: Uri) -> Response:
    """Give the meeting whose room has this part before the @."""
    async with context.database.read() as connection:
        await home(connection, context.caller)
        sight = await meetings.sight_by_address(connection, context.office, context.caller)
        found = await store.by_uri_without_domain(connection, sight, uri)
    if not found:
        raise UnknownError(f"no meeting has an address that begins with {uri}@")
    return reply(context.links.meeting(found[-1]))


@router.api_route("/findByUriWithDomain", methods=NEITHER, include_in_schema=False)
@router.api_route("/findByUriWithoutDomain", methods=NEITHER, include_in_schema=False)
async def not_a_meeting() -> Response:
    """Refuse to take the words for the uuid of a meeting."""
    raise HTTPException(405)


@router.post("", responses=hal(MeetingAnswer) | ERRORS)
async def create(context: Booker, body: CreateMeeting) -> Response:
    """Make a meeting and its room."""
    made = await meetings.create(context.database, context.office, context.caller, body.booking())
    return reply(context.links.meeting(made))


@router.get("/{uuid}", responses=hal(MeetingAnswer) | ERRORS)
async def read(context: Anybody, uuid: UUID) -> Response:
    """Give a meeting."""
    async with context.database.read() as connection:
        found = await meetings.own(connection, context.caller, uuid)
    return reply(context.links.meeting(found))


@router.put("/{uuid}", responses=hal(MeetingAnswer) | ERRORS)
async def replace(context: Booker, uuid: UUID, body: UpdateMeeting) -> Response:
    """Change a meeting to what the body says; without organizedByEmail it moves to the caller."""
    fields: dict[str, Any] = {
        "subject": body.subject,
        "start_time": body.start_time,
        "end_time": body.end_time,
        "description": body.description,
        "project_code": body.project_code,
        "organized_by": body.organized_by_email,
        "labels": body.labels or (),
        "additional_information": pairs(body.additional_information),
    }
    return await _change(context, uuid, Change(fields))


@router.patch("/{uuid}", responses=hal(MeetingAnswer) | ERRORS)
async def patch(context: Booker, uuid: UUID, body: PatchMeeting) -> Response:
    """Change what the body names and leave the rest."""
    given = body.given()
    if context.office.settings.null_in_patch is NullInPatch.IGNORED:
        given = {name: value for name, value in given.items() if value is not None}
    for name in REQUIRED & given.keys():
        if given[name] is None:
            raise refuse(Code.NULL, name)
    if "organized_by_email" in given:
        given["organized_by"] = given.pop("organized_by_email")
    if "labels" in given:
        given["labels"] = given["labels"] or ()
    if "additional_information" in given:
        given["additional_information"] = pairs(given["additional_information"])
    return await _change(context, uuid, Change(given))


@router.delete("/{uuid}", status_code=204, responses=ERRORS)
async def delete(context: Booker, uuid: UUID) -> Response:
    """Delete a meeting whose room nobody works on yet."""
    await context.database.retry(lambda connection: meetings.delete(connection, context.office, context.caller, uuid))
    return Response(status_code=204)


async def _change(context: Booker, uuid: UUID, change: Change) -> Response:
    changed = await context.database.retry(
        lambda connection: meetings.change(connection, context.office, context.caller, uuid, change)
    )
    return reply(context.links.meeting(changed))
