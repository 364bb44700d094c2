"""Operations on what is always there: rooms of persons and departments, room systems, themes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.api.answers import reply
from hub.api.context import Administrator, Anybody, Context, allow
from hub.api.organisation.routes import REFUSALS, MaybeCode, good
from hub.api.standing import bodies, bulk
from hub.api.standing.bodies import (
    ImportAnswer,
    RoomAnswer,
    RoomBody,
    SystemAnswer,
    SystemBody,
    ThemeAnswer,
    ThemeBody,
)
from hub.booking import journal
from hub.booking import standing as work
from hub.domain.standing import RoomSystem, StandingRoom, Theme
from hub.domain.words import Role
from hub.errors import Code, InputError
from hub.store import systems as system_store

router = APIRouter(prefix="/services/v2", tags=["standing rooms"])

Registrar = Annotated[Context, allow(Role.PROVISIONER, Role.PROVISIONER_USER)]
ThemeName = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,100}$")]
Dry = Annotated[bool, Query(description="only say what is wrong")]

IMPORTS = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}


@router.get("/room", responses=good(list[RoomAnswer]))
async def list_rooms(context: Anybody, code: MaybeCode = None) -> Response:
    """List rooms: administrators see those of their part of the tree, or of one organisation; others their own."""

    async def look(connection: AsyncConnection) -> list[StandingRoom]:
        return await work.rooms(connection, context.caller, code)

    return reply([bodies.room(each) for each in await _seen(context, look)])


async def _seen(
    context: Context, look: Callable[[AsyncConnection], Awaitable[list[StandingRoom]]]
) -> list[StandingRoom]:
    """Look at rooms: it is written down together with the look, since rooms have PINs."""

    async def seen(connection: AsyncConnection) -> list[StandingRoom]:
        found = await look(connection)
        things = [(each.organisation, str(each.uuid)) for each in found]
        await journal.looked(connection, context.office, context.caller, "room", things)
        return found

    return await context.database.retry(seen)


@router.post("/room", responses=good(RoomAnswer))
async def add_room(context: Administrator, body: RoomBody) -> Response:
    """Make a room; seconds later it can be dialled."""
    wanted = body.room(context.office.new_uuid())

    async def add(connection: AsyncConnection) -> StandingRoom:
        return await work.add_room(connection, context.office, context.caller, wanted)

    return reply(bodies.room(await work.run(context.database, add)))


@router.get("/room/{uuid}", responses=good(RoomAnswer))
async def read_room(context: Anybody, uuid: UUID) -> Response:
    """Give a room."""

    async def look(connection: AsyncConnection) -> list[StandingRoom]:
        return [await work.room(connection, context.caller, uuid)]

    return reply(bodies.room((await _seen(context, look))[0]))


@router.put("/room/{uuid}", responses=good(RoomAnswer))
async def change_room(context: Administrator, uuid: UUID, body: RoomBody) -> Response:
    """Change a room to what the body says."""

    async def change(connection: AsyncConnection) -> StandingRoom:
        return await work.change_room(connection, context.office, context.caller, body.room(uuid))

    return reply(bodies.room(await work.run(context.database, change)))


@router.delete("/room/{uuid}", status_code=204, responses=REFUSALS)
async def delete_room(context: Administrator, uuid: UUID) -> Response:
    """Delete a room; its aliases can be used again."""

    async def delete(connection: AsyncConnection) -> None:
        await work.delete_room(connection, context.office, context.caller, uuid)

    await context.database.retry(delete)
    return Response(status_code=204)


@router.post("/room-import", responses=good(ImportAnswer), openapi_extra=IMPORTS)
async def import_rooms(context: Administrator, request: Request, dry: Dry = False) -> Response:
    """Add many rooms from CSV or JSON, all or none; the columns are the fields of a room, aliases parted by blanks."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/json", "text/csv"}:
        raise InputError("send text/csv or application/json", Code.INPUT.number)
    wanted, faults = bulk.read(await request.body(), kind, context.office.new_uuid)

    async def add(connection: AsyncConnection) -> list[tuple[int, str]]:
        found = await work.import_rooms(connection, context.office, context.caller, wanted)
        if dry or faults:
            await connection.rollback()
        return found

    faults += await work.run(context.database, add)
    told = [f"line {line}: {fault}" for line, fault in sorted(faults)[: bulk.MOST_FAULTS]]
    return reply({"rooms": 0 if faults else len(wanted), "faults": told})


