"""Nothing that leaves on one side names an address of the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from nft.ruleset.media import HOPS
from tests.nft import frames
from tests.nft.conftest import PAYLOAD, Bench, place, reaches
from tests.nft.topology import MTU, ZONES, address

pytestmark = pytest.mark.system

SMALL_MTU = 1280


def layer(bench: Bench) -> Any:
    return IP if bench.version == 4 else IPv6


@contextmanager
def outgoing_mtu(bench: Bench, zone: str, mtu: int) -> Iterator[None]:
    interface = ZONES[zone][1]
    bench.net.gateway("ip", "link", "set", interface, "mtu", str(mtu))
    try:
        yield
    finally:
        bench.net.gateway("ip", "link", "set", interface, "mtu", str(MTU))


@pytest.mark.parametrize("came", [1, 33, 64, 255])
def test_hop_counts_start_anew_and_the_last_hop_brings_no_error(bench: Bench, came: int) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    with bench.net.packets("sdn") as near, bench.net.packets("internet") as far:
        near.send(frames.udp("sdn", inner.getsockname()[:2], place(bridge.a), PAYLOAD, ttl=came))
        (passed,) = frames.media(frames.arriving(far), PAYLOAD)
        assert not frames.errors(frames.arriving(near))
    assert (passed[IP].ttl if bench.version == 4 else passed[IPv6].hlim) == HOPS - 1, "one hop is ours"
    assert passed[layer(bench)].src == place(bridge.b)[0]


@pytest.mark.parametrize("bench", [4], indirect=True)
@pytest.mark.parametrize(("length", "kept"), [(1280, "DF"), (1281, "")])
def test_a_packet_that_every_link_carries_may_not_be_fragmented(bench: Bench, length: int, kept: str) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    sent = PAYLOAD + bytes(length - 28 - len(PAYLOAD))
    with bench.net.packets("sdn") as near, bench.net.packets("internet") as far:
        near.send(frames.udp("sdn", inner.getsockname()[:2], place(bridge.a), sent, flags="DF"))
        (passed,) = frames.media(frames.arriving(far), sent)
    assert (passed[IP].len, str(passed[IP].flags)) == (length, kept)


def test_a_packet_above_the_outgoing_mtu_brings_no_error(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    big = PAYLOAD + bytes(MTU - 48 - len(PAYLOAD))
    before = bench.net.counter("edge", "media_error")
    with outgoing_mtu(bench, "internet", SMALL_MTU), bench.net.packets("sdn") as near:
        header = {"flags": "DF"} if bench.version == 4 else {}
        near.send(frames.udp("sdn", inner.getsockname()[:2], place(bridge.a), big, **header))
        came = frames.arriving(near)
    assert not frames.errors(came)
    assert not frames.names(came, "internet", bench.version)
    if bench.version == 4:
        assert outer.recv(65536) == big, "without DF it goes on in pieces"
    else:
        assert bench.net.counter("edge", "media_error") == before + 1, "IPv6 routers do not fragment (RFC 8200, 5)"


def test_a_hairpin_brings_no_redirect(bench: Bench) -> None:
    one, two = bench.udp("internet", 2), bench.udp("internet", 3)
    bridge = bench.open(bench.end("internet", one), bench.end("internet", two))
    with bench.net.packets("internet") as link:
        for _ in range(3):
            link.send(frames.udp("internet", one.getsockname()[:2], place(bridge.a), PAYLOAD))
        came = frames.arriving(link)
    assert len(frames.media(came, PAYLOAD)) == 3
    assert {p[layer(bench)].src for p in frames.media(came, PAYLOAD)} == {place(bridge.b)[0]}
    assert not frames.errors(came)


def test_a_remote_that_is_routed_out_of_another_zone_gets_nothing(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    remote, length = str(address("internet", 2, bench.version)), 32 if bench.version == 4 else 128
    via, table = str(address("core", 2, bench.version)), "102"
    family = f"-{bench.version}"
    before = bench.net.counter("media", "misrouted")
    bench.net.gateway("ip", family, "route", "add", f"{remote}/{length}", "via", via, "dev", "core0", "table", table)
    try:
        with bench.net.packets("core") as core, bench.net.packets("sdn") as near:
            assert reaches(inner, bridge.a, outer) is None
            assert not frames.media(frames.arriving(core), PAYLOAD)
            assert not frames.errors(frames.arriving(near))
    finally:
        bench.net.gateway("ip", family, "route", "del", f"{remote}/{length}", "table", table)
    assert bench.net.counter("media", "misrouted") == before + 1


def test_a_remote_without_a_route_brings_no_error(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    remote, length = str(address("internet", 2, bench.version)), 32 if bench.version == 4 else 128
    family = f"-{bench.version}"
    bench.net.gateway("ip", family, "route", "add", "unreachable", f"{remote}/{length}", "table", "102")
    try:
        with bench.net.packets("sdn") as near:
            near.send(frames.udp("sdn", inner.getsockname()[:2], place(bridge.a), PAYLOAD))
            came = frames.arriving(near)
    finally:
        bench.net.gateway("ip", family, "route", "del", "unreachable", f"{remote}/{length}", "table", "102")
    assert not frames.errors(came)
    assert not frames.names(came, "internet", bench.version)


def test_nothing_that_leaves_names_the_far_side(bench: Bench) -> None:
    inner, outer, natted = bench.udp("sdn"), bench.udp("internet"), bench.udp("internet", 3)
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer, 3))
    with bench.net.packets("sdn") as near, bench.net.packets("internet") as far:
        assert reaches(inner, bridge.a, outer)
        assert reaches(natted, bridge.b, inner)
        assert reaches(inner, bridge.a, natted)
        assert reaches(outer, replace(bridge.b, port=bridge.b.port + 1), inner) is None
        came_near, came_far = frames.arriving(near), frames.arriving(far)
    assert frames.media(came_near, PAYLOAD)
    assert len(frames.media(came_far, PAYLOAD)) == 2
    assert not frames.names(came_near, "internet", bench.version)
    assert not frames.names(came_far, "sdn", bench.version)


def test_a_packet_in_fragments_is_relayed_whole(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    long = PAYLOAD + bytes(4000)
    assert reaches(inner, bridge.a, outer, long) == place(bridge.b)


@pytest.mark.parametrize("bench", [4], indirect=True)  # RFC 8200, 8.1: with IPv6, zero is not valid
def test_a_packet_without_a_checksum_arrives(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    frame = bytearray(frames.udp("sdn", inner.getsockname()[:2], place(bridge.a), PAYLOAD))
    frame[40:42] = b"\0\0"
    with bench.net.packets("sdn") as near:
        near.send(frame)
    assert outer.recv(65536) == PAYLOAD


def test_checksums_of_relayed_packets_are_right(bench: Bench) -> None:
    inner, outer = bench.udp("sdn"), bench.udp("internet")
    bridge = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    with bench.net.packets("sdn") as near, bench.net.packets("internet") as far:
        near.send(frames.udp("sdn", inner.getsockname()[:2], place(bridge.a), PAYLOAD))
        (passed,) = frames.media(frames.arriving(far), PAYLOAD)
    told = passed[UDP].chksum
    del passed[UDP].chksum
    assert layer(bench)(bytes(passed[layer(bench)]))[UDP].chksum == told
