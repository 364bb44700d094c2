"""Writing records: with what is known of the one before, so that two writers never undo each other."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Generic

from nats.aio.msg import Msg

from vdx.bus.connection import Bus, Headers
from vdx.bus.errors import BusError, Conflict, Taken
from vdx.bus.kinds import Kind, Record, decode, encode
from vdx.bus.limits import SERVER_SECONDS, TOMBSTONE_SECONDS
from vdx.bus.replica import Entry
from vdx.bus.walk import stored

log = logging.getLogger("bus")

LAST = "Nats-Expected-Last-Subject-Sequence"


@dataclass(frozen=True, slots=True)
class Versioned(Generic[Record]):
    """A record and its revision."""

    record: Record
    revision: int


class Bucket(Generic[Record]):
    """The records of one kind, on the servers; each call is a round trip and raises `BusError` where it fails.

    `lease` is in whole seconds: the record goes when it is not written again within. Without, it stays.
    """

    def __init__(self, bus: Bus, kind: Kind[Record]) -> None:
        self.kind = kind
        self._bus = bus

    async def get(self, key: str) -> Versioned[Record] | None:
        """Give a record, None where there is none; raises `BadRecord` for one that cannot be read."""
        entry = await self._entry(key)
        if entry is None or entry.value is None:
            return None
        return Versioned(decode(entry.value, self.kind.record), entry.revision)

    async def put(self, key: str, record: Record, lease: int | None = None) -> int:
        """Write a record, whatever is there; gives its revision."""
        return await self._write(key, encode(record), _leased(lease))

    async def create(self, key: str, record: Record, lease: int | None = None) -> int:
        """Write a record where there is none; gives its revision, raises `Taken` where there is one."""
        data, headers = encode(record), _leased(lease)
        try:
            return await self._write(key, data, headers | {LAST: "0"})
        except Conflict as conflict:
            entry = await self._entry(key)
            if entry is not None and entry.value is not None:
                raise Taken(f"{key} in bucket {self.kind.name} exists already") from conflict
            last = entry.revision if entry is not None else 0
        return await self._write(key, data, headers | {LAST: str(last)})

    async def update(self, key: str, record: Record, revision: int, lease: int | None = None) -> int:
        """Write a record in the place of that with `revision`; raises `Conflict` where it is another by now."""
        return await self._write(key, encode(record), _leased(lease) | {LAST: str(revision)})

    async def delete(self, key: str, revision: int | None = None) -> None:
        """Take a record away, with `revision` only that one; one that is not there is no error."""
        headers = {"KV-Operation": "PURGE", "Nats-Rollup": "sub", "Nats-TTL": str(TOMBSTONE_SECONDS)}
        await self._write(key, b"", headers if revision is None else headers | {LAST: str(revision)})

    async def _write(self, key: str, data: bytes, headers: Headers) -> int:
        return (await self._bus.write(self.kind.subject(key), data, headers)).seq

    async def _entry(self, key: str) -> Entry | None:
        asked = json.dumps({"last_by_subj": self.kind.subject(key)}).encode()
        subject = f"$JS.API.DIRECT.GET.{self.kind.stream}"
        message = await self._bus.request(subject, asked, seconds=SERVER_SECONDS)
        return None if _status(message) == "404" else stored(self.kind, message)


class Lease(Generic[Record]):
    """A key that is ours for as long as we renew it: a node's place, a duty that one of many has."""

    def __init__(self, bucket: Bucket[Record], key: str, seconds: int) -> None:
        self.key = key
        self.seconds = seconds
        self._bucket = bucket
        self._revision = 0

    async def renew(self, record: Record) -> None:
        """Take the key, or keep it with what is new of us; raises `Taken` where it is another's.

        An answer that was lost is no loss: where the record is exactly ours, it is taken up again.
        """
        try:
            if self._revision:
                self._revision = await self._bucket.update(self.key, record, self._revision, self.seconds)
                return
        except Conflict:
            self._revision = 0
        try:
            self._revision = await self._bucket.create(self.key, record, self.seconds)
        except Taken:
            found = await self._bucket.get(self.key)
            if found is None or not self._ours(found.record, record):
                raise
            self._revision = await self._bucket.update(self.key, record, found.revision, self.seconds)

    async def release(self) -> None:
        """Give the key back; it is no error where it has gone already."""
        revision, self._revision = self._revision, 0
        if not revision:
            return
        try:
            await self._bucket.delete(self.key, revision)
        except Conflict:
            log.info("bus.lease: %s was no longer ours", self.key)

    @staticmethod
    def _ours(found: Record, record: Record) -> bool:
        """Tell whether a record bears our mark: its `holder`, which every start of a program draws anew."""
        return getattr(found, "holder", None) == getattr(record, "holder", "")


def _leased(lease: int | None) -> Headers:
    if lease is not None and lease < 1:
        raise BusError(f"a lease of {lease} s cannot be kept: at least 1")
    return {} if lease is None else {"Nats-TTL": str(lease)}


def _status(message: Msg) -> str | None:
    return (message.headers or {}).get("Status")
