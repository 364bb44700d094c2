"""The resolver that asks name servers, with dnspython: its sockets leave from the address of the servers' zone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from b2bua.locate.errors import UnavailableError
from b2bua.locate.records import Answer, Naptr, Srv
from vdx.dialplan import DnsServer

TRY_SECONDS = 1.5
"""One question to one server: resolvers of our own network answer in milliseconds, or ask others within a second."""

MAX_ASKING = 64
"""Questions under way at once, each with a socket of its own; more wait for their turn."""

MAX_RECORDS = 32
"""Records of one answer that are looked at."""


class DnsResolver:
    """Asks the given servers in turn until one answers."""

    def __init__(self, servers: Sequence[DnsServer]) -> None:
        self._servers = tuple((_resolver(server.address), server.source) for server in servers)
        self._turns = asyncio.Semaphore(MAX_ASKING)

    async def naptr(self, name: str) -> Answer[Naptr]:
        """Give the NAPTR records of a domain; raises UnavailableError."""
        records, ttl = await self._ask(name, "NAPTR")
        return Answer(
            tuple(
                Naptr(one.order, one.preference, _text(one.flags), _text(one.service), _name(one.replacement))
                for one in records
            ),
            ttl,
        )

    async def srv(self, name: str) -> Answer[Srv]:
        """Give the SRV records of a service; raises UnavailableError."""
        records, ttl = await self._ask(name, "SRV")
        return Answer(tuple(Srv(one.priority, one.weight, one.port, _name(one.target)) for one in records), ttl)

    async def addresses(self, name: str, kind: Literal["A", "AAAA"]) -> Answer[str]:
        """Give the addresses of a host; raises UnavailableError."""
        records, ttl = await self._ask(name, kind)
        return Answer(tuple(str(one.address) for one in records), ttl)

    async def _ask(self, name: str, kind: str) -> tuple[list[Any], float]:
        try:
            asked = dns.name.from_text(name, dns.name.root)
        except (dns.exception.DNSException, UnicodeError):
            return [], 0.0  # a name that cannot be written does not exist
        if not self._servers:
            raise UnavailableError(f"{name}: the site file names no DNS server (`upstream`)")
        async with self._turns:
            for resolver, source in self._servers:
                try:
                    return await _answer(resolver, asked, kind, source)
                except (dns.exception.DNSException, OSError) as error:
                    last: Exception = error
        raise UnavailableError(f"{kind} of {name} was not answered: {type(last).__name__}")


async def _answer(
    resolver: dns.asyncresolver.Resolver, name: dns.name.Name, kind: str, source: str
) -> tuple[list[Any], float]:
    try:
        answer = await resolver.resolve(
            name, kind, source=source, lifetime=TRY_SECONDS, raise_on_no_answer=False, search=False
        )
    except dns.resolver.NXDOMAIN as error:
        return [], _negative_ttl(error, name)
    records = list(answer.rrset)[:MAX_RECORDS] if answer.rrset is not None else []
    return records, float(answer.chaining_result.minimum_ttl)


def _negative_ttl(error: dns.resolver.NXDOMAIN, name: dns.name.Name) -> float:
    """Give how long a name does not exist: the SOA record beside the answer says it (RFC 2308 5)."""
    response = error.responses().get(name)  # type: ignore[no-untyped-call]
    return float(response.resolve_chaining().minimum_ttl) if response is not None else 0.0


def _resolver(address: str) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [address]
    return resolver


def _name(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace")
