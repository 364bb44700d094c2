"""What DNS said, kept as long as it holds, and asked once however many calls wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, NamedTuple

from b2bua.locate.errors import UnavailableError
from b2bua.locate.records import Answer, Naptr, Resolver, Srv

MAX_ENTRIES = 10_000
"""Answers kept, some 5 MB; the one that was not asked for the longest goes."""

MAX_TTL = 3_600.0
"""Seconds an answer is kept at most: what moved within a day is found within an hour."""

MIN_TTL = 5.0
"""Seconds it is kept at least: a zone with TTL 0 does not have every call of a rush ask it."""

MAX_NEGATIVE_TTL = 300.0
"""Seconds that a name without records is remembered at most (RFC 2308 5 allows hours; people mend zones sooner)."""

FAILURE_TTL = 5.0
"""Seconds during which a server that did not answer is not asked for the same name again (RFC 2308 7.2)."""

_Key = tuple[str, str]


class _Entry(NamedTuple):
    answer: Answer[Any] | UnavailableError
    until: float


class Cache:
    """A resolver that remembers; `clock` in seconds."""

    def __init__(self, resolver: Resolver, clock: Callable[[], float]) -> None:
        self._resolver = resolver
        self._clock = clock
        self._entries: dict[_Key, _Entry] = {}
        self._asking: dict[_Key, asyncio.Task[Answer[Any]]] = {}

    async def naptr(self, name: str) -> Answer[Naptr]:
        """Give the NAPTR records of a domain; raises UnavailableError."""
        return await self._get((name, "NAPTR"), lambda: self._resolver.naptr(name))

    async def srv(self, name: str) -> Answer[Srv]:
        """Give the SRV records of a service; raises UnavailableError."""
        return await self._get((name, "SRV"), lambda: self._resolver.srv(name))

    async def addresses(self, name: str, kind: Literal["A", "AAAA"]) -> Answer[str]:
        """Give the addresses of a host; raises UnavailableError."""
        return await self._get((name, kind), lambda: self._resolver.addresses(name, kind))

    def __len__(self) -> int:
        """Count the answers that are kept."""
        return len(self._entries)

    async def _get(self, key: _Key, ask: Callable[[], Awaitable[Answer[Any]]]) -> Answer[Any]:
        entry = self._entries.pop(key, None)
        if entry is not None and entry.until > self._clock():
            self._entries[key] = entry  # the one asked for last stands last
            if isinstance(entry.answer, UnavailableError):
                raise UnavailableError(str(entry.answer))
            return entry.answer
        task = self._asking.get(key)
        if task is None:
            task = asyncio.ensure_future(self._ask(key, ask))
            self._asking[key] = task
            task.add_done_callback(lambda _done: self._asking.pop(key, None))
        return await asyncio.shield(task)  # one who gives up does not take the answer from the others

    async def _ask(self, key: _Key, ask: Callable[[], Awaitable[Answer[Any]]]) -> Answer[Any]:
        try:
            answer = await ask()
        except UnavailableError as error:
            self._keep(key, _Entry(error, self._clock() + FAILURE_TTL))
            raise
        longest = MAX_TTL if answer.records else MAX_NEGATIVE_TTL
        self._keep(key, _Entry(answer, self._clock() + min(max(answer.ttl, MIN_TTL), longest)))
        return answer

    def _keep(self, key: _Key, entry: _Entry) -> None:
        self._entries.pop(key, None)
        if len(self._entries) >= MAX_ENTRIES:
            self._entries.pop(next(iter(self._entries)))
        self._entries[key] = entry
