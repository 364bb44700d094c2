"""Golden rulesets. ``python -m tests.nft.test_ruleset`` writes them anew; read the difference before committing it."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from nft.model import Edge, MediaAddress, Zone
from nft.ruleset import compile_edge, compile_reset, text
from nft.schema import MEDIA, PINHOLES, STATIC_MEDIA
from tests.nft.edges import EDGES
from tests.nft.oldest import refused

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", EDGES)
def test_the_ruleset_is_as_agreed(name: str) -> None:
    assert compile_edge(EDGES[name]) == (GOLDEN / f"{name}.nft").read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(EDGES)


@pytest.mark.parametrize("name", EDGES)
def test_the_oldest_kernel_takes_it(name: str) -> None:
    assert refused(compile_edge(EDGES[name])) == []


def test_what_the_oldest_kernel_refuses_is_found() -> None:
    declared = "add map inet edge zones { type ifname : mark; }\n"
    assert refused(f"{declared}iifname != @zones drop\noifname @zones accept\n") == ["@zones", "@zones"]
    assert refused(f"{declared}meta mark set iifname map @zones\ndestroy table inet edge\n") == [
        "destroy table inet edge"
    ]


@pytest.mark.parametrize("name", EDGES)
def test_only_our_tables_are_named(name: str) -> None:
    ruleset = compile_edge(EDGES[name])
    assert set(re.findall(r"inet (\w+)", ruleset)) == {"media", "edge"}
    assert "flush ruleset" not in ruleset
    assert "flush table" not in ruleset
    assert "delete" not in re.sub(r"delete @wait", "", ruleset)


@pytest.mark.parametrize("name", EDGES)
def test_only_sets_that_mirror_the_site_are_flushed(name: str) -> None:
    flushed = set(re.findall(r"flush (?:set|map) inet (\w+ \w+)", compile_edge(EDGES[name])))
    assert {one.removeprefix("media ") for one in flushed if one.startswith("media ")} == set(STATIC_MEDIA)
    assert not {"edge ban4", "edge ban6", "edge flows4", "edge flows6", "edge rates4", "edge rates6"} & flushed


@pytest.mark.parametrize("name", EDGES)
def test_every_hook_of_the_firewall_drops_by_default(name: str) -> None:
    hooks = re.findall(r"add chain inet edge \w+ \{ (.*) \}", compile_edge(EDGES[name]))
    assert len(hooks) == 3
    assert all(hook.endswith("policy drop;") for hook in hooks)


@pytest.mark.parametrize("name", EDGES)
def test_every_chain_of_the_relay_that_decides_ends_with_a_drop(name: str) -> None:
    chains = re.findall(r"  chain (\w+) \{\n(.*?)\n  \}", compile_edge(EDGES[name]), re.DOTALL)
    last = {chain: rules.splitlines()[-1].strip() for chain, rules in chains}
    for chain in ("unknown4", "known4", "send4", "bare4", "unknown6", "known6", "send6", "post"):
        assert last[chain].endswith("drop"), chain


def test_the_order_of_the_model_is_the_order_of_the_text() -> None:
    edge = EDGES["four_zones"]
    assert compile_edge(edge) == compile_edge(replace(edge))


def _with_ports(*ranges: tuple[int, int]) -> Edge:
    addresses = tuple(ip_address(f"198.18.1.{n}") for n in range(1, len(ranges) + 1))
    medias = tuple(MediaAddress(i, a, "sdn0", *r) for i, (a, r) in enumerate(zip(addresses, ranges, strict=True)))
    return Edge((Zone(1, "sdn", ("sdn0",), addresses, medias),))


def test_port_ranges_that_touch_or_overlap_are_one() -> None:
    assert "udp dport { 1024-3000, 4000-5000 }" in compile_edge(_with_ports((2000, 3000), (1024, 1999), (4000, 5000)))


def test_declarations_say_what_the_schema_says() -> None:
    assert text.declare(MEDIA["wait"]) == (
        f"add set inet media wait {{ type mark; size {PINHOLES}; flags dynamic,timeout; timeout 90s; }}\n"
    )
    assert text.declare(MEDIA["lport"]) == "add map inet media lport { type mark : inet_service; counter; }\n"


def test_a_reset_removes_both_tables_whether_they_are_there_or_not() -> None:
    assert compile_reset().splitlines() == [
        f"{verb} table inet {name}" for name in ("media", "edge") for verb in ("add", "delete")
    ]


if __name__ == "__main__":
    for stem, edge in EDGES.items():
        (GOLDEN / f"{stem}.nft").write_text(compile_edge(edge))
