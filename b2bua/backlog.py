"""Records that the hub has not got yet: read from disk and sent on, after a restart or when too many waited in memory.

A mark on disk says up to when all records have arrived. It is written after they have, so what a crash repeats is sent
twice, and the stream knows it by its id; nothing is left out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from nats.aio.client import Client

from vdx.bus import Outbox
from vdx.record import CallRecord, RecordList, Records

OVERLAP_SECONDS = 60.0
"""Calls that ended so long before the mark are sent again: their records may have been written a little later."""

MARK_SECONDS = 1.0
"""How often the mark is written at most."""

AT_ONCE = 1000
"""Records of the backlog that wait in memory: those of calls that end now have their place beside them."""

TURN_SECONDS = 0.05

log = logging.getLogger(__name__)

Past = Callable[[Records], RecordList]
"""Reads records from disk; called in a thread."""


class Backlog:
    """What is on disk beyond the mark in `file`; with each connection the `outbox` gets what it may have missed."""

    def __init__(
        self,
        file: Path,
        past: Past,
        outbox: Outbox[CallRecord],
        name: Callable[[CallRecord], str],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._file = file
        self._past = past
        self._outbox = outbox
        self._name = name
        self._wall = wall
        self._lost: int | None = None
        self._arrived = self._read()
        self._written = time.monotonic()
        if self._arrived is None:  # the bus is new to this edge: what ended before concerns nobody there
            self._arrived = wall()
            self._write()

    def sent(self, record: CallRecord) -> None:
        """Hear that a record has arrived."""
        self._arrived = max(self._arrived or 0.0, datetime.fromisoformat(record.ended).timestamp())
        if time.monotonic() - self._written >= MARK_SECONDS:
            self._write()

    async def follow(self, client: Client) -> None:
        """Send on what may be missing."""
        del client
        if self._lost == self._outbox.lost:
            return
        lost, since, cursor, count = self._outbox.lost, max(0.0, (self._arrived or 0.0) - OVERLAP_SECONDS), "", 0
        while True:
            found = await asyncio.to_thread(self._past, Records(0, since, None, cursor))
            for record in found.records:
                while len(self._outbox) >= AT_ONCE:  # noqa: ASYNC110 - a backlog is rare, and in no hurry
                    await asyncio.sleep(TURN_SECONDS)
                self._outbox.post(self._name(record), record)
            count += len(found.records)
            if not (cursor := found.cursor):
                break
        self._lost = lost
        log.info("backlog.sent: %d records of the last %.0f s", count, self._wall() - since)

    def close(self) -> None:
        """Write the mark."""
        self._write()

    def _read(self) -> float | None:
        try:
            return float(self._file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def _write(self) -> None:
        self._written = time.monotonic()
        part = self._file.with_suffix(".part")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_text(f"{self._arrived:.3f}\n", encoding="ascii")
            part.replace(self._file)
        except OSError as error:
            log.warning("backlog.unmarked: %s: %s", self._file, error.strerror)
