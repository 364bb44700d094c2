"""Names are looked up beside calls: answers reach the gateway, and nothing that goes wrong leaves a call waiting."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from b2bua import lookups
from b2bua.call.gateway import Gateway
from b2bua.call.names import Lookup
from b2bua.locate import Answer, Destination, LocateError, NotFoundError, Query, UnavailableError, dns
from b2bua.lookups import Lookups
from tests.b2bua.locate.zone import Zone
from vdx.dialplan import DnsServer, HostTarget

HOST = HostTarget("example.org")
USABLE = frozenset({("udp", 4)})
SERVERS = (DnsServer("192.0.2.53", "192.0.2.1"),)


class Calls:
    """A gateway of which only the part that waits for names is there."""

    def __init__(self, *waiting: Lookup) -> None:
        self.waiting = list(waiting)
        self.found: dict[int, Any] = {}
        self.plan = SimpleNamespace(signalling=SimpleNamespace(dial=SimpleNamespace(dns=SERVERS)))

    def lookups(self) -> list[Lookup]:
        waiting, self.waiting = self.waiting, []
        return waiting

    def located(self, number: int, found: object, _now: float) -> None:
        self.found[number] = found


def query(host: str = "example.org") -> Query:
    return Query(host, 0, "", secure=False, usable=USABLE)


def answers(monkeypatch: pytest.MonkeyPatch, zone: Zone) -> Any:
    """Look one name up in a zone, as a call does, and give what the call hears."""
    monkeypatch.setattr(dns, "DnsResolver", lambda _servers: zone)
    calls = Calls(Lookup(7, {HOST: query()}))

    async def main() -> None:
        told = asyncio.Event()
        looking = Lookups(cast("Gateway", calls), lambda: 0.0, told.set)
        looking.start()
        await told.wait()  # what came of the answer is sent
        await looking.close()

    asyncio.run(asyncio.wait_for(main(), 10))
    return calls.found[7][HOST]


def test_a_name_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = Zone(hosts={"example.org": ["192.0.2.9"]})
    assert answers(monkeypatch, zone) == (Destination("udp", "192.0.2.9", 5060, "example.org"),)


def test_a_name_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(answers(monkeypatch, Zone()), NotFoundError)


def test_a_slow_zone_does_not_hold_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Zone):
        async def naptr(self, name: str) -> Answer[Any]:
            await asyncio.Event().wait()
            raise AssertionError(name)

    monkeypatch.setattr(lookups, "DEADLINE", 0.01)
    error = answers(monkeypatch, Slow())
    assert isinstance(error, UnavailableError)
    assert error.status == 504


def test_a_fault_is_the_end_of_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Zone):
        async def naptr(self, name: str) -> Answer[Any]:
            raise RuntimeError(name)

    assert isinstance(answers(monkeypatch, Broken()), LocateError)


def test_another_site_version_asks_other_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[DnsServer, ...]] = []

    def resolver(servers: tuple[DnsServer, ...]) -> Zone:
        made.append(servers)
        return Zone()

    monkeypatch.setattr(dns, "DnsResolver", resolver)
    calls = Calls()

    async def main() -> None:
        looking = Lookups(cast("Gateway", calls), lambda: 0.0, lambda: None)
        await looking.find({HOST: query()})
        await looking.find({HOST: query()})
        calls.plan.signalling.dial.dns = ()
        await looking.find({HOST: query()})

    asyncio.run(main())
    assert made == [SERVERS, ()]


def test_what_is_under_way_ends_with_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Zone):
        async def naptr(self, name: str) -> Answer[Any]:
            await asyncio.Event().wait()
            raise AssertionError(name)

    monkeypatch.setattr(dns, "DnsResolver", lambda _servers: Slow())
    calls = Calls(Lookup(1, {HOST: query()}))

    async def main() -> None:
        looking = Lookups(cast("Gateway", calls), lambda: 0.0, lambda: None)
        looking.start()
        await asyncio.sleep(0)
        await looking.close()

    asyncio.run(asyncio.wait_for(main(), 10))
    assert calls.found == {}
