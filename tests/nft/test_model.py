from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nft.errors import ModelError
from nft.model import Edge, Listener, MediaAddress, Service, Zone
from nft.ruleset import compile_edge
from tests.nft.edges import ALONE, EDGES, SDN

ADDRESS = ip_address("198.18.1.2")


@pytest.mark.parametrize(
    "name", ["", "eth0 ", 'eth0"', "eth0;", "a" * 16, "../x", "-eth", "eth0\n", "{eth0}", "eth*", "é0"]
)
def test_an_interface_name_that_nft_could_read_otherwise_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="cannot be used as the name of an interface"):
        Zone(1, "sdn", (name,), ())
    with pytest.raises(ModelError):
        MediaAddress(1, ADDRESS, name)


@pytest.mark.parametrize("name", ["", "Sdn", "sdn 1", "1sdn", "a" * 33, 'x"', "x;y"])
def test_a_zone_name_is_plain(name: str) -> None:
    with pytest.raises(ModelError):
        Zone(1, name, ("sdn0",), ())


@pytest.mark.parametrize("origin", ['site.yaml:1"', "a\nb", "back\\slash", "x" * 101, "a;b{}"])
def test_an_origin_cannot_leave_its_comment(origin: str) -> None:
    with pytest.raises(ModelError, match="origin of a rule"):
        Service("sdn", "tcp", 22, (), origin)


@given(st.text(max_size=120))
def test_whatever_a_person_writes_as_origin_is_refused_or_stays_one_comment(origin: str) -> None:
    try:
        service = Service("internet", "tcp", 22, (ip_network("192.0.2.0/24"),), origin)
    except ModelError:
        return
    lines = compile_edge(Edge((ALONE,), (), (service,))).splitlines()
    (rule,) = [line for line in lines if "tcp dport 22" in line]
    assert rule.endswith(f' comment "{origin}"' if origin else " accept")


@pytest.mark.parametrize("index", [-1, 0, 255, 256])
def test_a_zone_index_fits_the_mark(index: int) -> None:
    with pytest.raises(ModelError, match=r"not in 1\.\.254"):
        Zone(index, "sdn", ("sdn0",), ())


@pytest.mark.parametrize(("first", "last"), [(0, 10), (1, 65536), (10, 9), (10, 10)])
def test_a_range_of_media_ports_holds_a_stream(first: int, last: int) -> None:
    with pytest.raises(ModelError):
        MediaAddress(1, ADDRESS, "sdn0", first, last)


def test_a_media_address_belongs_to_its_zone() -> None:
    with pytest.raises(ModelError, match="not its own"):
        Zone(1, "sdn", ("sdn0",), (ADDRESS,), (MediaAddress(1, ADDRESS, "net0"),))
    with pytest.raises(ModelError, match="not among its addresses"):
        Zone(1, "sdn", ("sdn0",), (), (MediaAddress(1, ADDRESS, "sdn0"),))
    with pytest.raises(ModelError, match="index 1 is used twice"):
        Zone(1, "sdn", ("sdn0",), (ADDRESS,), (MediaAddress(1, ADDRESS, "sdn0"),) * 2)


def test_a_zone_without_an_interface_is_refused() -> None:
    with pytest.raises(ModelError, match="has no interface"):
        Zone(1, "sdn", (), ())


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (replace(SDN, index=9), "zone name sdn"),
        (replace(ALONE, index=1), "zone index 1"),
        (replace(SDN, index=9, name="other"), "interface sdn0"),
    ],
)
def test_zones_share_nothing(other: Zone, what: str) -> None:
    with pytest.raises(ModelError, match=f"{what} is used twice"):
        Edge((SDN, other))


def test_a_listener_needs_its_zone_and_an_address_of_it() -> None:
    with pytest.raises(ModelError, match=r"site\.yaml:3: there is no zone mars"):
        Edge((SDN,), (Listener("mars", "udp", ADDRESS, 5060, "site.yaml:3"),))
    with pytest.raises(ModelError, match=r"site\.yaml:3: SIP listens on 192\.0\.2\.1"):
        Edge((SDN,), (Listener("sdn", "udp", ip_address("192.0.2.1"), 5060, "site.yaml:3"),))


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_ports_are_ports(port: int) -> None:
    with pytest.raises(ModelError, match=r"not in 1\.\.65535"):
        Listener("sdn", "udp", ADDRESS, port)


def test_protocols_are_udp_or_tcp() -> None:
    with pytest.raises(ModelError, match="neither udp nor tcp"):
        Service("sdn", "sctp", 22, ())  # type: ignore[arg-type]


def test_a_service_without_sources_opens_nothing() -> None:
    closed = Edge((ALONE,), (), (Service("internet", "tcp", 22, ()),))
    assert "tcp dport 22" not in compile_edge(closed)


def test_media_is_listed_with_its_zone() -> None:
    assert [(zone.name, media.index) for zone, media in EDGES["four_zones"].media()] == [
        (name, index) for name in ("sdn", "internet", "core") for index in (0, 1)
    ]
