"""What was: conferences of an organisation for its own systems, and the use of a month for its administrators."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import events, organisations
from hub.booking.office import Office
from hub.domain import history as rules
from hub.domain.history import Conference, Usage
from hub.domain.model import Caller
from hub.errors import UnauthenticatedError, UnknownError
from hub.store import history as store
from hub.store import media
from hub.store import organisations as tree


async def conferences(
    connection: AsyncConnection, office: Office, key: str, begin: datetime | None, end: datetime | None
) -> list[Conference]:
    """List the conferences that began within a period, of the organisation of a key and all below it.

    Raises `UnauthenticatedError` for a key that is nobody's. That it was read is noted in the journal.
    """
    try:
        owner = await organisations.of_key(connection, key)
    except UnknownError:
        raise UnauthenticatedError("no organisation has this key") from None
    below = [each.id for each in await tree.descendants(connection, owner)]
    heard = await media.between(connection, below, begin, end)
    found = rules.conferences(await store.between(connection, below, begin, end), heard)
    entry = events.Entry("read", "history", owner.code, owner.code, source="history-api")
    await events.note(connection, entry, None, office.now())
    return [each for each in found if (begin is None or each.begins >= begin) and (end is None or each.begins < end)]


async def usage(
    connection: AsyncConnection, office: Office, caller: Caller, code: str | None, month: str
) -> list[Usage]:
    """Count a month for an organisation, by default the caller's, and all below it; raises `ValueError` for no month.

    That it was opened is noted in the journal. Raises `UnknownError`, `OutsideError` for an organisation that is not in
    the caller's part of the tree.
    """
    period = rules.month(month)
    above = await organisations.find(connection, caller, code or caller.organisation or "")
    below = await tree.descendants(connection, above)
    numbers = [each.id for each in below]
    booked = await store.booked(connection, numbers, *period)
    called = await store.between(connection, numbers, *period)
    await organisations.noted(connection, office, caller, "read", above, "usage", month=month)
    return rules.usage({each.code: each.name for each in below}, booked, called, period)
