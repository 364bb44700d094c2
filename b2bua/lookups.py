"""Names are looked up beside the calls that wait for them: the shell around `b2bua.locate`."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping

from b2bua.call.gateway import Gateway
from b2bua.call.names import Lookup
from b2bua.locate import Cache, Destination, LocateError, Query, UnavailableError, locate
from vdx.dialplan import DnsServer, HostTarget

DEADLINE = 4.0
"""Seconds a call waits for DNS: NAPTR, SRV and addresses of a slow zone; more than that and people hang up."""

Found = dict[HostTarget, tuple[Destination, ...] | LocateError]

log = logging.getLogger(__name__)


class Lookups:
    """Looks up what calls ask for; `after` runs after each answer, to send what came of it."""

    def __init__(self, gateway: Gateway, clock: Callable[[], float], after: Callable[[], None]) -> None:
        self._gateway = gateway
        self._clock = clock
        self._after = after
        self._servers: tuple[DnsServer, ...] = ()
        self._cache: Cache | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._chance = random.SystemRandom().random

    def start(self) -> None:
        """Begin to look up what calls have asked for since the last time."""
        for lookup in self._gateway.lookups():
            task = asyncio.ensure_future(self._answer(lookup))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def find(self, queries: Mapping[HostTarget, Query]) -> Found:
        """Look names up, within the deadline."""
        resolver = self._resolver()
        results = await asyncio.gather(*(self._find(query, resolver) for query in queries.values()))
        return dict(zip(queries, results, strict=True))

    async def close(self) -> None:
        """Stop looking; calls that wait end with the program."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _resolver(self) -> Cache:
        """Give the resolver of the site version; other servers may say something else, so they begin anew."""
        servers = self._gateway.plan.signalling.dial.dns
        if self._cache is None or servers != self._servers:
            from b2bua.locate import dns  # noqa: PLC0415 - dear, and many sites call no names

            self._servers, self._cache = servers, Cache(dns.DnsResolver(servers), self._clock)
        return self._cache

    async def _answer(self, lookup: Lookup) -> None:
        found = await self.find(lookup.queries)
        self._gateway.located(lookup.number, found, self._clock())
        self._after()

    async def _find(self, query: Query, resolver: Cache) -> tuple[Destination, ...] | LocateError:
        try:
            async with asyncio.timeout(DEADLINE):
                return await locate(query, resolver, self._chance)
        except TimeoutError:
            return UnavailableError(f"{query.host} was not found within {DEADLINE:g} s")
        except LocateError as error:
            log.info("name.unfound host=%s: %s", query.host, error)
            return error
        except Exception:  # a fault in here is the end of one call, and of nothing else
            log.exception("name.fault host=%s", query.host)
            return UnavailableError(f"{query.host} could not be looked up")
