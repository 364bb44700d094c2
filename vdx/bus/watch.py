"""A watch: a bucket kept in memory and on disk, through every loss of the bus."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Generic

from nats.aio.client import Client
from nats.aio.msg import Msg

from vdx.bus.errors import BadRecord, BusError
from vdx.bus.kinds import Kind, Record
from vdx.bus.limits import AUDIT_SECONDS, SERVER_SECONDS, SETTLE_SECONDS, SNAPSHOT_SECONDS
from vdx.bus.replica import Change, Replica, Synced
from vdx.bus.snapshot import Snapshot
from vdx.bus.walk import stored, walk

log = logging.getLogger("bus")

Told = Callable[[Change[Record]], None]


class Watch(Generic[Record]):
    """One bucket, watched: `Bus.add` it. `records` is a plain dict that is always there, however old.

    With a folder the state is on disk too, and is there before the bus is. `told` hears every change, in order; it must
    not raise and not wait. `changes` gives the same to a task, newest first known of each key.
    """

    def __init__(
        self,
        kind: Kind[Record],
        folder: Path | None = None,
        told: Told[Record] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.kind = kind
        self.synced = False
        """Whether the state is as the server has it, and changes are heard as they come."""
        self.known: float | None = None
        """Wall clock time at which the state was last known to be the server's; None: never."""
        self._clock = clock
        self._wall = wall
        self._replica: Replica[Record] = Replica(kind.record, self._complain)
        self._listeners: list[Told[Record]] = [told] if told else []
        self._snapshot = Snapshot(folder, kind.name) if folder else None
        self._stir = asyncio.Event()
        self._doubt = False
        self._compared = 0.0
        self._unsaved = False
        self._once = asyncio.Event()
        self._restore()

    @property
    def records(self) -> dict[str, Record]:
        """The records by key; to be read, not written."""
        return self._replica.records

    def revision(self, key: str) -> int:
        """Give the revision of a record, 0 where there is none."""
        return self._replica.revision(key)

    @property
    def age(self) -> float | None:
        """Seconds since the state was last known to be the server's; None: nothing was ever known."""
        if self.synced:
            return 0.0
        return None if self.known is None else max(0.0, self._wall() - self.known)

    async def until_synced(self) -> None:
        """Wait until the state has been as the server's: for tools; programs never wait for the bus."""
        await self._once.wait()

    def listen(self, told: Told[Record]) -> None:
        """Tell `told` of every change from now on."""
        self._listeners.append(told)

    async def changes(self) -> AsyncIterator[Change[Record]]:
        """Give changes to a task as it comes to them: of each key the last one, so that what waits is bounded."""
        waiting: dict[str, Change[Record]] = {}
        stir = asyncio.Event()

        def take(change: Change[Record]) -> None:
            key = "" if isinstance(change, Synced) else change.key
            waiting.pop(key, None)
            waiting[key] = change
            stir.set()

        self._listeners.append(take)
        try:
            while True:
                await stir.wait()
                stir.clear()
                while waiting:
                    yield waiting.pop(next(iter(waiting)))
        finally:
            self._listeners.remove(take)

    async def follow(self, client: Client) -> None:
        """Keep the state as the server has it until the connection falls."""
        self._replica.begin()
        subscription = await client.subscribe(self.kind.told, cb=self._hear)
        saving = asyncio.create_task(self._save())
        try:
            await client.flush()  # the server hears of our interest before it is asked what there is
            await self._compare(client)
            while True:
                with suppress(asyncio.TimeoutError):
                    async with asyncio.timeout(self._patience()):
                        await self._stir.wait()
                self._stir.clear()
                self._tell(self._replica.expire(self._clock()))
                await self._catch_up(client)
                self._note()
                if self._doubt and self._clock() - self._compared >= AUDIT_SECONDS:
                    self._replica.begin()
                    await self._compare(client)
        finally:
            self.synced = False
            saving.cancel()
            await asyncio.gather(saving, return_exceptions=True)
            await self._write()
            if client.is_connected:
                await subscription.unsubscribe()

    async def _compare(self, client: Client) -> None:
        """Walk the whole bucket, and tell what differs from before."""
        to, said = 0, ""
        while True:
            try:
                async for entry in walk(client, self.kind, 1):
                    self._replica.apply(entry, self._clock(), walked=True)
                    to = entry.revision
                break
            except BusError as error:
                if str(error) != said:
                    log.warning("bus.unread: %s; tried again", error)
                said = str(error)
                await asyncio.sleep(SERVER_SECONDS)
        self.synced, self._doubt, self._compared = True, False, self._clock()
        self._tell(self._replica.finish(to, self._clock()))
        self._note()
        self._once.set()
        log.info("bus.synced: %s holds %d at revision %d", self.kind.name, len(self.records), self._replica.seen)

    async def _catch_up(self, client: Client) -> None:
        """Ask for what was missed, and once in a while whether anything was."""
        while True:
            to = self._replica.seen
            async for entry in walk(client, self.kind, to + 1):
                self._tell(self._replica.apply(entry, self._clock(), walked=True))
                to = entry.revision
            self._replica.caught_up(to)
            if not self._replica.gap:
                return

    def _patience(self) -> float:
        now, ends = self._clock(), self._replica.next_expiry
        pause = SETTLE_SECONDS if now - self._compared < SETTLE_SECONDS else AUDIT_SECONDS
        return pause if ends is None else max(0.0, min(pause, ends - now))

    async def _hear(self, message: Msg) -> None:
        try:
            entry = stored(self.kind, message)
        except BusError as error:
            log.warning("bus.unusable: %s", error)
            return
        self._doubt = self._doubt or self._replica.doubtful(entry)
        self._tell(self._replica.apply(entry, self._clock(), walked=False))
        if self._replica.gap:
            self._stir.set()

    def _tell(self, changes: list[Change[Record]]) -> None:
        self._unsaved = self._unsaved or bool(changes)
        for change in changes:
            for told in self._listeners:
                told(change)

    def _complain(self, key: str, error: BadRecord) -> None:
        log.error("bus.unreadable: %s in bucket %s is left out: %s", key, self.kind.name, error)

    def _restore(self) -> None:
        if self._snapshot is None:
            return
        try:
            found = self._snapshot.load()
        except BadRecord as error:
            log.error("bus.snapshot: %s", error)  # noqa: TRY400 - the sentence says it
            return
        if found is None:
            return
        entries, self.known = found
        self._replica.restore(entries)
        log.info("bus.restored: %s as it was %.0f s ago, %d records", self.kind.name, self.age, len(self.records))

    def _note(self) -> None:
        self.known = self._wall()

    async def _save(self) -> None:
        while True:
            await asyncio.sleep(SNAPSHOT_SECONDS)
            await self._write()

    async def _write(self) -> None:
        """Bring the disk up to date; a full disk is said, and costs nobody a call."""
        if self._snapshot is None or self.known is None:
            return
        try:
            if self._unsaved:
                self._unsaved = False
                await asyncio.to_thread(self._snapshot.save, list(self._replica.entries().values()))
            else:
                self._snapshot.touch(self.known)
        except OSError as error:
            self._unsaved = True
            log.warning("bus.unsaved: %s: %s", self._snapshot.path, error)