@router.get("/room-system", responses=good(list[SystemAnswer]))
async def list_systems(context: Administrator, code: MaybeCode = None) -> Response:
    """List room systems that register at the edge."""
    async with context.database.read() as connection:
        return reply([bodies.system(each) for each in await work.list_systems(connection, context.caller, code)])


@router.post("/room-system", responses=good(SystemAnswer))
async def add_system(context: Administrator, body: SystemBody) -> Response:
    """Add a room system; a password that is made for it is in this answer and nowhere else."""
    password = body.password or work.new_password()
    wanted = RoomSystem(
        uuid=context.office.new_uuid(),
        organisation=body.organisation,
        name=body.name,
        alias=body.alias,
        username=body.username,
        created_time=bodies.NEVER,
        enabled=body.enabled,
        **work.digests(context.office, body.username, password, weak=body.also_md5),
    )

    async def add(connection: AsyncConnection) -> RoomSystem:
        return await work.add_system(connection, context.office, context.caller, wanted)

    made = await work.run(context.database, add)
    return reply(bodies.system(made, None if body.password else password))


@router.put("/room-system/{uuid}", responses=good(SystemAnswer))
async def change_system(context: Administrator, uuid: UUID, body: SystemBody) -> Response:
    """Change a room system; with a password, or another user name, it has to be set anew in the system."""

    async def change(connection: AsyncConnection) -> RoomSystem:
        found = await work.system(connection, context.caller, uuid)
        fields: dict[str, Any] = {
            "organisation": body.organisation,
            "name": body.name,
            "alias": body.alias,
            "enabled": body.enabled,
        }
        proof = work.proof(context.office, found, body.username, body.password, weak=body.also_md5)
        wanted = replace(found, username=body.username, **fields, **proof)
        return await work.change_system(connection, context.office, context.caller, wanted)

    return reply(bodies.system(await work.run(context.database, change)))


@router.delete("/room-system/{uuid}", status_code=204, responses=REFUSALS)
async def delete_system(context: Administrator, uuid: UUID) -> Response:
    """Delete a room system; it cannot register any more."""

    async def delete(connection: AsyncConnection) -> None:
        await work.delete_system(connection, context.office, context.caller, uuid)

    await context.database.retry(delete)
    return Response(status_code=204)


@router.get("/room-system-secrets", responses=REFUSALS | {200: {"content": {"text/plain": {}}, "description": "Done"}})
async def secrets_of_systems(context: Registrar) -> Response:
    """Give the edge's file of secrets: a line of user name, algorithm and H(username:realm:password) for each."""
    async with context.database.read() as connection:
        found = await system_store.enabled(connection)
    lines = [f"{each.username} SHA-256 {each.sha256}\n" for each in found]
    lines += [f"{each.username} MD5 {each.md5}\n" for each in found if each.md5]
    head = f"# room systems of realm {context.office.settings.registrar.realm}\n"
    return Response(head + "".join(sorted(lines)), media_type="text/plain", headers={"cache-control": "no-store"})


@router.get("/room-theme", responses=good(list[ThemeAnswer]))
async def list_themes(context: Anybody) -> Response:
    """List the themes that rooms of the caller may have."""
    async with context.database.read() as connection:
        return reply([bodies.theme(each) for each in await work.themes(connection, context.caller)])


@router.post("/room-theme", responses=good(ThemeAnswer))
async def add_theme(context: Administrator, body: ThemeBody) -> Response:
    """Add a theme; mixing servers hold its prompts and pictures under its name."""

    async def add(connection: AsyncConnection) -> Theme:
        wanted = Theme(0, body.organisation, body.name, body.title)
        return await work.add_theme(connection, context.office, context.caller, wanted)

    return reply(bodies.theme(await work.run(context.database, add)))


@router.delete("/room-theme/{name}", status_code=204, responses=REFUSALS)
async def delete_theme(context: Administrator, name: ThemeName) -> Response:
    """Delete a theme that no room has."""

    async def delete(connection: AsyncConnection) -> None:
        await work.delete_theme(connection, context.office, context.caller, name)

    await context.database.retry(delete)
    return Response(status_code=204)
