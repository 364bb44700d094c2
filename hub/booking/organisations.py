"""Organisations kept by their administrators: each sees and changes its own part of the tree, and nothing beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking.office import home
from hub.domain.model import Caller, Organisation
from hub.domain.words import Kind
from hub.errors import Code, InputError, OutsideError, UnknownError
from hub.store import organisations as store


async def below(connection: AsyncConnection, caller: Caller) -> list[Organisation]:
    """List the caller's organisation and all below it."""
    return await store.descendants(connection, await home(connection, caller))


async def find(connection: AsyncConnection, caller: Caller, code: str) -> Organisation:
    """Find an organisation of the caller's part of the tree; raises `UnknownError`, `OutsideError`."""
    found = await store.by_code(connection, code)
    return await _inside(connection, caller, found, code)


async def find_by_group(connection: AsyncConnection, caller: Caller, number: int) -> Organisation:
    """Find an organisation by its number in the tree; raises `UnknownError`, `OutsideError`."""
    found = await store.by_id(connection, number)
    return await _inside(connection, caller, found, str(number))


async def _inside(connection: AsyncConnection, caller: Caller, found: Organisation | None, name: str) -> Organisation:
    if found is None:
        raise UnknownError(f"organisation {name} was not found")
    own = await home(connection, caller)
    if own.id != found.id and own.id not in {each.id for each in await store.ancestors(connection, found)}:
        raise OutsideError(f"organisation {name} is not below yours")
    return found


async def add(
    connection: AsyncConnection, caller: Caller, above: str, values: dict[str, Any], kind: Kind | None
) -> Organisation:
    """Add an organisation under another; raises `InputError` for an unknown parent or a code that is used."""
    try:
        parent = await find(connection, caller, above)
    except UnknownError:
        raise InputError(f"parent organisation {above} was not found", Code.INPUT.number) from None
    if await store.by_code(connection, values["code"]) is not None:
        raise InputError(f"organisation {values['code']} exists already", Code.INPUT.number)
    made = Organisation(id=0, kind=kind or Kind.ORGANISATION, parent_id=parent.id, **values)
    return await store.add(connection, made)


async def change(
    connection: AsyncConnection, caller: Caller, code: str, values: dict[str, Any], kind: Kind | None
) -> Organisation:
    """Change an organisation; its place in the tree and its keys stay, its code as well."""
    found = await find(connection, caller, code)
    if values["code"] != code:
        raise InputError("code: an organisation keeps its code, meetings and tokens name it", Code.INPUT.number)
    if values["device_webhook_endpoint_key"] is None:
        values = values | {"device_webhook_endpoint_key": found.device_webhook_endpoint_key}
    changed = replace(found, **values, kind=kind or found.kind)
    await store.change(connection, changed)
    return changed
