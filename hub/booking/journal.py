"""The journal read and verified, and looking at rooms with their PINs written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import events
from hub.booking import organisations as office_work
from hub.booking.office import Office
from hub.domain.journal import Entry, Verifier
from hub.domain.model import Caller, SchedulingInfo
from hub.store import journal as store
from hub.store import organisations
from hub.store.database import Database
from hub.store.journal import Query

NAMED = 100
"""Things of a list that an entry names; of the rest it says how many."""

AT_ONCE = 1000
"""Entries that are verified at a time."""


async def seen(connection: AsyncConnection, office: Office, caller: Caller, rooms: Sequence[SchedulingInfo]) -> None:
    """Write down that somebody looked at meetings' rooms, PINs and all."""
    whose = [(room.meeting.organisation if room.meeting else room.organisation, str(room.uuid)) for room in rooms]
    await looked(connection, office, caller, "schedulingInfo", whose)


async def looked(
    connection: AsyncConnection, office: Office, caller: Caller, resource: str, things: Iterable[tuple[str, str]]
) -> None:
    """Write down that somebody looked at things, given as organisation and identifier: an entry an organisation."""
    whose: dict[str, list[str]] = {}
    for code, identifier in things:
        whose.setdefault(code, []).append(identifier)
    for code, identifiers in whose.items():
        entry = events.Entry("read", resource, identifiers[0], code)
        if len(identifiers) > 1:
            entry = replace(entry, identifier=None, data={"count": len(identifiers), "which": identifiers[:NAMED]})
        await events.note(connection, entry, caller, office.now())


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as its reader sees it; `who` is a mail address while it is kept, else a pseudonym."""

    entry: Entry
    who: str | None


async def read(connection: AsyncConnection, office: Office, caller: Caller, code: str, query: Query) -> list[Shown]:
    """Read the journal of an organisation and those below it; that is written down as well."""
    found = await office_work.find(connection, caller, code)
    below = await organisations.descendants(connection, found)
    entries = await store.find(connection, replace(query, codes=[each.code for each in below]))
    names = await store.names(connection, (each.person for each in entries if each.person))
    await office_work.noted(connection, office, caller, "read", found, "journal", entries=len(entries))
    return [Shown(each, names.get(each.person, each.person) if each.person else None) for each in entries]


async def verify(database: Database) -> Verifier:
    """Go through the whole journal; what it finds is in the verifier. Raises `AwayError`."""
    verifier = Verifier()
    async with database.read() as connection:
        while entries := await store.after(connection, verifier.number, AT_ONCE):
            if not verifier.take(entries):
                break
    return verifier
