"""What was audited becomes the journal: one writer, in order, each entry once; then it is told on the bus.

An audit entry is written to the outbox with the change it tells of. Here it gets its number and digest, in the
transaction that marks it in the outbox; so it is in the journal once, whenever the program ends. The relay tells only
entries that are in the journal, with number and digest. Without a bus nobody is told, and the outbox is emptied here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import events
from hub.booking.office import Office
from hub.domain.journal import Entry, digest
from hub.store import journal as store
from hub.store.database import Database
from hub.store.tables import outbox

AT_ONCE = 500
"""Entries of one round."""

AGAIN = frozenset({"uq_persons_email"})
"""Somebody's pseudonym was made meanwhile, by his login: another try finds it."""


_MARK = update(outbox).where(outbox.c.id == bindparam("at")).values(message=bindparam("said"), chained=True)


class Journal:
    """Writes the journal; `told`: there is a bus, and a relay that empties the outbox."""

    def __init__(self, database: Database, office: Office, *, told: bool) -> None:
        self._database = database
        self._office = office
        self._told = told

    async def round(self) -> int:
        """Write what waits into the journal; gives how many entries. Raises `AwayError`."""
        return await self._database.retry(self._round, AGAIN)

    async def _round(self, connection: AsyncConnection) -> int:
        await store.hold(connection)
        statement = select(outbox.c.id, outbox.c.message).where(
            outbox.c.subject == events.AUDIT_SUBJECT, outbox.c.chained.is_(False)
        )
        waiting = list((await connection.execute(statement.order_by(outbox.c.id).limit(AT_ONCE))).mappings())
        if waiting:
            entries = await self._entries(connection, [row["message"]["auditEvent"] for row in waiting])
            await store.add(connection, entries)
            if self._told:
                told = [
                    {"at": row["id"], "said": self._to_tell(row["message"], entry)}
                    for row, entry in zip(waiting, entries, strict=True)
                ]
                await connection.execute(_MARK, told)
        if not self._told:
            done = outbox.c.id.in_([row["id"] for row in waiting])
            await connection.execute(delete(outbox).where(done | (outbox.c.subject != events.AUDIT_SUBJECT)))
        return len(waiting)

    def _to_tell(self, message: dict[str, Any], entry: Entry) -> dict[str, Any]:
        """Give what the bus is told: people by their pseudonyms, unless the installation wants their addresses."""
        event = message["auditEvent"]
        if not self._office.settings.personal.addresses_on_bus:
            event = event | {"user": entry.person}
        return message | {"auditEvent": event, "journal": {"number": entry.number, "digest": entry.digest}}

    async def _entries(self, connection: AsyncConnection, said: list[dict[str, Any]]) -> list[Entry]:
        emails = (each["user"] for each in said if each["user"])
        people = await store.pseudonyms(connection, emails, self._office.now())
        number, before = await store.last(connection)
        entries = []
        for each in said:
            number += 1
            entry = Entry(
                number=number,
                time=each["auditEventDateTime"],
                organisation=each["organisationCode"],
                resource=each["resource"],
                operation=each["operation"],
                identifier=each["identifier"],
                person=people[each["user"][:250]] if each["user"] else None,
                source=each["source"],
                data=each.get("auditData", {}),
            )
            before = digest(before, entry)
            entries.append(replace(entry, digest=before))
        return entries
