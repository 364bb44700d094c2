"""Personal data: forgotten when its time is over, exported and erased for one person, each with its proof.

The proof is an entry of the journal: which columns of which table were emptied, how many rows, and the digest of which.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import events
from hub.booking.office import Office, home
from hub.domain.journal import Entry
from hub.domain.model import Caller
from hub.domain.personal import KEPT, By, Kept, Lifetime
from hub.store import journal, organisations, sessions
from hub.store import personal as store
from hub.store.database import Database
from hub.store.journal import Query
from hub.store.personal import Forgotten

BY_DAYS = (Lifetime.CALL_DETAIL, Lifetime.NAMES, Lifetime.JOURNAL)
"""Lifetimes that are settings."""

RESOURCE = "personalData"

log = logging.getLogger("hub.personal")


def before(office: Office, lifetime: Lifetime) -> datetime:
    """Give the time before which what has this lifetime is forgotten."""
    days: int = getattr(office.settings.personal, lifetime.value)
    return office.now() - timedelta(days=days)


WHOLE = timedelta(days=1)
"""How often everything that is old is looked through; between that, only what has grown old since."""

OVERLAP = timedelta(hours=1)
"""What is looked at again each time: rows that were written late, clocks that were set."""


class Retention:
    """Forgets what was kept long enough."""

    def __init__(self, database: Database, office: Office) -> None:
        self._database = database
        self._office = office
        self._done: dict[Kept, datetime] = {}
        """[what is kept] -> the time before which nothing is left"""
        self._whole = office.now()

    async def round(self) -> int:
        """Forget some of what is due; gives how many rows. Raises `AwayError`; what is left, the next round does."""
        done = 0
        if not self._whole <= self._office.now() < self._whole + WHOLE:  # old meetings are moved in and changed, too
            self._done.clear()
            self._whole = self._office.now()
        for kept in KEPT:
            if kept.after is not None and kept.lifetime in BY_DAYS:
                done += await self._forget(kept)
        return done + await self._database.retry(self._cut)

    async def _forget(self, kept: Kept) -> int:
        limit = before(self._office, kept.lifetime)
        since = self._done.get(kept)

        async def forget(connection: AsyncConnection) -> int:
            found = await store.expired(connection, kept, limit, since)
            if found is None:
                return 0
            data = {"lifetime": kept.lifetime.value, "before": limit.isoformat(), **_proof(found)}
            entry = events.Entry("erase", RESOURCE, kept.table, None, data, "hub")
            await events.note(connection, entry, None, self._office.now())
            log.info("personal.forgotten table=%s rows=%d", found.table, found.rows)
            return found.rows

        done = await self._database.retry(forget)
        if not done:
            self._done[kept] = limit - OVERLAP
        return done

    async def _cut(self, connection: AsyncConnection) -> int:
        now, limit = self._office.now(), before(self._office, Lifetime.JOURNAL)
        await sessions.sweep(connection, now)
        await journal.hold(connection)
        gone = await journal.cut(connection, limit.strftime("%Y-%m-%dT%H:%M:%SZ"))
        if gone:
            data = {"before": limit.isoformat(), "rows": gone}
            await events.note(connection, events.Entry("erase", "journal", None, None, data, "hub"), None, now)
        return gone


def _proof(found: Forgotten) -> dict[str, Any]:
    return asdict(found) | {"columns": list(found.columns)}


async def export(
    connection: AsyncConnection, office: Office, caller: Caller, by: By, value: str
) -> tuple[list[tuple[str, dict[str, Any]]], list[Entry]]:
    """Give every row that names a person in the caller's part of the tree, and what the journal has of him there."""
    codes = await _reach(connection, caller)
    rows = await store.about(connection, by, value, codes)
    pseudonym = await _pseudonym(connection, by, value)
    entries = await journal.find(connection, Query(codes, person=pseudonym)) if pseudonym else []
    data = {"rows": len(rows), "person": pseudonym}
    await events.note(
        connection, events.Entry("export", RESOURCE, None, caller.organisation, data), caller, office.now()
    )
    return rows, entries


async def erase(
    connection: AsyncConnection, office: Office, caller: Caller, by: By, value: str
) -> list[dict[str, Any]]:
    """Forget a person in the caller's part of the tree; gives the proof, which is in the journal as well.

    Who administers everything also makes his entries in the journal nobody's.
    """
    codes = await _reach(connection, caller)
    pseudonym = await _pseudonym(connection, by, value)
    proof = [_proof(each) for each in await store.of_person(connection, by, value, codes)]
    data = {"person": pseudonym, "forgotten": proof}
    await events.note(
        connection, events.Entry("erase", RESOURCE, None, caller.organisation, data), caller, office.now()
    )
    return proof


async def _pseudonym(connection: AsyncConnection, by: By, value: str) -> str | None:
    return await journal.pseudonym_of(connection, value) if by is By.EMAIL else None


async def _reach(connection: AsyncConnection, caller: Caller) -> list[str] | None:
    """List the organisations that the caller administers; None: all there are."""
    below = await organisations.descendants(connection, await home(connection, caller))
    return None if len(below) == await organisations.count(connection) else [each.code for each in below]
