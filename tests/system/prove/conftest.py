"""A throw-away network that stays for all tests of a folder, in a forked process without rights."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

import pytest

from gatewayd import sandbox
from gatewayd.prove import order
from gatewayd.prove.batches import batches
from gatewayd.prove.compare import Expected
from gatewayd.prove.ground import Ground
from gatewayd.prove.order import Order
from gatewayd.prove.probes import Probe
from gatewayd.prove.proof import held, judge
from nft.apply import reset
from nft.errors import NftError
from nft.policy.model import Policy
from nft.policy.ruleset import compile_transit
from nft.policy.tables import Tables
from tests.nft.policy.world import NOW
from vdx.proof import Difference
from vdx.site.source import parse

ZONES = {"sdn": 1, "internet": 2, "core": 3, "mgmt": 4}
SITE = "name: edge-1\nzones:\n" + "".join(
    f"  {name}:\n"
    f"    interface: {name}0\n"
    f'    addresses: [198.18.{number}.1/24, "2001:db8:{number}::1/64"]\n'
    "    routes:\n"
    f"      - {{to: default, via: 198.18.{number}.2}}\n"
    f'      - {{to: default, via: "2001:db8:{number}::2"}}\n'
    for name, number in ZONES.items()
)
"""From and to everywhere there is a way, so that any policy can be asked about any address."""


@pytest.fixture(scope="session")
def base() -> Order:
    """Give an order of a site in which anything can be sent, without a policy."""
    return order.of(parse(SITE.encode()), None, NOW)


@dataclass
class Remote:
    """The network behind a pipe."""

    pipe: Connection

    def ask(self, tables: Tables, policy: Policy, probes: list[Probe]) -> list[Difference] | str:
        """Load tables and send packets; return what differs from the policy, or why the kernel refuses to load."""
        self.pipe.send((tables, policy, probes))
        found: list[Difference] | str = self.pipe.recv()
        return found


def serve(pipe: Connection, made: Order) -> None:
    sandbox.enter()
    with Ground(made.edge, made.network) as ground:
        while (asked := pipe.recv()) is not None:
            tables, policy, probes = asked
            reset()
            try:
                ground.load(compile_transit(held(tables, NOW), made.edge), NOW)
            except NftError as error:
                pipe.send(str(error))
                continue
            expected = Expected(policy, NOW)
            pipe.send([each for batch in batches(policy, probes) for each in judge(ground, expected, batch)])


@pytest.fixture(scope="session")
def remote(base: Order) -> Iterator[Remote]:
    """Give a network in which rulesets can be loaded one after the other."""
    near, far = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=serve, args=(far, base), daemon=True)
    process.start()
    far.close()
    yield Remote(near)
    near.send(None)
    process.join(10)
    assert process.exitcode == 0
