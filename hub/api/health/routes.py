"""How the hub is: the last health check as monitoring knows it, and a new one on demand. Tells nothing of anybody."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from hub.api.answers import reply
from hub.api.context import Hub
from hub.api.documents import ERRORS, hal
from hub.api.values import Answer
from hub.booking import surroundings
from hub.booking.healthcheck import Examiner
from hub.domain.healthcheck import Check, Looked
from hub.errors import UnknownError
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
    return reply(parts(await last_check(request.app.state.hub)))


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


_one = asyncio.Lock()


async def check_now(hub: Hub) -> Check:
    """Make a health check, unless the last has just been made."""
    settings = hub.office.settings.healthcheck
    if settings is None:
        raise UnknownError("health checks are not set up: `healthcheck` names the organisation that books them")
    async with _one:
        check = await last_check(hub)
        now = hub.office.now()
        if check is None or not check.began <= now < check.began + APART:
            check = await Examiner(
                hub.database, hub.office, settings, beside=surroundings.steps(hub.office.settings)
            ).check()
    return check


async def last_check(hub: Hub) -> Check | None:
    """Give the last health check."""
    async with hub.database.read() as connection:
        return await store.last(connection)


def parts(check: Check | None) -> dict[str, dict[str, object]]:
    """Give a check by parts, as monitoring knows them."""
    unknown: dict[str, object] = {
        "status": "UNKNOWN",
        "message": "not set up, or not looked at yet",
        "response-time": None,
    }
    shown = dict.fromkeys(("sts", "video-api", "video-api-access-token", "short-link", "sms"), unknown)
    for each in check.parts if check else ():
        shown |= {name: _part(each) for name in NAMES.get(each.name, (each.name,))}
    return shown


def _part(looked: Looked) -> dict[str, object]:
    took = None if looked.seconds is None else round(looked.seconds * 1000)
    return {"status": "OK" if looked.well else "FAILED", "message": looked.message, "response-time": took}
