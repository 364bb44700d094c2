"""What handlers share: who asks, the database, links; and the check of roles before anything is looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from hub.api.answers import Links
from hub.booking.office import Office
from hub.domain import access
from hub.domain.model import Caller
from hub.domain.words import Role
from hub.errors import UnauthenticatedError
from hub.people.provider import Entrance
from hub.store.database import Database
from hub.web.live import Presence

Authenticate = Callable[[str], Awaitable[Caller]]
"""A bearer token to who asks; raises `UnauthenticatedError`."""

MAX_TOKEN = 16 * 1024
"""Octets of a token: those of large federations take four."""


@dataclass(frozen=True, slots=True)
class Hub:
    """The parts that every request needs."""

    database: Database
    office: Office
    authenticate: Authenticate
    git: dict[str, str]
    entrance: Entrance | None = None
    """How people log in; None where that is not set up."""
    presence: Presence | None = None
    """Who is in rooms now; None without a bus."""


@dataclass(frozen=True, slots=True)
class Context:
    """One request: who asks, and the hub's parts."""

    hub: Hub
    caller: Caller
    links: Links

    @property
    def database(self) -> Database:
        """The database."""
        return self.hub.database

    @property
    def office(self) -> Office:
        """Settings, clock and chance."""
        return self.hub.office


def allow(*roles: Role) -> Any:  # noqa: ANN401 - what FastAPI takes as a dependency has no name
    """Make the dependency of an operation that `roles` may use."""

    async def context(request: Request) -> Context:
        hub: Hub = request.app.state.hub
        caller = await hub.authenticate(bearer(request))
        access.require(caller, *roles)
        return Context(hub, caller, Links.of(request, hub.office.settings))

    return Depends(context)


def bearer(request: Request) -> str:
    """Give the token of a request; raises `UnauthenticatedError`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN:
        raise UnauthenticatedError("a bearer token is needed")
    return token.strip()


ANY = allow(*Role)
Anybody = Annotated[Context, ANY]
Booker = Annotated[Context, allow(*access.WRITERS)]
Administrator = Annotated[Context, allow(Role.ADMIN)]
Provisioner = Annotated[Context, allow(Role.PROVISIONER_USER)]
