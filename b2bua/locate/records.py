"""DNS records that lead to SIP servers, and who is asked for them."""

from __future__ import annotations

from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

Kind = Literal["NAPTR", "SRV", "A", "AAAA"]
Record_co = TypeVar("Record_co", covariant=True)


class Naptr(NamedTuple):
    """One way to reach a service of a domain (RFC 3403 4.1); names without the final dot, in lower case."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


class Srv(NamedTuple):
    """One server of a service (RFC 2782); the target "" says that the service is not there."""

    priority: int
    weight: int
    port: int
    target: str


class Answer(NamedTuple, Generic[Record_co]):
    """Records, none where the name has none of the kind, and for how many seconds that holds."""

    records: tuple[Record_co, ...]
    ttl: float


class Resolver(Protocol):
    """Who looks names up. A name that does not exist has no records; UnavailableError where nobody answers."""

    async def naptr(self, name: str) -> Answer[Naptr]:
        """Give the NAPTR records of a domain."""
        ...

    async def srv(self, name: str) -> Answer[Srv]:
        """Give the SRV records of a service."""
        ...

    async def addresses(self, name: str, kind: Literal["A", "AAAA"]) -> Answer[str]:
        """Give the addresses of a host, as text."""
        ...
