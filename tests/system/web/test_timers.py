"""Session timers run out, over every transport and both ways: all at the same time, since each takes a minute."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.peers.wires import Transport
from tests.system.calls.crossing import Crossing
from tests.system.calls.edge import Edge
from tests.system.methods.test_timers import ABLE, SHORT
from tests.system.web.beside import Beside
from tests.system.web.conftest import HOME, OTHER, USER

pytestmark = pytest.mark.system

PATIENCE = 2.0 * SHORT
AT_ONCE = 30.0
"""Seconds for what needs no waiting, with eight agents on a busy machine."""

WAYS: tuple[tuple[Transport, str, str, str], ...] = (
    ("udp", "hospital", "clinic", USER),
    ("udp", "clinic", "hospital", USER),
    ("tcp", "hospital", "clinic", USER),
    ("tcp", "clinic", "hospital", USER),
    ("tls", "hospital", "clinic", USER),
    ("tls", "clinic", "hospital", USER),
    ("wss", HOME, "municipality", USER),
    ("wss", "municipality", HOME, OTHER),
)


def run_out(crossing: Crossing) -> None:
    """Let one side be refreshed by the edge, and the other not keep its word."""
    with crossing.agents() as (left, right):
        asks = [*ABLE, ("Session-Expires", f"{SHORT};refresher=uas")]
        ours = left.invite(crossing.uri(crossing.alias), crossing.hop, body=crossing.offer(), more=asks)
        invite = right.expect("INVITE", within=AT_ONCE)
        assert invite["Session-Expires"] == "1800;refresher=uac"
        theirs = right.accept(invite)
        grants = [*ABLE, ("Require", "timer"), ("Session-Expires", f"{SHORT};refresher=uas")]
        right.reply(invite, 200, call=theirs, body=crossing.answer(), more=grants)
        final = left.expect(200, within=AT_ONCE)
        assert final["Session-Expires"] == f"{SHORT};refresher=uas"
        left.ack(ours, final)
        right.expect("ACK", within=AT_ONCE)
        update = left.expect("UPDATE", within=PATIENCE)  # the edge refreshes, at half the time
        assert update["Session-Expires"] == f"{SHORT};refresher=uac"
        assert not update.body
        left.reply(update, 200, more=[*ABLE, ("Session-Expires", f"{SHORT};refresher=uac")])
        bye = right.expect("BYE", within=PATIENCE)  # it said it would refresh, and did not
        assert bye["Reason"] == 'SIP;cause=408;text="Session expired"'
        right.reply(bye, 200)
        left.reply(left.expect("BYE", within=AT_ONCE), 200)


def test_one_side_is_refreshed_and_the_other_runs_out(edge: Edge) -> None:
    ways = [Beside(replace(edge, transport=over), left, right, user=user) for over, left, right, user in WAYS]
    with ThreadPoolExecutor(len(ways)) as pool:
        each = [pool.submit(run_out, one) for one in ways]
        for done in each:
            done.result()
    edge.wait_idle()
