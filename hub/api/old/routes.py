"""Every path of the first version answers 410, in the form of its own errors, and names what took its place."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import JSONResponse

from hub.api.answers import reply, time_text
from hub.api.context import Administrator, Hub, bearer
from hub.api.documents import TimeText
from hub.api.organisation.routes import good
from hub.api.values import Answer
from hub.booking import organisations
from hub.domain.model import Caller
from hub.errors import HubError
from hub.store import history as store
from hub.store.database import TakenError
from hub.store.history import OldCaller

OPERATIONS = (
    "/info",
    "/meetings",
    "/meetings/{rest:path}",
    "/scheduling-info",
    "/scheduling-info/{rest:path}",
    "/scheduling-info-provision",
    "/scheduling-info-deprovision",
    "/scheduling-info-reserve",
    "/scheduling-info-reserve/{rest:path}",
    "/scheduling-templates",
    "/scheduling-templates/{rest:path}",
    "/pool",
)
"""Paths of the first version; the second has the same under /v2."""

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

PRODUCT = re.compile(r"[A-Za-z0-9._-]{1,40}(/[0-9A-Za-z._-]{1,20})?")
"""RFC 9110 10.1.5: the first product of a User-Agent; what follows may be anything, and would make rows without end."""

MOST = 1000
"""Rows of the list and the page."""

router = APIRouter(tags=["first version"])


class OldCallerAnswer(Answer):
    """Requests of one month to one operation of the first version; without organisation: nobody we know."""

    month: str
    organisation_code: str
    agent: str
    operation: str
    count: int
    last_time: TimeText


async def gone(request: Request) -> Response:
    """Say where to go, and count who came."""
    hub: Hub = request.app.state.hub
    path = request.scope["path"]
    operation = f"{request.method} {request.scope['route'].path.replace('{rest:path}', '{id}')}"
    organisation, agent = "", ""
    try:
        caller = await hub.authenticate(bearer(request))
        organisation = caller.organisation or ""
        product = PRODUCT.match(request.headers.get("user-agent", ""))
        agent = product[0] if product else ""
    except HubError:
        pass  # only who proves his organisation is named
    await _count(hub, organisation, agent, operation)
    written = {
        "timestamp": time_text(datetime.now(UTC)),
        "status": 410,
        "error": "Gone",
        "message": f"Version 1 of the video API is no longer served. Call /v2{path} with a bearer token instead.",
        "path": path,
        "errorCode": 10,
        "errorText": "Version 1 is no longer served",
    }
    link = f"<{hub.office.settings.base_path}/v2/openapi.json>; rel=service-desc"
    return JSONResponse(written, 410, {"link": link})


for each in OPERATIONS:
    router.add_api_route(each, gone, methods=METHODS, include_in_schema=False)


async def _count(hub: Hub, organisation: str, agent: str, operation: str) -> None:
    async def count(connection: AsyncConnection) -> None:
        await store.count_old(connection, organisation, agent, operation, hub.office.now())

    try:
        await hub.database.retry(count, frozenset({"pk_old_callers"}))
    except (HubError, TakenError):
        return  # the answer does not wait for the count


@router.get("/services/v2/old-callers", responses=good(list[OldCallerAnswer]))
async def callers(context: Administrator, most: Annotated[int, Query(ge=1, le=MOST)] = MOST) -> Response:
    """Tell who of the caller's part of the tree still calls the first version, the latest month first."""
    async with context.database.read() as connection:
        rows = await found(connection, context.caller, most)
    return reply(
        [
            {
                "month": each.month,
                "organisationCode": each.organisation,
                "agent": each.agent,
                "operation": each.operation,
                "count": each.count,
                "lastTime": time_text(each.seen),
            }
            for each in rows
        ]
    )


async def found(connection: AsyncConnection, caller: Caller, most: int) -> list[OldCaller]:
    """List who of the caller's part of the tree still calls the first version."""
    below = await organisations.below(connection, caller)
    top = any(each.parent_id is None for each in below)
    return await store.old(connection, [each.code for each in below], most, nobody=top)
