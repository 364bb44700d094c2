"""Policies that take each other's place under a steady flow: each packet is counted on both sides."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Self

import pytest

from nft.apply import apply, held, sweep
from nft.errors import ApplyError
from nft.policy.agreement import Agreements
from nft.policy.compile import compile_policy
from nft.policy.model import Policy, Rule
from nft.policy.ruleset import Ruleset, compile_transit
from tests.nft.policy.conftest import Load
from tests.nft.policy.test_flows_system import ALLOW, PORT, agreed, host, ruled
from tests.nft.policy.world import DAY, at, client, large, network
from tests.nft.topology import Network, inside, model

pytestmark = pytest.mark.system

SO_RCVBUFFORCE = 33
BUFFER = 1 << 22  # bytes: a busy machine reads late, and that is no loss
PREFIXES = 5_000  # their map alone would leave a gap of a millisecond, were it made with the rules
PAUSE = 0.0004  # seconds between packets
PATIENCE = 10.0  # seconds for what is on its way


class Steady:
    """A flow of numbered packets and their echoes, from a client in the SDN to a server in the core."""

    def __init__(self, net: Network) -> None:
        self.client, self.server = net.udp("sdn", 2, 0, 4), net.udp("core", 2, PORT, 4)
        for each in (self.client, self.server):
            each.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self.sent = 0
        self.arrived: set[int] = set()
        self.returned: set[int] = set()
        self._enough, self._over = threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._send, self._echo, self._listen)]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._over.set()
        for each in self._threads:
            each.join()
        self.client.close()
        self.server.close()

    def lost(self) -> tuple[set[int], set[int]]:
        """Send no more; return what has not arrived, and what has arrived and has not come back."""
        self._enough.set()
        self._threads[0].join()
        end = time.monotonic() + PATIENCE
        while len(self.returned) < self.sent and time.monotonic() < end:
            self._over.wait(0.01)
        return set(range(self.sent)) - self.arrived, self.arrived - self.returned

    def _send(self) -> None:
        while not self._enough.wait(PAUSE):
            self.client.sendto(b"%d" % self.sent, (host("core", 2, 4), PORT))
            self.sent += 1

    def _echo(self) -> None:
        for data, source in self._received(self.server):
            self.arrived.add(int(data))
            self.server.sendto(data, source)

    def _listen(self) -> None:
        for data, _ in self._received(self.client):
            self.returned.add(int(data))

    def _received(self, link: socket.socket) -> Iterator[tuple[bytes, tuple[str, int]]]:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                yield link.recvfrom(100)


def versions() -> list[Ruleset]:
    """Return rulesets that all let the flow pass: by other rules, other classes, an agreement, in a large map."""
    now = int(time.time())
    plain = ruled(ALLOW)
    narrow = replace(
        plain,
        networks=(*plain.networks, network("one", "sdn", "198.18.1.2/32"), network("far", "sdn", "10.9.0.0/16")),
        rules=(replace(ALLOW, sources=("far",), action="deny"), replace(ALLOW, sources=("one",), origin=at(7))),
    )
    by_agreement = agreed(now - DAY, now + DAY)
    many = large(PREFIXES, 100, now).agreements
    known = by_agreement.agreements
    wide = replace(
        by_agreement,
        agreements=Agreements(
            known.organisations,
            (*known.services, *many.services),
            (*known.clients, *many.clients),
            (*known.agreements, *(replace(each, id=f"m{each.id}") for each in many.agreements)),
        ),
    )
    moved = replace(
        wide, agreements=replace(wide.agreements, clients=(*wide.agreements.clients, client("x", "10.255.0.0/16")))
    )
    return [compile_transit(compile_policy(each), model()) for each in (plain, narrow, by_agreement, wide, moved)]


def test_no_packet_of_an_established_flow_is_lost_while_policies_take_each_others_place(net: Network) -> None:
    listed = versions()
    nothing = compile_transit(compile_policy(Policy(tuple(each.name for each in model().zones))), model())
    with inside(net.names["gw"]):
        apply(model(), listed[0])
        with Steady(net) as flow:
            for number, _ in zip(itertools.cycle((1, 3, 4, 2, 3, 0, 4)), range(14), strict=False):
                apply(model(), listed[number])
                assert held().names == listed[number].names, "nothing of the version before is left"
            missing = flow.lost()
        apply(model(), nothing)
    assert flow.sent > 1_000
    assert missing == (set(), set())


def test_what_a_killed_apply_has_left_is_taken_up_by_the_next(net: Network, load: Load) -> None:
    first = load(ruled(ALLOW))
    second = compile_transit(
        compile_policy(ruled(replace(ALLOW, origin=at(9)), Rule("core", "sdn", "deny", at(3)))), model()
    )
    with inside(net.names["gw"]):
        from nft import apply as steps  # noqa: PLC0415 - its single steps

        steps._run(second.added(held().names, time.time()))
        assert held().names == first.names | second.names
        apply(model(), first)
        assert held().names == first.names
        steps._run(second.added(held().names, time.time()) + second.switched())
        sweep(second)
        assert held().names == second.names


def test_a_part_that_the_kernel_refuses_leaves_the_running_version(net: Network, load: Load) -> None:
    first = load(ruled(ALLOW))
    second = compile_transit(compile_policy(ruled(replace(ALLOW, origin=at(9)))), model())
    broken = replace(
        second, parts=tuple(part._replace(text=part.text.replace("accept", "acept")) for part in second.parts)
    )
    with inside(net.names["gw"]):
        with pytest.raises(ApplyError, match="the running one goes on"):
            apply(model(), broken)
        assert held().names == first.names
