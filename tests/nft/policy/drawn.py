"""Policies and packets drawn by hypothesis."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import strategies as st

from nft.policy.agreement import Agreements
from nft.policy.model import Network, Policy, Rule, Service
from nft.policy.packet import Packet
from nft.policy.traffic import Kind
from tests.nft.policy.world import NOW, ORGANISATIONS, ZONES, agreement, at, client, kinds, network, offer

# Few addresses, so that prefixes overlap and nest: each zone its own part of two small ranges.
BASES = {"sdn": (0x0A010000, 0xFD01 << 112), "core": (0x0A030000, 0xFD03 << 112), "mgmt": (0x0A040000, 0xFD04 << 112)}
BITS = 2


@st.composite
def prefix_of(draw: st.DrawFn, zone: str) -> str:
    version = draw(st.sampled_from((4, 4, 6)))
    base = BASES[zone][0 if version == 4 else 1]
    width = 32 if version == 4 else 128
    free = draw(st.integers(0, BITS))
    start = draw(st.integers(0, (1 << BITS) - 1)) >> free << free
    return f"{ip_address(base + start)}/{width - free}"


def prefixes_of(zone: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(prefix_of(zone), min_size=1, max_size=3, unique=True).map(tuple)


WORDS = st.lists(
    st.sampled_from(("tcp/443", "tcp/443", "tcp/440-450", "udp/443", "udp/1-65535", "ping", "any")),
    min_size=1,
    max_size=2,
)
PAIRS = (("sdn", "core"), ("sdn", "core"), ("mgmt", "core"), ("sdn", "internet"), ("core", "sdn"))
KINDS: tuple[Kind, ...] = ("tcp", "tcp", "tcp", "udp", "ping", "other")


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    networks: list[Network] = []
    for zone in BASES:
        for number in range(draw(st.integers(0, 3))):
            networks.append(network(f"{zone}-{number}", zone, *draw(prefixes_of(zone)), line=len(networks) + 1))
    services = [Service(f"s{i}", kinds(*draw(WORDS)), at(50 + i)) for i in range(draw(st.integers(1, 3)))]

    def some(names: list[str]) -> tuple[str, ...]:
        return tuple(draw(st.lists(st.sampled_from(names), max_size=2, unique=True))) if names else ()

    rules = []
    for number in range(draw(st.integers(0, 3))):
        source, target = draw(
            st.sampled_from((("sdn", "core"), ("mgmt", "core"), ("sdn", "internet"), ("core", "sdn")))
        )
        rules.append(
            Rule(
                source,
                target,
                draw(st.sampled_from(("allow", "deny"))),
                at(100 + number),
                some([n.name for n in networks if n.zone == source]),
                some([n.name for n in networks if n.zone == target]),
                some([s.name for s in services]),
            )
        )
    clients = [client(f"c{i}", *draw(prefixes_of("sdn")), line=200 + i) for i in range(draw(st.integers(1, 2)))]
    offers = [
        offer(f"o{i}", " ".join(draw(WORDS)), *draw(prefixes_of("core")), line=300 + i)
        for i in range(draw(st.integers(1, 2)))
    ]
    agreements = [
        agreement(f"a{i}", who.name, what.name, NOW + draw(st.integers(-3, 1)), NOW + draw(st.integers(2, 5)), 400 + i)
        for i, (who, what) in enumerate((who, what) for who in clients for what in offers)
        if draw(st.integers(0, 3))
    ]
    return Policy(
        ZONES,
        tuple(networks),
        tuple(services),
        tuple(rules),
        agreements=Agreements(ORGANISATIONS, tuple(offers), tuple(clients), tuple(agreements)),
    )


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    version = draw(st.sampled_from((4, 4, 6)))
    which = 0 if version == 4 else 1
    source, target = draw(st.permutations(tuple(BASES)).map(lambda names: names[:2]))
    if draw(st.integers(0, 3)):
        source, target = "sdn", "core"
    kind = draw(st.sampled_from(KINDS))
    ends = [ip_address(BASES[zone][which] + draw(st.integers(0, (1 << BITS) - 1))) for zone in (source, target)]
    port = draw(st.sampled_from((443, 443, 444, 1, 65535))) if kind in ("tcp", "udp") else 0
    return Packet(source, ends[0], ends[1], kind, port)
