from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from nft.apply import apply
from nft.model import Edge
from nft.policy.compile import compile_policy
from nft.policy.model import Policy
from nft.policy.ruleset import Ruleset, compile_transit
from tests.nft.topology import ZONES, Network, inside, model

Load = Callable[[Policy], Ruleset]


def renamed() -> Edge:
    """Return the same gateway with its internet zone called mgmt: a policy without an internet has no default zone."""
    made = model()
    zones = tuple(replace(zone, name="mgmt") if zone.name == "internet" else zone for zone in made.zones)
    return replace(
        made,
        zones=zones,
        listeners=tuple(replace(one, zone="mgmt") if one.zone == "internet" else one for one in made.listeners),
    )


@pytest.fixture
def load(net: Network) -> Iterator[Load]:
    """Load policies into the gateway; afterwards nothing passes any more."""

    def loaded(policy: Policy) -> Ruleset:
        made = model() if "internet" in policy.zones else renamed()
        with inside(net.names["gw"]):
            ruleset = compile_transit(compile_policy(policy), made)
            apply(made, ruleset)
        return ruleset

    yield loaded
    with inside(net.names["gw"]):
        apply(model(), compile_transit(compile_policy(Policy(tuple(ZONES))), model()))
