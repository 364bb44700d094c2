"""Rooms that are always there, room systems and themes, kept by the administrators above them; people see their own."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import organisations as places
from hub.booking.events import Operation
from hub.booking.office import Office, home
from hub.domain import standing
from hub.domain.model import Caller, Organisation
from hub.domain.standing import RoomSystem, StandingRoom, Theme
from hub.domain.words import Role
from hub.errors import Code, InputError, OutsideError, UnknownError
from hub.store import organisations, systems
from hub.store import standing as store
from hub.store.database import Database, TakenError

T = TypeVar("T")

PASSWORD_LENGTH = 20
"""Letters of a password that we make: 100 bits."""

LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Letters of passwords: people type them into room systems, so none looks like another."""

TAKEN = {
    "pk_room_aliases": "aliases: another room has one of them",
    "pk_standing_rooms": "uuid: another room has it",
    "uq_room_systems_alias": "alias: another room system has it",
    "uq_room_systems_username": "username: another room system has it",
    "uq_room_themes_name": "name: another theme has it",
}
"""What a client is told of a value that is there already, by the constraint it meets."""


async def run(database: Database, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Run a change; raises `InputError` for a value that is used."""
    try:
        return await database.retry(work)
    except TakenError as taken:
        raise InputError(TAKEN[taken.constraint], Code.INPUT.number) from taken


async def rooms(connection: AsyncConnection, caller: Caller, code: str | None = None) -> list[StandingRoom]:
    """List the rooms that the caller sees: administrators those of their part of the tree, others their own."""
    if caller.has(Role.ADMIN):
        return await store.of_organisations(connection, await _codes(connection, caller, code))
    own = await home(connection, caller)
    return await store.of_organisations(connection, [own.code], caller.email or "")


async def room(connection: AsyncConnection, caller: Caller, uuid: UUID, *, lock: bool = False) -> StandingRoom:
    """Find a room that the caller sees; raises `UnknownError`, `OutsideError`."""
    found = await store.by_uuid(connection, uuid, lock=lock)
    if found is not None and caller.has(Role.ADMIN):
        await places.find(connection, caller, found.organisation)
    elif found is not None:
        own = await home(connection, caller)
        if found.organisation != own.code or (found.owner or "").lower() != (caller.email or "").lower():
            found = None
    if found is None:
        raise UnknownError(f"room {uuid} was not found")
    return found


async def add_room(connection: AsyncConnection, office: Office, caller: Caller, wanted: StandingRoom) -> StandingRoom:
    """Add a room; raises `InputError` that names the field."""
    organisation = await places.find(connection, caller, wanted.organisation)
    wanted = replace(wanted, created_time=office.now())
    await _check(connection, organisation, wanted)
    await store.add(connection, wanted, organisation)
    await _noted(connection, office, caller, "create", organisation, "room", wanted.uuid)
    return wanted


async def change_room(
    connection: AsyncConnection, office: Office, caller: Caller, wanted: StandingRoom
) -> StandingRoom:
    """Write every field of the room `wanted.uuid`; its organisation stays."""
    found = await room(connection, caller, wanted.uuid, lock=True)
    if wanted.organisation != found.organisation:
        raise InputError("organisation: a room keeps its organisation", Code.INPUT.number)
    organisation = await places.find(connection, caller, found.organisation)
    changed = replace(wanted, created_time=found.created_time, revision=found.revision + 1, provided=found.provided)
    await _check(connection, organisation, changed)
    await store.change(connection, changed)
    await _noted(connection, office, caller, "update", organisation, "room", changed.uuid)
    return changed


async def delete_room(connection: AsyncConnection, office: Office, caller: Caller, uuid: UUID) -> None:
    """Delete a room: its aliases are free at once, the bus is told."""
    found = await room(connection, caller, uuid, lock=True)
    await store.change(connection, replace(found, deleted_time=office.now(), revision=found.revision + 1))
    organisation = await places.find(connection, caller, found.organisation)
    await _noted(connection, office, caller, "delete", organisation, "room", uuid)


async def import_rooms(
    connection: AsyncConnection, office: Office, caller: Caller, wanted: Iterable[tuple[int, StandingRoom]]
) -> list[tuple[int, str]]:
    """Add rooms, each with the line it stands in; gives the faults of all lines, and where there are any adds none."""
    faults: list[tuple[int, str]] = []
    seen: dict[str, int] = {}
    checked: list[tuple[Organisation, StandingRoom]] = []
    known: dict[str, Organisation] = {}
    for line, each in wanted:
        try:
            if each.organisation not in known:
                known[each.organisation] = await places.find(connection, caller, each.organisation)
            await _check(connection, known[each.organisation], each)
            _check_lines(seen, each, line)
        except (InputError, UnknownError, OutsideError) as error:
            faults.append((line, str(error)))
        else:
            checked.append((known[each.organisation], replace(each, created_time=office.now())))
    if faults:
        return faults
    for organisation, each in checked:
        await store.add(connection, each, organisation)
        await _noted(connection, office, caller, "create", organisation, "room", each.uuid)
    return []


async def list_systems(connection: AsyncConnection, caller: Caller, code: str | None = None) -> list[RoomSystem]:
    """List the room systems of the caller's part of the tree."""
    return await systems.of_organisations(connection, await _codes(connection, caller, code))


async def system(connection: AsyncConnection, caller: Caller, uuid: UUID) -> RoomSystem:
    """Find a room system; raises `UnknownError`, `OutsideError`."""
    found = await systems.by_uuid(connection, uuid)
    if found is None:
        raise UnknownError(f"room system {uuid} was not found")
    await places.find(connection, caller, found.organisation)
    return found


def new_password() -> str:
    """Make a password."""
    return "".join(secrets.choice(LETTERS) for _ in range(PASSWORD_LENGTH))


def digests(office: Office, username: str, password: str, *, weak: bool) -> dict[str, Any]:
    """Give what the registrar proves a password with (RFC 7616 3.4.2); `weak`: also for devices that know only MD5."""
    proof = f"{username}:{office.settings.registrar.realm}:{password}".encode()
    md5 = hashlib.md5(proof, usedforsecurity=False).hexdigest() if weak else None
    return {"sha256": hashlib.sha256(proof).hexdigest(), "md5": md5}


def proof(office: Office, found: RoomSystem, username: str, password: str | None, *, weak: bool) -> dict[str, Any]:
    """Give what a system that changes is proven with; without a new password that is what it was, where it can be."""
    if password is not None:
        return digests(office, username, password, weak=weak)
    if username != found.username or (weak and found.md5 is None):
        fault = "password: is needed where the user name changes or MD5 is added: what is kept of it holds for neither"
        raise InputError(fault, Code.INPUT.number)
    return {"sha256": found.sha256, "md5": found.md5 if weak else None}


async def add_system(connection: AsyncConnection, office: Office, caller: Caller, wanted: RoomSystem) -> RoomSystem:
    """Add a room system; raises `InputError` that names the field."""
    organisation = await places.find(connection, caller, wanted.organisation)
    wanted = replace(wanted, created_time=office.now())
    await _check_system(connection, wanted)
    await systems.add(connection, wanted, organisation)
    await _noted(connection, office, caller, "create", organisation, "roomSystem", wanted.uuid)
    return wanted


async def change_system(connection: AsyncConnection, office: Office, caller: Caller, wanted: RoomSystem) -> RoomSystem:
    """Write every field of the room system `wanted.uuid`; its organisation stays."""
    found = await system(connection, caller, wanted.uuid)
    if wanted.organisation != found.organisation:
        raise InputError("organisation: a room system keeps its organisation", Code.INPUT.number)
    await _check_system(connection, wanted)
    await systems.change(connection, wanted)
    organisation = await places.find(connection, caller, found.organisation)
    await _noted(connection, office, caller, "update", organisation, "roomSystem", wanted.uuid)
    return wanted


async def delete_system(connection: AsyncConnection, office: Office, caller: Caller, uuid: UUID) -> None:
    """Delete a room system."""
    found = await system(connection, caller, uuid)
    await systems.remove(connection, found)
    organisation = await places.find(connection, caller, found.organisation)
    await _noted(connection, office, caller, "delete", organisation, "roomSystem", uuid)


async def themes(connection: AsyncConnection, caller: Caller) -> list[Theme]:
    """List the themes that the caller's rooms may have: its organisation's, those above and those below."""
    own = await home(connection, caller)
    near = [*await organisations.ancestors(connection, own), *await organisations.descendants(connection, own)]
    return await store.themes_of(connection, [each.code for each in near])


async def add_theme(connection: AsyncConnection, office: Office, caller: Caller, wanted: Theme) -> Theme:
    """Add a theme."""
    organisation = await places.find(connection, caller, wanted.organisation)
    await _noted(connection, office, caller, "create", organisation, "theme", wanted.name)
    return await store.add_theme(connection, wanted, organisation)


async def delete_theme(connection: AsyncConnection, office: Office, caller: Caller, name: str) -> None:
    """Delete a theme that no room has; raises `UnknownError`, `InputError`."""
    below = [each.code for each in await places.below(connection, caller)]
    found = next((each for each in await store.themes_of(connection, below) if each.name == name), None)
    if found is None:
        raise UnknownError(f"theme {name} was not found")
    if await store.bearing(connection, found):
        raise InputError(f"theme {name} is that of a room: give the room another first", Code.INPUT.number)
    await store.remove_theme(connection, found)
    organisation = await places.find(connection, caller, found.organisation)
    await _noted(connection, office, caller, "delete", organisation, "theme", name)


async def _codes(connection: AsyncConnection, caller: Caller, code: str | None) -> list[str]:
    if code is not None:
        return [(await places.find(connection, caller, code)).code]
    return [each.code for each in await places.below(connection, caller)]


async def _check(connection: AsyncConnection, organisation: Organisation, wanted: StandingRoom) -> None:
    standing.check_room(wanted)
    taken = await store.taken(connection, wanted.aliases, wanted.uuid)
    if taken:
        raise InputError(f"aliases: {', '.join(sorted(taken))} is dialled for something else", Code.INPUT.number)
    if wanted.theme is not None:
        near = [organisation, *await organisations.ancestors(connection, organisation)]
        if wanted.theme not in {each.name for each in await store.themes_of(connection, [at.code for at in near])}:
            raise InputError(f"theme: {wanted.theme} is not one of the organisation's", Code.INPUT.number)


def _check_lines(seen: dict[str, int], room: StandingRoom, line: int) -> None:
    for alias in room.aliases:
        if alias in seen:
            raise InputError(f"aliases: {alias} stands in line {seen[alias]}, too", Code.INPUT.number)
        seen[alias] = line


async def _check_system(connection: AsyncConnection, wanted: RoomSystem) -> None:
    standing.check_alias(wanted.alias, "alias")
    standing.check_username(wanted.username)
    if await store.taken(connection, [wanted.alias], wanted.uuid):
        raise InputError(f"alias: {wanted.alias} is dialled for something else", Code.INPUT.number)


async def _noted(
    connection: AsyncConnection,
    office: Office,
    caller: Caller,
    operation: Operation,
    organisation: Organisation,
    resource: str,
    identifier: UUID | str,
) -> None:
    await places.noted(connection, office, caller, operation, organisation, resource, id=str(identifier))
