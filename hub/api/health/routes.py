"""How the hub is: the last health check as monitoring knows it, and a new one on demand. Tells nothing of anybody."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from jinja2 import Environment, StrictUndefined
from pydantic import Field
from starlette.responses import HTMLResponse

from hub.api.answers import reply
from hub.api.context import Hub
from hub.api.documents import ERRORS, hal
from hub.api.values import Answer
from hub.booking.healthcheck import Examiner
from hub.domain.healthcheck import Check, Looked
from hub.errors import UnknownError
from hub.people.pages import HEADERS
from hub.store import healthcheck as store
from hub.store import rooms

APART = timedelta(minutes=1)
"""Between two checks on demand: each makes a meeting, and anybody may ask."""

NAMES = {"booking": ("video-api", "short-link"), "provisioning": ("provisioning",)}
"""What monitoring calls a part; the rest goes by our names."""

OPEN: dict[str, list[str]] = {"security": []}
"""Monitoring has no token."""

router = APIRouter(prefix="/healthcheck", tags=["health"])


class LookedAnswer(Answer):
    """One part: `status` OK, FAILED or UNKNOWN; `response-time` in milliseconds."""

    status: str
    message: str
    took: Annotated[int | None, Field(alias="response-time")]


class RoomStatusAnswer(Answer):
    """The room of a health check; seconds."""

    provision_status: Annotated[str, Field(alias="provision_status")]
    time_to_provision: Annotated[float | None, Field(alias="time_to_provision")]


class SmsStatusAnswer(Answer):
    """Whether a message was sent."""

    status: str


class StatusAnswer(Answer):
    """How the meeting of a health check came along."""

    room: Annotated[RoomStatusAnswer, Field(alias="scheduling_info")]
    sms: Annotated[SmsStatusAnswer, Field(alias="sms_info")]


@router.get("/v1/healthcheck", responses=hal(dict[str, LookedAnswer]) | ERRORS, openapi_extra=OPEN)
async def last(request: Request) -> Response:
    """Give the last health check, by parts."""
    return reply(_parts(await _last(request.app.state.hub)))


@router.get("/v1/status/{uuid}", responses=hal(StatusAnswer) | ERRORS, openapi_extra=OPEN)
async def status(request: Request, uuid: UUID) -> Response:
    """Give the room of the meeting that a health check made."""
    hub: Hub = request.app.state.hub
    async with hub.database.read() as connection:
        check = await store.of_meeting(connection, uuid)
        room = await rooms.by_uuid(connection, uuid)
    if check is None or room is None:
        raise UnknownError(f"no health check made the meeting {uuid}")
    took = next((each.seconds for each in check.parts if each.name == "provisioning" and each.well), None)
    shown = {"provision_status": room.status.name, "time_to_provision": None if took is None else round(took, 3)}
    return reply({"scheduling_info": shown, "sms_info": {"status": "UNKNOWN"}})


@router.get("", include_in_schema=False)
async def page(request: Request) -> HTMLResponse:
    """Show the last health check."""
    return _page(await _last(request.app.state.hub), request)


_one = asyncio.Lock()


@router.get("/execute", include_in_schema=False)
async def execute(request: Request) -> HTMLResponse:
    """Make a health check now, unless the last has just been made, and show it."""
    hub: Hub = request.app.state.hub
    settings = hub.office.settings.healthcheck
    if settings is None:
        raise UnknownError("health checks are not set up: `healthcheck` names the organisation that books them")
    async with _one:
        check = await _last(hub)
        now = hub.office.now()
        if check is None or not check.began <= now < check.began + APART:
            check = await Examiner(hub.database, hub.office, settings).check()
    return _page(check, request)


async def _last(hub: Hub) -> Check | None:
    async with hub.database.read() as connection:
        return await store.last(connection)


def _parts(check: Check | None) -> dict[str, dict[str, object]]:
    unknown: dict[str, object] = {"status": "UNKNOWN", "message": "not looked at", "response-time": None}
    shown = dict.fromkeys(("sts", "video-api", "video-api-access-token", "short-link", "sms"), unknown)
    for each in check.parts if check else ():
        shown |= {name: _part(each) for name in NAMES.get(each.name, (each.name,))}
    return shown


def _part(looked: Looked) -> dict[str, object]:
    took = None if looked.seconds is None else round(looked.seconds * 1000)
    return {"status": "OK" if looked.well else "FAILED", "message": looked.message, "response-time": took}


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Health check</title>
</head>
<body>
<main>
<h1>Health check</h1>
<p>{% if check %}{{ check.began.isoformat() }}: {{ "well" if check.well else "not well" }}{% else %}None yet{% endif %}
</p>
<table border="1">
<thead><tr><th scope="col">Part</th><th scope="col">Status</th><th scope="col">ms</th><th scope="col"></th></tr></thead>
<tbody>
{% for name, part in parts.items() %}<tr><th scope="row">{{ name }}</th><td>{{ part.status }}</td>
<td>{{ part["response-time"] if part["response-time"] is not none else "" }}</td><td>{{ part.message }}</td></tr>
{% endfor %}</tbody>
</table>
<p><a href="{{ base }}/healthcheck/execute">Check now</a></p>
</main>
</body>
</html>
"""

_html = Environment(autoescape=True, undefined=StrictUndefined).from_string(PAGE)


def _page(check: Check | None, request: Request) -> HTMLResponse:
    base = request.app.state.hub.office.settings.base_path
    return HTMLResponse(_html.render(check=check, parts=_parts(check), base=base), 200, HEADERS)
