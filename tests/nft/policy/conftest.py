from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from nft.apply import apply
from nft.model import Edge
from nft.policy.compile import compile_policy
from nft.policy.model import Policy
from nft.policy.ruleset import compile_reset, compile_transit
from nft.policy.tables import Tables
from tests.nft.topology import Network, inside, model

Load = Callable[[Policy], Tables]


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

    def loaded(policy: Policy) -> Tables:
        tables = compile_policy(policy)
        made = model() if "internet" in policy.zones else renamed()
        with inside(net.names["gw"]):
            apply(made, compile_transit(tables, made, time.time()))
        return tables

    yield loaded
    with inside(net.names["gw"]):
        apply(model(), compile_reset())
