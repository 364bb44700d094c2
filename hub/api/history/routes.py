"""The history API: conferences and who took part, for systems that have an organisation's key; the use of a month."""

from __future__ import annotations

import csv
import io
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.api.answers import Json, reply, time_text
from hub.api.context import Administrator, Context, Hub
from hub.api.documents import ERRORS, TimeText, hal
from hub.api.organisation.routes import REFUSALS, good
from hub.api.values import Answer, Text, Time
from hub.booking import history
from hub.domain.history import Call, Conference, Media, Usage
from hub.domain.words import Field as FieldOfUse
from hub.domain.words import Use
from hub.errors import UnauthenticatedError

MOST = 5000
"""Conferences of one answer: some megabytes."""

MAX_KEY = 250
"""Characters of a key that are looked at: ours have 36."""

MONTH = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"

router = APIRouter(tags=["history"])

Month = Annotated[Text, Query(pattern=MONTH, description="such as 2026-11")]
OrganisationCode = Annotated[Text | None, Query(alias="organisationCode", max_length=250)]


class MetaAnswer(Answer):
    """How much there is: `total_count` conferences, of which these are `limit` at most from `offset` on."""

    limit: int
    offset: int
    total: Annotated[int, Field(alias="total_count")]


class ParticipantAnswer(Answer):
    """One call of a conference; `duration` in seconds. `source` is empty when details are no longer kept."""

    call: Annotated[str, Field(alias="call_uuid")]
    source: Annotated[str, Field(alias="source_alias")]
    zone: str
    peer: str
    protocol: str
    has_video: Annotated[bool, Field(alias="has_video")]
    begins: Annotated[TimeText, Field(alias="start_time")]
    ends: Annotated[TimeText, Field(alias="end_time")]
    duration: int
    ended_by: Annotated[str, Field(alias="disconnect_by")]


class StreamAnswer(Answer):
    """One stream of a participation: packets of all of it; jitter and round trip in milliseconds (0: not known)."""

    media: str
    encoding: str
    received: int
    lost: int
    sent: int
    sent_lost: Annotated[int, Field(alias="sent_lost")]
    jitter: float
    round_trip: Annotated[float, Field(alias="round_trip")]
    width: int
    height: int
    encrypted: bool


class MediaAnswer(Answer):
    """How one participation was received and sent, as the mixing server saw it; `domain`: from whose network."""

    domain: str
    begins: Annotated[TimeText, Field(alias="start_time")]
    ends: Annotated[TimeText, Field(alias="end_time")]
    streams: list[StreamAnswer]


class ConferenceAnswer(Answer):
    """Calls to one room from when somebody came until nobody was left; `duration` in seconds."""

    ident: Annotated[str, Field(alias="id")]
    name: str
    meeting: Annotated[str | None, Field(alias="meeting_uuid")]
    organisation: Annotated[str, Field(alias="organisation_code")]
    use: Use | None
    field: FieldOfUse | None
    begins: Annotated[TimeText, Field(alias="start_time")]
    ends: Annotated[TimeText, Field(alias="end_time")]
    duration: int
    count: Annotated[int, Field(alias="participant_count")]
    minutes: Annotated[int, Field(alias="participant_minutes")]
    participants: list[ParticipantAnswer]
    media: list[MediaAnswer]


class HistoryAnswer(Answer):
    """Conferences in the order in which they began."""

    meta: MetaAnswer
    objects: list[ConferenceAnswer]


class UsageAnswer(Answer):
    """What an organisation used; without `use` all classes and fields together."""

    organisation_code: str
    organisation_name: str
    use: Use | None
    field: FieldOfUse | None
    meetings: int
    participants: int
    minutes: int
    peak_ports: int


