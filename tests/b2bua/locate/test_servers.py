"""RFC 3263: from a name to where a request is sent, and in which order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from b2bua.locate import Destination, Naptr, NotFoundError, Srv, UnavailableError, locate
from b2bua.locate.servers import MAX_DESTINATIONS, MAX_TARGETS, Query
from tests.b2bua.locate.zone import Zone

ALL = frozenset((transport, version) for transport in ("udp", "tcp", "tls") for version in (4, 6))
PLAIN = frozenset({("udp", 4), ("tcp", 4)})


def find(zone: Zone, **more: Any) -> list[Destination]:
    query = Query(**{"host": "example.org", "port": 0, "transport": "", "secure": False, "usable": ALL, **more})
    return list(asyncio.run(locate(query, zone, lambda: 0.5)))


def places(found: list[Destination]) -> list[str]:
    return [f"{one.transport} {one.host} {one.port}" for one in found]


def full() -> Zone:
    """Give the example of RFC 3263 4.1, and addresses for it."""
    return Zone(
        naptrs={
            "example.org": [
                Naptr(100, 50, "s", "SIP+D2U", "_sip._udp.example.org"),
                Naptr(50, 50, "S", "sips+d2t", "_sips._tcp.example.org"),
                Naptr(90, 50, "s", "SIP+D2T", "_sip._tcp.example.org"),
                Naptr(10, 50, "s", "SIP+D2S", "_sip._sctp.example.org"),
                Naptr(10, 50, "u", "E2U+sip", ""),
            ]
        },
        srvs={
            "_sips._tcp.example.org": [Srv(0, 1, 5061, "a.example.org")],
            "_sip._tcp.example.org": [Srv(0, 1, 5060, "a.example.org"), Srv(5, 1, 5070, "b.example.org")],
            "_sip._udp.example.org": [Srv(0, 1, 5060, "c.example.org")],
        },
        hosts={
            "a.example.org": ["192.0.2.1", "2001:db8::1"],
            "b.example.org": ["192.0.2.2"],
            "c.example.org": ["192.0.2.3"],
            "example.org": ["192.0.2.9"],
        },
    )


def test_naptr_says_which_transport_first() -> None:
    assert places(find(full())) == [
        "tls 2001:db8::1 5061",
        "tls 192.0.2.1 5061",
        "tcp 2001:db8::1 5060",
        "tcp 192.0.2.1 5060",
        "tcp 192.0.2.2 5070",
        "udp 192.0.2.3 5060",
    ]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"usable": PLAIN}, ["tcp 192.0.2.1 5060", "tcp 192.0.2.2 5070", "udp 192.0.2.3 5060"]),
        ({"secure": True}, ["tls 2001:db8::1 5061", "tls 192.0.2.1 5061"]),
        ({"transport": "udp"}, ["udp 192.0.2.3 5060"]),
        ({"transport": "udp", "port": 5090}, ["udp 192.0.2.9 5090"]),
        ({"port": 5090}, ["udp 192.0.2.9 5090"]),
        ({"port": 5091, "secure": True}, ["tls 192.0.2.9 5091"]),
        ({"port": 5090, "usable": frozenset({("tcp", 4), ("tls", 4)})}, ["tcp 192.0.2.9 5090"]),
    ],
)
def test_what_is_told_is_not_looked_up(more: dict[str, Any], expected: list[str]) -> None:
    assert places(find(full(), **more)) == expected


def test_srv_without_naptr() -> None:
    zone = full()
    zone.naptrs.clear()
    assert [one.transport for one in find(zone)] == ["tls", "tls", "tcp", "tcp", "tcp", "udp"]


@pytest.mark.parametrize(("more", "expected"), [({}, "udp 192.0.2.9 5060"), ({"secure": True}, "tls 192.0.2.9 5061")])
def test_addresses_alone(more: dict[str, Any], expected: str) -> None:
    assert places(find(Zone(hosts={"example.org": ["192.0.2.9"]}), **more)) == [expected]


def test_the_name_that_a_certificate_carries_is_the_one_asked_for() -> None:
    assert {one.name for one in find(full())} == {"example.org"}


def test_priorities_and_weights() -> None:
    zone = Zone(
        srvs={
            "_sip._udp.example.org": [
                Srv(20, 0, 5060, "last.example.org"),
                Srv(10, 10, 5060, "light.example.org"),
                Srv(10, 90, 5060, "heavy.example.org"),
            ]
        },
        hosts={
            "last.example.org": ["192.0.2.1"],
            "light.example.org": ["192.0.2.2"],
            "heavy.example.org": ["192.0.2.3"],
        },
    )
    assert [one.host for one in find(zone)] == ["192.0.2.3", "192.0.2.2", "192.0.2.1"]


@pytest.mark.parametrize(
    "zone",
    [
        Zone(),
        Zone(
            srvs={"_sip._udp.example.org": [Srv(0, 0, 25, "example.org"), Srv(0, 0, 0, "")]},
            hosts={"example.org": ["192.0.2.1"]},
        ),
        Zone(srvs={"_sip._udp.example.org": [Srv(0, 0, 0, "")]}, hosts={"example.org": ["192.0.2.1"]}),
        Zone(srvs={"_sip._udp.example.org": [Srv(0, 0, 5060, "nowhere.example.org")]}),
        Zone(naptrs={"example.org": [Naptr(1, 1, "s", "SIP+D2S", "_sip._sctp.example.org")]}),
    ],
)
def test_there_is_nobody(zone: Zone) -> None:
    with pytest.raises(NotFoundError):
        find(zone)


def test_no_listener_of_ours_fits() -> None:
    with pytest.raises(NotFoundError, match="speaks"):
        find(full(), secure=True, usable=PLAIN)


@pytest.mark.parametrize("silent", ["example.org", "_sip._tcp.example.org"])
def test_a_silent_server_is_no_answer(silent: str) -> None:
    zone = full()
    zone.silent.add(silent)
    with pytest.raises(UnavailableError):
        find(zone)


def test_one_silent_host_leaves_the_others() -> None:
    zone = full()
    zone.silent.add("a.example.org")
    assert places(find(zone)) == ["tcp 192.0.2.2 5070", "udp 192.0.2.3 5060"]
    zone.silent |= {"b.example.org", "c.example.org"}
    with pytest.raises(UnavailableError):
        find(zone)


def test_a_strangers_zone_makes_no_more_work_than_allowed() -> None:
    many = [Srv(number, 0, 5060, f"h{number}.example.org") for number in range(100)]
    hosts = {f"h{number}.example.org": [f"192.0.2.{number}", f"198.51.100.{number}"] for number in range(100)}
    zone = Zone(srvs={"_sip._udp.example.org": many}, hosts=hosts)
    assert len(find(zone)) == MAX_DESTINATIONS
    assert len([name for kind, name in zone.asked if kind == "A"]) == MAX_TARGETS
