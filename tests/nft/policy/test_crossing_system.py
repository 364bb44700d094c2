"""What the kernel lets pass is what the tables say: policies drawn at random, with real packets."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nft.policy.model import Policy
from nft.policy.packet import Packet, parse
from nft.policy.verdict import verdict
from tests.nft.policy.conftest import Load
from tests.nft.policy.drawn import packets, policies
from tests.nft.policy.wire import crossing
from tests.nft.policy.world import DAY, POLICY, agreement
from tests.nft.topology import Network

pytestmark = pytest.mark.system

NAMES = {"sdn": "sdn", "core": "core", "mgmt": "internet"}


@contextlib.contextmanager
def links(net: Network) -> Iterator[dict[str, socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield {zone: stack.enter_context(net.packets(name)) for zone, name in NAMES.items()}


def without_internet(policy: Policy, shift: int = 0) -> Policy:
    """Return the policy for a gateway of three zones, its agreements moved in time."""
    known = policy.agreements
    moved = tuple(replace(each, starts=each.starts + shift, ends=each.ends + shift) for each in known.agreements)
    return replace(
        policy,
        zones=tuple(NAMES),
        rules=tuple(replace(rule, rate=0, connections=0) for rule in policy.rules if rule.target != "internet"),
        agreements=replace(known, agreements=moved),
        tests=(),
    )


def one_way(packet: Packet) -> bool:
    # a protocol without ports back again would be an answer to what went there before
    return packet.kind != "other" or packet.zone == "sdn"


@settings(
    max_examples=15,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(policies(), st.lists(packets().filter(one_way), min_size=20, max_size=40))
def test_what_passes_is_what_the_tables_say(net: Network, load: Load, policy: Policy, asked: list[Packet]) -> None:
    # drawn agreements start or end within seconds of a moment; here they are in force for a day, or over
    known = policy.agreements
    now = int(time.time())
    times = tuple(
        replace(each, starts=now - DAY, ends=now - 1 if index % 3 == 2 else now + DAY)
        for index, each in enumerate(known.agreements)
    )
    tables = load(without_internet(replace(policy, agreements=replace(known, agreements=times)))).tables
    wanted = [verdict(tables, packet, now) for packet in asked]
    with links(net) as open_:
        out = crossing(open_, NAMES, asked)
    for packet, said, zone in zip(asked, wanted, out, strict=True):
        assert zone == (said.zone if said.allowed else ""), (str(packet), str(said))


def test_every_kind_of_verdict_is_met_in_the_kernel(net: Network, load: Load) -> None:
    now = int(time.time())
    policy = without_internet(POLICY)
    renewed = replace(policy.agreements, agreements=(agreement("a-1", "ward-7", "vdx-sip", now - DAY, now + DAY),))
    tables = load(replace(policy, agreements=renewed)).tables
    asked = [
        parse(text)
        for text in (
            "sdn 10.1.2.3 -> core 10.9.0.5 tcp/443",
            "sdn 10.1.2.3 -> core 10.9.0.5 tcp/444",
            "sdn 10.1.2.3 -> core 10.9.0.5 ping",
            "sdn 10.1.9.3 -> core 10.9.0.5 tcp/443",
            "sdn 10.1.7.3 -> core 10.9.1.10 udp/40000",
            "sdn 10.1.7.3 -> core 10.9.1.11 udp/40000",
            "sdn 2001:db8:a:7::1 -> core 2001:db8:9:1::10 tcp/5061",
            "sdn 2001:db8:a:8::1 -> core 2001:db8:9:1::10 tcp/5061",
            "mgmt 10.4.0.9 -> core 10.9.0.1 other",
            "core 10.9.0.1 -> sdn 10.1.2.3 tcp/443",
        )
    ]
    with links(net) as open_:
        out = crossing(open_, NAMES, asked)
    assert out == ["core", "", "core", "", "core", "", "core", "", "core", ""]
    assert out == [found.zone if found.allowed else "" for found in (verdict(tables, p, now) for p in asked)]
