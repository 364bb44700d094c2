"""The resolver against a real name server, in a namespace of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from pyroute2 import IPRoute

from b2bua.locate import Answer, Naptr, Srv, UnavailableError, dns
from b2bua.locate.dns import MAX_RECORDS, DnsResolver
from lab import namespace
from tests.system.routing.server import name_server
from vdx.dialplan import DnsServer

pytestmark = pytest.mark.system

T = TypeVar("T")
OURS, SERVER, SILENT = "127.0.0.1", "127.0.0.53", "127.0.0.54"
RECORDS = (
    "--naptr-record=example.org,10,50,s,SIPS+D2T,,_sips._tcp.example.org",
    "--srv-host=_sip._udp.example,Host.Example,5070,10,20",
    "--srv-host=_none._udp.example",
    "--host-record=host.example,192.0.2.7,2001:db8::7,300",
    "--cname=alias.example,host.example",
    *(f"--host-record=many.example,192.0.2.{number}" for number in range(100)),
)


class Place:
    """A namespace, as a host."""

    def __init__(self, name: str) -> None:
        self.name = name

    def popen(self, command: list[str], **options: object) -> subprocess.Popen[bytes]:
        return namespace.inside(self.name, lambda: subprocess.Popen(command, **options))  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    name = f"vdx-dns{os.getpid()}"
    namespace.remove(name)
    namespace.create(name)

    def up() -> None:
        with IPRoute() as route:
            route.link("set", index=route.link_lookup(ifname="lo")[0], state="up")

    try:
        namespace.inside(name, up)
        log = Path(tmp_path_factory.mktemp("dns")) / "log"
        with name_server(Place(name), SERVER, RECORDS, log):  # type: ignore[arg-type]
            yield name
    finally:
        namespace.remove(name)


def ask(place: str, question: Callable[[DnsResolver], Awaitable[T]], *servers: str) -> T:
    """Ask from inside the namespace."""

    async def main() -> T:
        return await question(DnsResolver([DnsServer(server, OURS) for server in servers or (SERVER,)]))

    return namespace.inside(place, lambda: asyncio.run(main()))


def test_naptr(place: str) -> None:
    answer = ask(place, lambda resolver: resolver.naptr("example.org"))
    assert answer.records == (Naptr(10, 50, "s", "SIPS+D2T", "_sips._tcp.example.org"),)


def test_srv(place: str) -> None:
    answer = ask(place, lambda resolver: resolver.srv("_sip._udp.example"))
    assert answer.records == (Srv(10, 20, 5070, "host.example"),)
    assert ask(place, lambda resolver: resolver.srv("_none._udp.example")).records[0].target == ""


@pytest.mark.parametrize("name", ["host.example", "alias.example"])
def test_addresses(place: str, name: str) -> None:
    assert ask(place, lambda resolver: resolver.addresses(name, "A")).records == ("192.0.2.7",)
    assert ask(place, lambda resolver: resolver.addresses(name, "AAAA")).records == ("2001:db8::7",)


def test_an_answer_says_how_long_it_holds(place: str) -> None:
    assert ask(place, lambda resolver: resolver.addresses("host.example", "A")).ttl == 300.0


@pytest.mark.parametrize("name", ["nowhere.example", "a..b", "x" * 64 + ".example"])
def test_what_is_not_there(place: str, name: str) -> None:
    assert ask(place, lambda resolver: resolver.addresses(name, "A")).records == ()


def test_a_name_without_records_of_the_kind(place: str) -> None:
    assert ask(place, lambda resolver: resolver.srv("host.example")).records == ()


def test_no_answer_is_endless(place: str) -> None:
    assert len(ask(place, lambda resolver: resolver.addresses("many.example", "A")).records) == MAX_RECORDS


def test_a_silent_server_leads_to_the_next(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "TRY_SECONDS", 0.5)

    def question(resolver: DnsResolver) -> Awaitable[Answer[str]]:
        return resolver.addresses("host.example", "A")

    assert ask(place, question, SILENT, SERVER).records == ("192.0.2.7",)
    with pytest.raises(UnavailableError, match="was not answered: "):
        ask(place, question, SILENT)


def test_without_servers_nothing_is_found() -> None:
    async def main() -> None:
        await DnsResolver(()).naptr("example.org")

    with pytest.raises(UnavailableError, match="names no DNS server"):
        asyncio.run(main())
