"""Whole rulesets in the kernel: what a new site version keeps, what it refuses, and what it never touches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

import pytest

from nft import apply as kernel_rules
from nft import relay
from nft.errors import ApplyError, DeclarationError
from nft.kernel import Kernel
from nft.model import Edge, MediaAddress
from nft.netlink import Netlink
from nft.relay import Bridge
from nft.ruleset import compile_edge
from nft.schema import MEDIA
from tests.nft.conftest import Bench, place, reaches
from tests.nft.topology import Network, inside, model, run

pytestmark = pytest.mark.system

ALONE = pytest.mark.usefixtures("alone")


@pytest.fixture
def alone(net: Network) -> Iterator[str]:
    """Put this thread into an empty namespace."""
    name = f"{net.names['gw']}-alone"
    run("ip", "netns", "add", name)
    try:
        with inside(name):
            yield name
    finally:
        run("ip", "netns", "del", name)


def listed(*what: str) -> str:
    return run("nft", "-s", "list", *what)


def other_ports(edge: Edge) -> Edge:
    """Return the edge with another range of media ports and one SIP listener less."""
    zones = tuple(
        replace(zone, media=tuple(replace(m, first_port=30000, last_port=59999) for m in zone.media))
        for zone in edge.zones
    )
    return replace(edge, zones=zones, listeners=edge.listeners[1:])


@pytest.mark.parametrize("bench", [4], indirect=True)
def test_a_new_site_version_cuts_no_stream(bench: Bench) -> None:
    inner, outer, natted = bench.udp("sdn"), bench.udp("internet"), bench.udp("internet", 3)
    trusted = bench.open(bench.end("sdn", inner), bench.end("internet", outer))
    learned = bench.open(bench.end("sdn", inner), bench.end("internet", None, 3))
    assert reaches(natted, learned.b, inner)
    assert reaches(inner, trusted.a, outer)
    before = bench.kernel.traffic([trusted])
    banned = ip_address("192.0.2.1")
    bench.kernel.ban(banned, 60)
    with inside(bench.net.names["gw"]):
        kernel_rules.apply(replace(model(), services=()))
        try:
            assert bench.kernel.traffic([trusted]) == before
            assert reaches(inner, trusted.a, outer) == place(trusted.b)
            assert reaches(natted, learned.b, inner)
            assert reaches(inner, learned.a, natted)
            assert "tcp dport 22" not in listed("chain", "inet", "edge", "input")
            assert list(bench.kernel.bans()) == [banned]
        finally:
            kernel_rules.apply(model())
            bench.kernel.unban(banned)


@ALONE
def test_applying_the_same_model_again_changes_nothing() -> None:
    kernel_rules.apply(model())
    before = listed("ruleset")
    kernel_rules.apply(model())
    assert listed("ruleset") == before


@ALONE
def test_tables_of_others_stay() -> None:
    run("nft", "add table inet mine; add chain inet mine keep; add rule inet mine keep counter accept")
    before = listed("table", "inet", "mine")
    kernel_rules.apply(model())
    kernel_rules.apply(Edge())
    kernel_rules.reset()
    assert listed("ruleset") == before
    kernel_rules.reset()


@ALONE
@pytest.mark.parametrize(
    ("declared", "why"),
    [
        ("map inet media peer { type mark : inet_service; }", "set peer of inet media .*data_type 13 instead of 19"),
        (
            "set inet media wait { type mark; size 9; flags dynamic,timeout; timeout 9s; }",
            "set wait .*timeout 9000.*size 9",
        ),
        ("map inet media ok4 { type mark : mark; }", "set ok4 .*key_type"),
    ],
)
def test_a_set_in_use_that_would_have_to_change_is_named_and_nothing_happens(declared: str, why: str) -> None:
    run("nft", f"add table inet media; add {declared}")
    before = listed("ruleset")
    with pytest.raises(DeclarationError, match=why):
        kernel_rules.apply(model())
    with pytest.raises(DeclarationError):
        kernel_rules.check(model())
    assert listed("ruleset") == before
    kernel_rules.reset()
    kernel_rules.apply(model())


@ALONE
def test_a_site_may_grow_without_a_reset() -> None:
    kernel_rules.apply(Edge())
    kernel_rules.apply(model())
    kernel_rules.apply(other_ports(model()))


@ALONE
def test_a_refused_ruleset_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel_rules.apply(model())
    before = listed("ruleset")
    broken = compile_edge(replace(model(), listeners=())) + "add rule inet media pre jump nowhere\n"
    monkeypatch.setattr(kernel_rules, "compile_edge", lambda _: broken)
    place = len(broken.splitlines())
    with pytest.raises(ApplyError, match=rf"running one goes on: line {place}:.*jump nowhere"):
        kernel_rules.apply(model())
    assert listed("ruleset") == before


@ALONE
def test_a_check_changes_nothing() -> None:
    kernel_rules.check(model())
    assert listed("ruleset") == ""


@ALONE
def test_every_set_is_declared_in_the_kernel_as_the_schema_says() -> None:
    kernel_rules.apply(Edge())
    with Netlink() as netlink:
        assert set(netlink.declarations("media")) == set(MEDIA)
    kernel_rules.apply(model())  # compares each of them


@ALONE
def test_a_full_media_table_is_applied_over() -> None:
    """An apply over many open bridges still reads none of them into the text of the ruleset."""
    kernel_rules.apply(model())
    kernel = Kernel()
    ends = [_end(port) for port in range(40000, 44000)]
    bridges = [Bridge(f"many.{i}", a, b) for i, (a, b) in enumerate(zip(ends[::2], ends[1::2], strict=True))]
    kernel.commit(relay.open(bridges, 60))
    kernel_rules.apply(model())
    assert {found.bridge for found in kernel.adopt()} == set(bridges)
    kernel.commit(relay.close(bridges))
    assert kernel.adopt() == []
    kernel.close()


def _end(port: int) -> relay.End:
    media = MediaAddress(1, ip_address("198.18.1.1"), "sdn0")
    return relay.End(
        relay.Address(1, media.index, media.address, media.interface), port, (ip_address("192.0.2.7"), port)
    )
