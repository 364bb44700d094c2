"""The hub's API in memory, with organisations in its database and a clock that tests turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from fastapi.testclient import TestClient
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.api import app as api
from hub.api.context import Hub
from hub.booking.office import Office
from hub.domain.model import Caller, Organisation
from hub.domain.words import Kind, Role
from hub.people import guard, provider, sessions
from hub.settings import BusAddress, Pools, Settings, Tokens
from hub.store import organisations
from hub.store.database import Database
from hub.tokens.bearer import Bearer
from hub.tokens.keys import Connect, Keys, connect
from tests.hub.issuer import AUDIENCE, ISSUER, Issuer

T = TypeVar("T")

NOW = datetime(2026, 11, 2, 12, 0, 0, tzinfo=UTC)
ORIGIN = "https://booking.example"
OVERFLOW = "overflow"


def settings(database: str, jwks: Path, **others: Any) -> Settings:
    """Give a configuration for tests."""
    tokens = Tokens(issuer=ISSUER, audience=AUDIENCE, jwks=str(jwks))
    values = {"pools": Pools(overflow=OVERFLOW), "origins": (ORIGIN,), **others}
    return Settings(database=database, tokens=tokens, **values)


BUS = BusAddress(servers=("nats://127.0.0.1:1",), pin_key=Path("unused"))
"""A bus that nobody calls: it makes rooms ours."""


@dataclass
class Clock:
    """A clock that stands until a test turns it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """Give the time."""
        return self.now

    def turn(self, **by: float) -> None:
        """Turn the clock on by a `timedelta`'s arguments."""
        self.now += timedelta(**by)


@dataclass
class World:
    """The API, who may ask, and what is in the database."""

    client: TestClient
    database: Database
    office: Office
    issuer: Issuer
    clock: Clock
    monotonic: Clock
    made: dict[str, Organisation] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def over(cls, configured: Settings, issuer: Issuer, connection: Connect = connect) -> Iterator[World]:
        """Give the API over a database."""
        clock = Clock()
        database = Database(configured.database)
        office = Office(configured, now=clock)
        monotonic = Clock()
        jwks = Keys(configured.tokens.jwks, lambda: monotonic().timestamp())
        people = provider.entrance(configured, lambda: monotonic().timestamp(), time.time, connection)
        bearer = Bearer(configured.tokens, jwks, time.time)
        hub = Hub(database, office, bearer.caller, {"version": "test"}, people)
        with TestClient(api.build(hub, "test"), base_url="http://hub.example") as client:
            world = cls(client, database, office, issuer, clock, monotonic)
            try:
                yield world
            finally:
                world.run(database.close)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine where the API runs."""
        assert self.client.portal is not None
        result: T = self.client.portal.call(work)
        return result

    def change(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        """Run a transaction."""

        async def run() -> T:
            async with self.database.write() as connection:
                return await work(connection)

        return self.run(run)

    def organisation(self, code: str, above: str | None = None, **fields: Any) -> Organisation:
        """Add an organisation."""
        parent = self.made[above].id if above else None
        wanted = Organisation(0, code, f"The {code}", fields.pop("kind", Kind.ORGANISATION), parent, **fields)
        self.made[code] = self.change(lambda connection: organisations.add(connection, wanted))
        return self.made[code]

    def resize(self, code: str, pool_size: int | None) -> None:
        """Change how many rooms an organisation's pool is to hold."""
        self.made[code] = replace(self.made[code], pool_size=pool_size)
        self.change(lambda connection: organisations.change(connection, self.made[code]))

    def headers(self, *roles: str, organisation: str | None = "north", email: str | None = None) -> dict[str, str]:
        """Give the headers of somebody with roles; the mail address is made from role and organisation."""
        mail = email or (f"{roles[0].removeprefix('meeting-')}@{organisation}.example" if organisation else None)
        return {"authorization": f"Bearer {self.issuer.token(roles, organisation, mail)}"}

    def sign_in(self, *roles: str, organisation: str = "north", email: str | None = None) -> dict[str, str]:
        """Log somebody in; gives the headers of his browser, with the token of its forms."""
        mail = email or f"{roles[0].removeprefix('meeting-')}@{organisation}.example"
        caller = Caller(organisation, mail, frozenset(Role(each) for each in roles))
        secret = self.change(lambda connection: sessions.begin(connection, self.office, caller, "login"))
        return {"cookie": f"{sessions.COOKIE}={secret}", guard.HEADER: sessions.form_token(secret)}

    def ask(
        self,
        method: str,
        path: str,
        *roles: str,
        organisation: str | None = "north",
        email: str | None = None,
        **arguments: Any,
    ) -> httpx2.Response:
        """Send a request as somebody."""
        headers = self.headers(*roles, organisation=organisation, email=email)
        return self.client.request(method, path, headers=headers, **arguments)

    def book(self, *roles: str, organisation: str | None = "north", email: str | None = None, **fields: Any) -> Any:
        """Make a meeting that starts in an hour, and give it."""
        made = self.ask(
            "POST",
            "/v2/meetings",
            *(roles or ("meeting-planner",)),
            organisation=organisation,
            email=email,
            json=self.meeting(**fields),
        )
        assert made.status_code == 200, made.text
        return made.json()

    def meeting(self, **fields: Any) -> dict[str, Any]:
        """Give the body of a meeting that starts in an hour."""
        start = self.clock.now + timedelta(hours=1)
        wanted = {"subject": "Rounds", "startTime": text(start), "endTime": text(start + timedelta(hours=1)), **fields}
        return {name: value for name, value in wanted.items() if value is not ...}

    def room(self, uuid: str) -> Any:
        """Give the room of a meeting."""
        found = self.ask("GET", f"/v2/scheduling-info/{uuid}", "meeting-provisioner")
        assert found.status_code == 200, found.text
        return found.json()

    def report(self, uuid: str, status: str, **fields: Any) -> httpx2.Response:
        """Report on a room as its provisioner."""
        body = {"provisionStatus": status, **fields}
        return self.ask("PUT", f"/v2/scheduling-info/{uuid}", "meeting-provisioner-user", json=body)


def text(time: datetime) -> str:
    """Write a time as clients do."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
