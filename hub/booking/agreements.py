"""What providers may see and do: the rooms of organisations that have an agreement with them, while it holds."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import events
from hub.booking import organisations as office_work
from hub.booking.office import Office
from hub.domain.model import Caller
from hub.errors import Code, ForbiddenError, InputError, UnknownError
from hub.store import agreements as store
from hub.store import organisations
from hub.store.agreements import Agreement
from hub.store.rooms import Provisioner


async def covered(connection: AsyncConnection, office: Office, caller: Caller) -> list[str] | None:
    """List the codes of the organisations whose rooms a provisioner may handle; None: of all.

    A provisioner that has agreements is held to those that hold now, so none when all have ended. One that has none is
    the installation's own, unless agreements are required.
    """
    known = await store.of_provider(connection, caller.organisation) if caller.organisation else []
    if not known and not office.settings.provisioning.require_agreement:
        return None
    codes: dict[str, None] = {}
    for each in known:
        found = await organisations.by_code(connection, each.organisation) if each.holds(office.now()) else None
        if found is not None:
            codes |= dict.fromkeys(below.code for below in await organisations.descendants(connection, found))
    return list(codes)


async def provisioner(connection: AsyncConnection, office: Office, caller: Caller) -> Provisioner:
    """Say which rooms an outside provisioner is given."""
    codes = await covered(connection, office, caller)
    return replace(office.outside(), covered=None if codes is None else tuple(codes))


async def check(connection: AsyncConnection, office: Office, caller: Caller, code: str) -> None:
    """Refuse what no agreement covers; raises `ForbiddenError`."""
    codes = await covered(connection, office, caller)
    if codes is not None and code not in codes:
        raise ForbiddenError(f"no agreement between {caller.organisation} and {code} holds now")


async def below(connection: AsyncConnection, caller: Caller, code: str) -> list[Agreement]:
    """List the agreements of an organisation and those below it."""
    found = await office_work.find(connection, caller, code)
    codes = [each.code for each in await organisations.descendants(connection, found)]
    return await store.of_organisations(connection, codes)


async def add(connection: AsyncConnection, office: Office, caller: Caller, wanted: Agreement) -> Agreement:
    """Make an agreement for an organisation of the caller's part of the tree; raises `InputError`, `OutsideError`."""
    found = await office_work.find(connection, caller, wanted.organisation)
    if wanted.ends <= wanted.begins:
        raise InputError("ends: must be after begins", Code.INPUT.number)
    if await organisations.by_code(connection, wanted.provider) is None:
        raise InputError(f"provider: organisation {wanted.provider} was not found", Code.INPUT.number)
    made = replace(wanted, id=await store.add(connection, wanted, found))
    await _note(connection, office, caller, "create", made)
    return made


async def remove(connection: AsyncConnection, office: Office, caller: Caller, number: int) -> None:
    """End an agreement at once; its provider is held to those that are left, and with none sees nothing more.

    The agreement stays, as one that has ended: a provider whose last one vanished would be taken for our own.
    """
    found = await store.by_id(connection, number)
    if found is None:
        raise UnknownError(f"agreement {number} was not found")
    await office_work.find(connection, caller, found.organisation)
    await store.end(connection, number, office.now())
    await _note(connection, office, caller, "delete", found)


async def _note(
    connection: AsyncConnection, office: Office, caller: Caller, operation: events.Operation, agreement: Agreement
) -> None:
    data = {
        "provider": agreement.provider,
        "begins": agreement.begins.isoformat(),
        "ends": agreement.ends.isoformat(),
    }
    entry = events.Entry(operation, "agreement", str(agreement.id), agreement.organisation, data, "organisation-api")
    await events.note(connection, entry, caller, office.now())
