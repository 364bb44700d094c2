"""Organisations kept by their administrators: each sees and changes its own part of the tree, and nothing beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import events
from hub.booking.office import Office, home
from hub.domain.model import Caller, Organisation
from hub.domain.words import Kind
from hub.errors import Code, ForbiddenError, InputError, OutsideError, UnknownError
from hub.store import organisations as store
from hub.store.database import Database, TakenError
from hub.tokens import api_keys

T = TypeVar("T")


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
    connection: AsyncConnection, office: Office, caller: Caller, above: str, values: dict[str, Any], kind: Kind | None
) -> Organisation:
    """Add an organisation under another; raises `InputError` for an unknown parent or a code that is used."""
    try:
        parent = await find(connection, caller, above)
    except UnknownError:
        raise InputError(f"parent organisation {above} was not found", Code.INPUT.number) from None
    if await store.by_code(connection, values["code"]) is not None:
        raise InputError(f"organisation {values['code']} exists already", Code.INPUT.number)
    made = Organisation(id=0, kind=kind or Kind.ORGANISATION, parent_id=parent.id, **values)
    made = await store.add(connection, made)
    await noted(connection, office, caller, "create", made)
    return made


async def change(
    connection: AsyncConnection, office: Office, caller: Caller, code: str, values: dict[str, Any], kind: Kind | None
) -> Organisation:
    """Change an organisation; its place in the tree and its keys stay, its code as well."""
    found = await find(connection, caller, code)
    if values["code"] != code:
        raise InputError("code: an organisation keeps its code, meetings and tokens name it", Code.INPUT.number)
    if values["device_webhook_endpoint_key"] is None:
        values = values | {"device_webhook_endpoint_key": found.device_webhook_endpoint_key}
    changed = replace(found, **values, kind=kind or found.kind)
    await store.change(connection, changed)
    await noted(connection, office, caller, "update", changed)
    return changed


async def new_key(connection: AsyncConnection, office: Office, caller: Caller, code: str) -> str:
    """Give an organisation a new key of the history API, in place of the one it had; the key is kept nowhere."""
    found = await find(connection, caller, code)
    key = api_keys.make()
    await store.change(connection, replace(found, history_api_key=api_keys.digest(key)))
    await noted(connection, office, caller, "create", found, "historyApiKey")
    return key


async def drop_key(connection: AsyncConnection, office: Office, caller: Caller, code: str) -> None:
    """Take an organisation's key of the history API away."""
    found = await find(connection, caller, code)
    await store.change(connection, replace(found, history_api_key=None))
    await noted(connection, office, caller, "delete", found, "historyApiKey")


async def of_key(connection: AsyncConnection, key: str) -> Organisation:
    """Find whose key of the history API this is; raises `UnknownError`."""
    found = await store.by_history_key(connection, api_keys.digest(key))
    if found is None:
        raise UnknownError("no organisation has this key")
    return found


async def governed(connection: AsyncConnection, caller: Caller, code: str) -> Organisation:
    """Find an organisation for what only those above it decide; the topmost decides for itself.

    Raises `UnknownError`, `OutsideError`, and `ForbiddenError` for an organisation's own administrators.
    """
    found = await find(connection, caller, code)
    if found.code == caller.organisation and found.parent_id is not None:
        raise ForbiddenError(f"this is decided by the administrators above {code}, not by its own")
    return found


async def noted(
    connection: AsyncConnection,
    office: Office,
    caller: Caller,
    operation: events.Operation,
    organisation: Organisation,
    resource: str = "organisation",
    **data: Any,  # noqa: ANN401 - whatever JSON can hold
) -> None:
    """Tell of a change or a look at something that belongs to an organisation."""
    entry = events.Entry(operation, resource, organisation.code, organisation.code, data, "organisation-api")
    await events.note(connection, entry, caller, office.now())


TAKEN = {
    "uq_organisations_code": "code: exists already",
    "uq_organisations_history_api_key": "historyApiKey: another organisation has this key",
}
"""What a client is told of a value that is there already, by the constraint it meets."""


async def run(database: Database, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Run a change of organisations; raises `InputError` for a code or key that is used."""
    try:
        return await database.retry(work)
    except TakenError as taken:
        raise InputError(TAKEN[taken.constraint], Code.INPUT.number) from taken
