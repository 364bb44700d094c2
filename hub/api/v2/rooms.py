"""Operations on scheduling infos: the rooms of meetings and pools, as provisioners and administrators see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.api.answers import reply
from hub.api.context import Administrator, Anybody, Context, Provisioner
from hub.api.documents import ERRORS, SchedulingInfoAnswer, hal
from hub.api.requests import CreateSchedulingInfo, ReserveRoom, UpdateSchedulingInfo
from hub.api.values import Time
from hub.booking import agreements, journal
from hub.booking import rooms as work
from hub.booking.office import home
from hub.domain import access
from hub.domain.model import SchedulingInfo
from hub.domain.words import ProvisionStatus
from hub.errors import Code, ForbiddenError, InputError, UnknownError
from hub.store import organisations, rooms

router = APIRouter(prefix="/v2", tags=["scheduling-info"])

STATUSES = {"enum": [each.name for each in ProvisionStatus]}
List = hal(list[SchedulingInfoAnswer]) | ERRORS
One = hal(SchedulingInfoAnswer) | ERRORS


@router.get("/scheduling-info", responses=List)
async def find(
    context: Anybody,
    from_start_time: Annotated[Time, Query(alias="from-start-time")],
    to_end_time: Annotated[Time, Query(alias="to-end-time")],
    provision_status: Annotated[str, Query(alias="provision-status", json_schema_extra=STATUSES)] = "AWAITS_PROVISION",
) -> Response:
    """List rooms of meetings that open or end within a period and are in a status."""
    status = _status(provision_status, "provision-status")

    async def look(connection: AsyncConnection) -> list[SchedulingInfo]:
        sight = access.scheduling(context.caller)
        codes = await agreements.covered(connection, context.office, context.caller)
        if sight.organisation is not None or not context.caller.has(*access.PROVISIONERS):
            own = await home(connection, context.caller)
            below = await organisations.descendants(connection, own) if sight.descendants else [own]
            codes = [each.code for each in below]
        return await rooms.between(connection, codes, (from_start_time, to_end_time), status)

    return await _list(context, look)


@router.post("/scheduling-info", responses=One)
async def create(context: Provisioner, body: CreateSchedulingInfo) -> Response:
    """Make one room for the pool of an organisation."""
    made = await context.database.retry(
        lambda connection: work.make_on_request(
            connection, context.office, body.organization_id, body.scheduling_template_id, context.caller
        ),
        work.AGAIN,
    )
    return reply(context.links.room(made))


@router.get("/scheduling-info/{uuid}", responses=One)
async def read(context: Anybody, uuid: UUID) -> Response:
    """Give a room by its meeting's uuid, or its own while it has no meeting."""

    async def look(connection: AsyncConnection) -> list[SchedulingInfo]:
        found = await rooms.by_uuid(connection, uuid)
        if found is None:
            raise UnknownError(f"scheduling info {uuid} was not found")
        if context.caller.has(*access.PROVISIONERS):
            await agreements.check(connection, context.office, context.caller, found.organisation)
            return [found]
        own = await home(connection, context.caller)
        below = access.scheduling(context.caller).descendants
        seen = await organisations.descendants(connection, own) if below else [own]
        if found.organisation not in {each.code for each in seen}:
            raise ForbiddenError("the room belongs to another organisation")
        return [found]

    return reply(context.links.room((await _seen(context, look))[0]))


@router.put("/scheduling-info/{uuid}", responses=One)
async def update(context: Provisioner, uuid: UUID, body: UpdateSchedulingInfo) -> Response:
    """Take the provisioner's report on a room."""
    status = _status(body.provision_status, "provisionStatus")
    changed = await context.database.retry(
        lambda connection: work.report(
            connection,
            context.office,
            context.caller,
            uuid,
            status,
            body.provision_status_description,
            body.provision_vmr_id,
        )
    )
    return reply(context.links.room(changed))


@router.get("/scheduling-info-provision", responses=List)
async def to_provision(context: Provisioner) -> Response:
    """List the rooms that must be made now."""

    async def look(connection: AsyncConnection) -> list[SchedulingInfo]:
        who = await agreements.provisioner(connection, context.office, context.caller)
        return await rooms.to_provision(connection, who, context.office.now())

    return await _list(context, look)


@router.get("/scheduling-info-deprovision", responses=List)
async def to_deprovision(context: Provisioner) -> Response:
    """List the rooms that must be removed now."""

    async def look(connection: AsyncConnection) -> list[SchedulingInfo]:
        who = await agreements.provisioner(connection, context.office, context.caller)
        return await rooms.to_deprovision(connection, who, context.office.now())

    return await _list(context, look)


@router.get("/scheduling-info-reserve", responses=One)
async def reserve(context: Administrator, wanted: Annotated[ReserveRoom, Query()]) -> Response:
    """Reserve a free room of the organisation's pool; it is a GET that changes something, as clients expect it."""

    async def take(connection: AsyncConnection) -> SchedulingInfo:
        own = await home(connection, context.caller)
        return await work.reserve(connection, context.office, own, context.caller, wanted.wishes())

    return reply(context.links.room(await context.database.retry(take)))


@router.get("/scheduling-info-reserve/{uuid}", responses=One)
async def reserved(context: Administrator, uuid: UUID) -> Response:
    """Give a reserved room that no meeting has taken yet."""

    async def look(connection: AsyncConnection) -> list[SchedulingInfo]:
        found = await work.reserved(connection, await home(connection, context.caller), uuid)
        if found is None:
            raise UnknownError(Code.RESERVATION.sentence)
        return [found]

    return reply(context.links.room((await _seen(context, look))[0]))


Look = Callable[[AsyncConnection], Awaitable[list[SchedulingInfo]]]


async def _seen(context: Context, look: Look) -> list[SchedulingInfo]:
    """Look at rooms: it is written down together with the look, since rooms have PINs."""

    async def seen(connection: AsyncConnection) -> list[SchedulingInfo]:
        found = await look(connection)
        await journal.seen(connection, context.office, context.caller, found)
        return found

    return await context.database.retry(seen)


async def _list(context: Context, look: Look) -> Response:
    return reply([context.links.room(each) for each in await _seen(context, look)])


def _status(name: str, field: str) -> ProvisionStatus:
    try:
        return ProvisionStatus[name]
    except KeyError:
        names = ", ".join(each.name for each in ProvisionStatus)
        raise InputError(f"{field}: must be one of {names}", Code.INPUT.number) from None
