"""What was, taken from the bus into the database: calls that ended, and how the media of participations was.

Whose room it was, or whose room system, is found when the record comes.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.history import ANSWERED, Call, Media
from hub.store import history, media
from hub.store.database import Database, TakenError
from vdx.bus import Happening
from vdx.quality import QualityReport
from vdx.record import CallRecord

RECORDS: Happening[CallRecord] = Happening("records", CallRecord)
READER, MEDIA_READER = "hub-history", "hub-media"
"""The names under which the bus remembers how far we have read."""

log = logging.getLogger("hub.history")


class History:
    """Writes records of calls and of media down, each once; `registrar`: the peer that room systems register as."""

    def __init__(self, database: Database, registrar: str = "") -> None:
        self._database = database
        self._registrar = registrar

    async def take(self, edge: str, record: CallRecord) -> None:
        """Write one record down; the same again changes nothing. Raises `AwayError`."""
        try:
            call = to_call(edge, record)
        except ValueError as error:
            log.warning("record.refused edge=%s call=%s: %s", edge, record.call, error)
            return

        async def write(connection: AsyncConnection) -> None:
            if await history.known(connection, call.ident):
                return
            found = await history.called(connection, call.dialled, call.began)
            if found is None and self._registrar and call.peer == self._registrar:
                found = await history.caller(connection, call.caller)
            await history.add(connection, call, found)

        try:
            await self._database.retry(write)
        except TakenError:  # two readers had it at once
            return

    async def take_media(self, node: str, report: QualityReport) -> None:
        """Write down how a participation was; rooms that nobody else knows (bridges, probes) are left out.

        Raises `AwayError`.
        """
        try:
            heard, room = to_media(node, report), UUID(report.room)
        except (ValueError, OverflowError, OSError) as error:
            log.warning("media.refused node=%s room=%s: %s", node, report.room, error)
            return

        async def write(connection: AsyncConnection) -> None:
            if not await media.known(connection, heard.ident):
                found = await history.of_room(connection, room)
                if found is not None:
                    await media.add(connection, heard, found)

        try:
            await self._database.retry(write)
        except TakenError:  # two readers had it at once
            return


def to_media(node: str, report: QualityReport) -> Media:
    """Read a report; raises `ValueError`, `OverflowError` or `OSError` for times that are none."""
    return Media(
        ident=f"{node[:50]}.{report.participant[:50]}.{int(report.began)}",
        room=report.room[:64],
        meeting=None,
        node=node[:64],
        domain=report.domain[:128],
        began=datetime.fromtimestamp(report.began, UTC),
        ended=datetime.fromtimestamp(report.ended, UTC),
        streams=report.streams,
    )


def to_call(edge: str, record: CallRecord) -> Call:
    """Read a record; raises `ValueError` for times that are none."""
    answered = _time(record.answered) if record.answered and record.status == ANSWERED else None
    return Call(
        ident=f"{edge}.{record.call}"[:120],
        organisation=None,
        room=None,
        meeting=None,
        dialled=record.callee.alias[:128].partition("@")[0],
        caller=record.caller.alias[:128],
        zone=record.caller.zone[:32],
        peer=record.caller.peer[:64],
        transport=record.caller.transport[:8],
        edge=edge[:64],
        began=_time(record.began),
        answered=answered,
        ended=_time(record.ended),
        status=record.status,
        ended_by=record.ended_by[:16],
        video=any(each.medium == "video" for each in record.streams),
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
