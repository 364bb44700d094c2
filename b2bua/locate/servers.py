"""Locating SIP servers (RFC 3263): from a name to the transports, addresses and ports to try, in order.

    transport (4.1)   told -> that; port told -> UDP, or TLS where security is asked for;
                      else NAPTR; else whatever SRV records there are; else as with a port
    port (4.2)        told -> that; else SRV; else the default port of the transport
    address           AAAA and A of each target, IPv6 first

A deviation: without NAPTR, SRV records of all transports count, TLS before TCP before UDP, so that a server which takes
calls over TLS gets them so also from those who did not ask for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from b2bua.locate.errors import NotFoundError
from b2bua.locate.order import by_priority
from b2bua.locate.records import Naptr, Resolver, Srv

Transport = Literal["udp", "tcp", "tls"]

MAX_DESTINATIONS = 12
"""Places that one call is tried at: a caller gives up before there are more."""

MAX_TARGETS = 8
"""Hosts of one service whose addresses are asked for: the answer of a stranger's zone makes no more work."""

MIN_PORT = 1024
"""Ports below belong to other services, and a stranger's zone must not have us talk to them; 443 passes firewalls."""

_SERVICES: dict[Transport, tuple[str, str]] = {
    "tls": ("SIPS+D2T", "_sips._tcp"),
    "tcp": ("SIP+D2T", "_sip._tcp"),
    "udp": ("SIP+D2U", "_sip._udp"),
}
"""[transport]: the service of NAPTR (RFC 3263 4.1) and the name before the domain in SRV, best first."""

_PORTS: dict[Transport, int] = {"udp": 5060, "tcp": 5060, "tls": 5061}


class Destination(NamedTuple):
    """Where a request may be sent; `name` is what the certificate of a TLS server has to carry (RFC 5922 4)."""

    transport: Transport
    host: str
    port: int
    name: str = ""


class Query(NamedTuple):
    """A name to look up: port 0 and transport "" where it is not told, and what we can use.

    `usable` holds (transport, IP version) of our listeners; `secure` wants TLS and nothing else.
    """

    host: str
    port: int
    transport: Literal["", "udp", "tcp", "tls"]
    secure: bool
    usable: frozenset[tuple[str, int]]

    @property
    def transports(self) -> tuple[Transport, ...]:
        """The transports that may be used, best first."""
        speaks = {transport for transport, _ in self.usable}
        named = {self.transport} if self.transport else speaks
        return tuple(each for each in _SERVICES if each in speaks & named and (each == "tls" or not self.secure))


class _Service(NamedTuple):
    transport: Transport
    name: str


async def locate(query: Query, resolver: Resolver, chance: Callable[[], float]) -> tuple[Destination, ...]:
    """Give where to send a request, at most MAX_DESTINATIONS, in the order to try them.

    Raises NotFoundError, UnavailableError.
    """
    transports = query.transports
    if not transports:
        raise NotFoundError(f"{query.host}: no listener of ours speaks what is asked for")
    if query.port:
        transport = transports[0] if query.transport or query.secure else _plain(transports)
        hosts = [(transport, query.host, query.port)]
    else:
        hosts = await _by_services(query, transports, resolver, chance)
        hosts = hosts or [(first := _plain(transports) if not query.secure else "tls", query.host, _PORTS[first])]
    found = await _with_addresses(hosts[:MAX_TARGETS], query, resolver)
    if not found:
        raise NotFoundError(f"{query.host} leads to no address that we can reach")
    return tuple(found[:MAX_DESTINATIONS])


def _plain(transports: tuple[Transport, ...]) -> Transport:
    """Choose where nothing tells: UDP (4.1), or what there is instead."""
    return "udp" if "udp" in transports else transports[-1]


async def _by_services(
    query: Query, transports: tuple[Transport, ...], resolver: Resolver, chance: Callable[[], float]
) -> list[tuple[Transport, str, int]]:
    services = await _services(query, transports, resolver)
    answers = await asyncio.gather(*(resolver.srv(service.name) for service in services))
    hosts: list[tuple[Transport, str, int]] = []
    denied = False
    for service, answer in zip(services, answers, strict=True):
        denied = denied or any(not record.target for record in answer.records)
        usable = (one for one in answer.records if one.target and (one.port >= MIN_PORT or one.port == 443))
        ordered = by_priority(usable, _priority, _weight, chance)
        hosts += [(service.transport, one.target, one.port) for one in ordered]
    if denied and not hosts:
        raise NotFoundError(f"{query.host} says in its SRV records that it has no such service")
    return hosts


async def _services(query: Query, transports: tuple[Transport, ...], resolver: Resolver) -> list[_Service]:
    if not query.transport:
        records = (await resolver.naptr(query.host)).records
        if services := list(_offered(records, transports)):
            return services
        if any(_is_sip(record) for record in records):
            raise NotFoundError(f"{query.host} offers SIP in its NAPTR records, but not as we may speak it")
    return [_Service(transport, f"{_SERVICES[transport][1]}.{query.host}") for transport in transports]


def _offered(records: Iterable[Naptr], transports: tuple[Transport, ...]) -> Iterable[_Service]:
    """Give the services of NAPTR records that we speak, in their order (RFC 3403 4.1: order, then preference)."""
    by_service = {_SERVICES[transport][0]: transport for transport in transports}
    for record in sorted(records, key=lambda record: (record.order, record.preference)):
        transport = by_service.get(record.service.upper())
        if transport and record.flags.lower() == "s" and record.replacement:
            yield _Service(transport, record.replacement)


def _is_sip(record: Naptr) -> bool:
    return record.service.upper().startswith(("SIP+", "SIPS+")) and record.flags.lower() == "s"


async def _with_addresses(
    hosts: list[tuple[Transport, str, int]], query: Query, resolver: Resolver
) -> list[Destination]:
    kinds: tuple[tuple[Literal["AAAA", "A"], int], ...] = (("AAAA", 6), ("A", 4))
    questions = [
        (transport, host, port, kind)
        for transport, host, port in hosts
        for kind, version in kinds
        if (transport, version) in query.usable
    ]
    answers = await asyncio.gather(
        *(resolver.addresses(host, kind) for _, host, _, kind in questions), return_exceptions=True
    )
    found = []
    for (transport, _, port, _), answer in zip(questions, answers, strict=True):
        if not isinstance(answer, BaseException):
            found += [Destination(transport, address, port, query.host) for address in answer.records]
    if not found:
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
    return list(dict.fromkeys(found))


def _priority(record: Srv) -> int:
    return record.priority


def _weight(record: Srv) -> int:
    return record.weight
