"""Failover down the servers of a name (RFC 3263 4.3), over every transport and both ways, all at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.peers.wires import Transport
from tests.system.calls.edge import Edge
from tests.system.web.beside import Beside
from tests.system.web.conftest import HOME, NAMED
from tests.system.web.named import Named

pytestmark = pytest.mark.system

SLOWLY = 60.0
"""Seconds for a look-up, a server that is silent (5 s) and another one, for seven calls on a busy machine."""


def fail_over(crossing: Beside, named: Named) -> None:
    """Call twice: past a server that is not there and one that refuses, and then straight to the third."""
    with ExitStack() as stack:
        left = stack.enter_context(crossing.agent(crossing.left, crossing.left_address, crossing.caller))
        busy, ready = (stack.enter_context(crossing.at(named.host, port)) for port in (named.busy, named.ready))
        for first in (True, False):
            ours = left.invite(crossing.uri(named.alias), crossing.hop, body=crossing.offer())
            if first:
                busy.reply(busy.expect("INVITE", within=SLOWLY), 503, more=[("Retry-After", "600")])
                busy.expect("ACK", within=SLOWLY)
            invite = ready.expect("INVITE", within=SLOWLY)
            theirs = ready.accept(invite)
            ready.reply(invite, 200, call=theirs, body=crossing.answer())
            left.ack(ours, left.expect(200, within=SLOWLY))
            ready.expect("ACK", within=SLOWLY)
            left.bye(ours)
            ready.reply(ready.expect("BYE", within=SLOWLY), 200)
            left.expect(200, within=SLOWLY)
        busy.expect_nothing()
        crossing.check_hidden(left, ready)


def test_calls_go_on_to_the_server_that_takes_them(edge: Edge) -> None:
    *direct, paged = NAMED
    other = {"clinic": "hospital", "hospital": "clinic"}
    over: list[tuple[Transport, str, Named]] = [(named.over, other[named.host], named) for named in direct]
    over.append(("wss", HOME, paged))
    with ThreadPoolExecutor(len(over)) as pool:
        each = [
            pool.submit(fail_over, Beside(replace(edge, transport=transport), caller, named.host), named)
            for transport, caller, named in over
        ]
        for done in each:
            done.result()
    edge.wait_idle()
