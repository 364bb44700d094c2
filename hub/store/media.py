"""Statements about how the media of participations was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.history import Media
from hub.store.history import AT_ONCE, Called
from hub.store.tables import media as table
from vdx.quality import StreamQuality


async def known(connection: AsyncConnection, ident: str) -> bool:
    """Tell whether a participation is written down."""
    return (await connection.execute(select(table.c.ident).where(table.c.ident == ident))).first() is not None


async def add(connection: AsyncConnection, media: Media, room: Called) -> None:
    """Write a participation down as one in `room`; raises `TakenError` for one that is known."""
    values = {
        "ident": media.ident,
        "organisation_id": room.organisation_id,
        "room": room.room,
        "meeting_uuid": room.meeting,
        "node": media.node,
        "domain": media.domain,
        "began": media.began,
        "ended": media.ended,
        "streams": msgspec.to_builtins(media.streams),
    }
    await connection.execute(insert(table), values)


async def between(
    connection: AsyncConnection, numbers: Sequence[int], begin: datetime | None, end: datetime | None
) -> list[Media]:
    """List the participations in rooms of organisations between two times, in their order."""
    found: list[Media] = []
    for at in range(0, len(numbers), AT_ONCE):
        statement = select(table).where(table.c.organisation_id.in_(numbers[at : at + AT_ONCE]))
        if begin is not None:
            statement = statement.where(table.c.ended > begin)
        if end is not None:
            statement = statement.where(table.c.began < end)
        found += [
            Media(
                ident=row["ident"],
                room=row["room"],
                meeting=row["meeting_uuid"],
                node=row["node"],
                domain=row["domain"],
                began=row["began"],
                ended=row["ended"],
                streams=tuple(msgspec.convert(row["streams"], list[StreamQuality])),
            )
            for row in (await connection.execute(statement)).mappings()
        ]
    return sorted(found, key=lambda media: (media.began, media.ident))
