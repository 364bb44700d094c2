"""Operations on scheduling templates, and the view of the pools."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.api.answers import Json, reply
from hub.api.context import Administrator, Anybody, Context
from hub.api.documents import ERRORS, InfoAnswer, PoolAnswer, TemplateAnswer, hal
from hub.api.requests import SchedulingTemplateRequest
from hub.api.values import MAX_INT64
from hub.booking import journal
from hub.booking import templates as work
from hub.booking.office import home
from hub.domain.model import Organisation, SchedulingInfo, Template
from hub.store import organisations, rooms, templates

router = APIRouter(prefix="/v2", tags=["scheduling-templates"])

Number = Annotated[int, Path(ge=-MAX_INT64, le=MAX_INT64)]
One = hal(TemplateAnswer) | ERRORS


@router.get("/scheduling-templates", responses=hal(list[TemplateAnswer]) | ERRORS)
async def find(context: Anybody) -> Response:
    """List the templates of the caller's organisation."""
    async with context.database.read() as connection:
        found = await templates.of_organisation(connection, await home(connection, context.caller))
    return reply([context.links.template(each) for each in found])


@router.post("/scheduling-templates", responses=One)
async def create(context: Administrator, body: SchedulingTemplateRequest) -> Response:
    """Add a template to the caller's organisation."""

    async def add(connection: AsyncConnection) -> Template:
        own = await home(connection, context.caller)
        wanted = body.template(0, context.office.now())
        return await work.add(connection, context.office, own, context.caller, wanted)

    return reply(context.links.template(await context.database.retry(add)))


@router.get("/scheduling-templates/{number}", responses=One)
async def read(context: Anybody, number: Number) -> Response:
    """Give a template of the caller's organisation."""
    async with context.database.read() as connection:
        found = await work.own(connection, await home(connection, context.caller), number)
    return reply(context.links.template(found))


@router.put("/scheduling-templates/{number}", responses=One)
async def replace(context: Administrator, number: Number, body: SchedulingTemplateRequest) -> Response:
    """Change a template to what the body says."""

    async def change(connection: AsyncConnection) -> Template:
        own = await home(connection, context.caller)
        wanted = body.template(number, context.office.now())
        return await work.change(connection, context.office, own, context.caller, wanted)

    return reply(context.links.template(await context.database.retry(change)))


@router.delete("/scheduling-templates/{number}", status_code=204, responses=ERRORS)
async def delete(context: Administrator, number: Number) -> Response:
    """Delete a template; rooms made from it stay."""

    async def mark(connection: AsyncConnection) -> None:
        own = await home(connection, context.caller)
        await work.delete(connection, context.office, own, context.caller, number)

    await context.database.retry(mark)
    return Response(status_code=204)


@router.get("/pool", responses=hal(list[PoolAnswer]) | ERRORS, tags=["pool"])
async def pools(context: Anybody) -> Response:
    """List the pools of the caller's organisation and those below: how many rooms are wanted, how many are free."""

    async def look(connection: AsyncConnection) -> list[Json]:
        below = await organisations.descendants(connection, await home(connection, context.caller))
        pooled = [each for each in below if each.pool_size]
        free = await rooms.free(connection, [each.code for each in pooled])
        await journal.seen(connection, context.office, context.caller, free)
        return [_pool(context, each, await templates.pool(connection, each), free) for each in pooled]

    return reply(await context.database.retry(look))


def _pool(context: Context, organisation: Organisation, template: Template | None, free: list[SchedulingInfo]) -> Json:
    own = [room for room in free if room.organisation == organisation.code]
    return {
        "organisationId": organisation.code,
        "desiredPoolSize": organisation.pool_size,
        "availablePoolSize": len(own),
        "schedulingTemplate": context.links.template(template) if template else None,
        "schedulingInfoList": [context.links.room(room) for room in own],
    }


@router.get("/info", responses=hal(InfoAnswer) | ERRORS, tags=["info"])
async def info(context: Anybody) -> Response:
    """Tell which version of the program answers."""
    return reply({"info": [{"key": "git", "value": context.hub.git}]})
