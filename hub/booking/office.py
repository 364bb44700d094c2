"""What every piece of work needs: settings, the time, chance, and who asks."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.classes import Level
from hub.domain.model import Actor, Caller, Organisation
from hub.domain.numbers import Random
from hub.domain.words import Kind
from hub.errors import Code, ForbiddenError, refuse
from hub.settings import Settings
from hub.store import classes, organisations
from hub.store.rooms import Provisioner


def utc_now() -> datetime:
    """Give the time in UTC, to the second: what clients see has no fractions."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Office:
    """Settings, clock and chance; tests hand in their own."""

    settings: Settings
    now: Callable[[], datetime] = utc_now
    random: Random = secrets.randbelow
    new_uuid: Callable[[], UUID] = uuid.uuid4

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of links."""
        return ZoneInfo(self.settings.time_zone)

    def outside(self) -> Provisioner:
        """Say which rooms outside provisioners are given: without a bus all of them."""
        settings = self.settings
        return Provisioner(settings.provisioning.outside if settings.bus else None)

    def ours(self) -> Provisioner:
        """Say which rooms are ours to make."""
        return replace(self.outside(), ours=True)


async def home(connection: AsyncConnection, caller: Caller) -> Organisation:
    """Find the caller's organisation; it is made where the token names the one above it.

    Raises `ForbiddenError` for an unknown one, and for a provisioner whose token names none.
    """
    if caller.organisation is None:
        raise ForbiddenError("the token names no organisation")
    found = await organisations.by_code(connection, caller.organisation)
    if found is not None:
        return found
    above = await organisations.by_code(connection, caller.parent) if caller.parent else None
    if above is None:
        raise ForbiddenError(f"organisation {caller.organisation} of the token is not known here")
    code = caller.organisation
    return await organisations.add(connection, Organisation(0, code, code[:100], Kind.ORGANISATION, above.id))


async def levels(connection: AsyncConnection, caller: Caller) -> list[Level]:
    """Find the caller's organisation and those above it, with their rules; raises as `home`."""
    known = await classes.levels(connection, caller.organisation) if caller.organisation else []
    return known or await classes.levels(connection, (await home(connection, caller)).code)


async def named(connection: AsyncConnection, code: str) -> Organisation:
    """Find an organisation that a request names; raises `InputError` (code 22)."""
    found = await organisations.by_code(connection, code)
    if found is None:
        raise refuse(Code.NO_ORGANISATION, code)
    return found


def actor(caller: Caller) -> Actor:
    """Give the caller as meetings name people."""
    return Actor(caller.organisation or "", caller.email)
