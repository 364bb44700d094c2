"""The zone of a destination: the most specific prefix that another zone names."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from nft.policy.interval import contains
from nft.policy.model import Policy
from nft.policy.place import places
from tests.nft.policy.world import ZONES, network

BITS = 5
BASE = 0x0A000000


@st.composite
def prefixes(draw: st.DrawFn) -> str:
    free = draw(st.integers(0, BITS))
    start = draw(st.integers(0, (1 << BITS) - 1)) >> free << free
    return f"{ip_address(BASE + start)}/{32 - free}"


CLAIMS = st.dictionaries(prefixes(), st.sampled_from(("sdn", "core", "mgmt")), max_size=8)


@given(CLAIMS, st.sampled_from(("sdn", "core", "internet")))
def test_the_most_specific_prefix_of_another_zone_decides(claims: dict[str, str], source: str) -> None:
    policy = Policy(ZONES, tuple(network(f"n{i}", zone, text) for i, (text, zone) in enumerate(claims.items())))
    found = places(policy, source, 4)
    for number in (BASE - 1, *range(BASE, BASE + (1 << BITS)), BASE + (1 << BITS), 0, 2**32 - 1):
        there = [(ip_network(text).prefixlen, zone) for text, zone in claims.items() if zone != source
                 and ip_address(number) in ip_network(text)]  # fmt: skip
        expected = max(there)[1] if there else "internet" if source != "internet" else ""
        assert [zone for zone, held in found.items() if contains(held, number)] == ([expected] if expected else [])


def test_without_an_internet_what_nobody_names_is_nowhere() -> None:
    found = places(Policy(("sdn", "core"), (network("web", "core", "2001:db8::/32"),)), "sdn", 6)
    assert list(found) == ["core"]
    assert places(Policy(("sdn", "core")), "sdn", 4) == {}
