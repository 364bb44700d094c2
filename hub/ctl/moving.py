"""An installation read out of a database and put into an empty one: all of it, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.ctl.form import Line, OrganisationLine, RoomLine, RowLine, TemplateLine, read, written
from hub.domain.model import Organisation, SchedulingInfo
from hub.errors import InputError
from hub.store import moving
from hub.store.database import Database, TakenError

Counts = Counter[str]
"""How many of each there were, by `what`."""


async def export(database: Database, write: Callable[[bytes], object]) -> Counts:
    """Write everything out; raises `AwayError`."""
    counts: Counts = Counter()
    async with database.read() as connection:
        for organisation in await moving.all_organisations(connection):
            write(written(OrganisationLine(organisation)))
            counts["organisation"] += 1
        for template, deleted in await moving.all_templates(connection):
            write(written(TemplateLine(template, deleted)))
            counts["template"] += 1
        async for room in moving.all_rooms(connection):
            write(written(RoomLine(room)))
            counts["room"] += 1
        for table in moving.OTHERS:
            async for row in moving.all_rows(connection, table):
                write(written(RowLine(table, row)))
                counts[table] += 1
    return counts


async def take_in(database: Database, lines: Iterable[bytes]) -> Counts:
    """Put everything in, in one transaction; raises `InputError` that names what cannot be, and then nothing is in."""
    counts: Counts = Counter()
    try:
        async with database.write() as connection:
            mover = _Mover(connection)
            for line in read(lines):
                await mover.take(line)
                counts[_what(line)] += 1
            await mover.finish()
            await moving.count_on(connection)
    except TakenError as taken:
        what = "names what is not in the file" if taken.constraint.startswith("fk_") else "is here already"
        raise InputError(f"something {what} ({taken.constraint}): nothing was taken in") from taken
    except DBAPIError as error:
        raise InputError(f"the database refuses something ({type(error).__name__}): nothing was taken in") from error
    return counts


def _what(line: Line) -> str:
    return line.table if isinstance(line, RowLine) else str(type(line).__struct_config__.tag)


class _Mover:
    """Collects rows until there are enough for a statement."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._organisations: list[Organisation] = []
        self._rooms: list[SchedulingInfo] = []
        self._rows: tuple[str, list[dict[str, Any]]] = "", []
        self._numbers: dict[str, int] = {}

    async def take(self, line: Line) -> None:
        if isinstance(line, OrganisationLine):
            if self._numbers:
                raise InputError(f"organisation {line.organisation.code}: organisations come first")
            self._organisations.append(line.organisation)
            return
        await self._settle()
        if isinstance(line, TemplateLine):
            owner = line.template.organisation
            number = None if owner is None else self._number(owner, f"template {line.template.id}")
            await moving.add_template(self._connection, line.template, number, line.deleted)
            return
        if isinstance(line, RowLine):
            await self._write_rooms()
            await self._take_row(line)
            return
        self._number(line.room.organisation, f"room {line.room.uuid}")
        if line.room.meeting is not None:
            self._number(line.room.meeting.organisation, f"meeting {line.room.meeting.uuid}")
        self._rooms.append(line.room)
        if len(self._rooms) >= moving.AT_ONCE:
            await self._write_rooms()

    async def finish(self) -> None:
        await self._settle()
        await self._write_rooms()
        await self._write_rows()

    async def _take_row(self, line: RowLine) -> None:
        table, kept = self._rows
        if line.table != table or len(kept) >= moving.AT_ONCE:
            await self._write_rows()
            self._rows = line.table, []
        try:
            self._rows[1].append(moving.row(line.table, line.row))
        except ValueError as error:
            raise InputError(f"row of {line.table}: {error}") from error

    async def _write_rows(self) -> None:
        table, kept = self._rows
        if kept:
            await moving.add_rows(self._connection, table, kept)
        self._rows = "", []

    async def _settle(self) -> None:
        if self._organisations:
            known = {each.id for each in self._organisations}
            for each in self._organisations:
                if each.parent_id is not None and each.parent_id not in known:
                    raise InputError(f"organisation {each.code}: nobody has the parent's id {each.parent_id}")
            await moving.add_organisations(self._connection, self._organisations)
            self._numbers = {each.code: each.id for each in self._organisations}
            self._organisations = []

    async def _write_rooms(self) -> None:
        await moving.add_rooms(self._connection, self._rooms, self._numbers)
        self._rooms = []

    def _number(self, code: str, what: str) -> int:
        if code not in self._numbers:
            raise InputError(f"{what}: no organisation has the code {code}")
        return self._numbers[code]