@router.get(
    "/apikey/history/v1/conference",
    responses=hal(HistoryAnswer) | ERRORS,
    openapi_extra={"security": []},  # the key is a parameter
)
async def conferences(
    request: Request,
    key: Annotated[Text | None, Header(alias="x-api-key", max_length=MAX_KEY)] = None,
    begin: Annotated[Time | None, Query(alias="start_time__gte")] = None,
    end: Annotated[Time | None, Query(alias="end_time__lt")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> Response:
    """List the conferences of the organisation of the key, and of all below it, that began within a period."""
    hub: Hub = request.app.state.hub
    if not key:
        raise UnauthenticatedError("a key is needed: X-API-KEY")

    async def read(connection: AsyncConnection) -> list[Conference]:
        return await history.conferences(connection, hub.office, key, begin, end)

    found = await hub.database.retry(read)
    meta = {"limit": limit, "offset": offset, "total_count": len(found)}
    return reply({"meta": meta, "objects": [_conference(each) for each in found[offset : offset + limit]]})


@router.get("/services/v2/usage", responses=good(list[UsageAnswer]))
async def usage(context: Administrator, month: Month, code: OrganisationCode = None) -> Response:
    """Give what an organisation and all below it used in a month, by class and field."""
    return reply([written(each) for each in await _used(context, month, code)])


@router.get("/services/v2/usage.csv", responses=REFUSALS | {200: {"content": {"text/csv": {}}}})
async def usage_table(context: Administrator, month: Month, code: OrganisationCode = None) -> Response:
    """Give the same for a spreadsheet: UTF-8, separated by semicolons."""
    return table(await _used(context, month, code), month)


async def _used(context: Context, month: str, code: str | None) -> list[Usage]:
    return await context.database.retry(
        lambda connection: history.usage(connection, context.office, context.caller, code, month)
    )


def table(found: list[Usage], month: str) -> Response:
    """Write the use of a month for a spreadsheet."""
    text = io.StringIO()
    lines = csv.writer(text, delimiter=";")
    names = UsageAnswer.model_fields
    lines.writerow([each.alias for each in names.values()])
    for each in found:
        lines.writerow([_cell(value) for value in written(each).values()])
    headers = {"content-disposition": f'attachment; filename="usage-{month}.csv"'}
    return Response(text.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: object) -> str:
    """Write a cell so that no spreadsheet takes it for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def written(found: Usage) -> Json:
    """Write what was used."""
    return {
        "organisationCode": found.organisation,
        "organisationName": found.name,
        "use": found.use.value if found.use else None,
        "field": found.field.value if found.field else None,
        "meetings": found.meetings,
        "participants": found.participants,
        "minutes": found.minutes,
        "peakPorts": found.ports,
    }


def _conference(found: Conference) -> Json:
    first = found.calls[0]
    return {
        "id": first.ident,
        "name": first.dialled,
        "meeting_uuid": str(first.meeting) if first.meeting else None,
        "organisation_code": first.organisation,
        "use": first.use.value if first.use else None,
        "field": first.field.value if first.field else None,
        "start_time": time_text(found.begins),
        "end_time": time_text(found.ends),
        "duration": int((found.ends - found.begins).total_seconds()),
        "participant_count": len(found.calls),
        "participant_minutes": round(sum(each.seconds for each in found.calls) / 60),
        "participants": [_participant(each) for each in found.calls],
        "media": [_media(each) for each in found.media],
    }


def _media(media: Media) -> Json:
    return {
        "domain": media.domain,
        "start_time": time_text(media.began),
        "end_time": time_text(media.ended),
        "streams": [{name: getattr(each, name) for name in StreamAnswer.model_fields} for each in media.streams],
    }


def _participant(call: Call) -> Json:
    return {
        "call_uuid": call.ident,
        "source_alias": call.caller,
        "zone": call.zone,
        "peer": call.peer,
        "protocol": call.transport,
        "has_video": call.video,
        "start_time": time_text(call.answered),
        "end_time": time_text(call.ended),
        "duration": int(call.seconds),
        "disconnect_by": call.ended_by,
    }
