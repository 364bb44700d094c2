"""Session timers across the edge: each side has its own, and one that nobody refreshes ends the call."""

from __future__ import annotations

import pytest

from tests.system.calls.crossing import Crossing
from tests.system.calls.edge import Edge, sip

pytestmark = pytest.mark.system

SHORT = 90  # RFC 4028 5: nobody may ask for less
ABLE = [("Supported", "timer"), ("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE")]
PATIENCE = 2.0 * SHORT


def test_one_side_is_refreshed_and_the_other_runs_out(edge: Edge) -> None:
    crossing = Crossing(edge, "hospital", "clinic")
    with crossing.agents() as (left, right):
        asks = [*ABLE, ("Session-Expires", f"{SHORT};refresher=uas")]
        ours = left.invite(crossing.uri(crossing.alias), sip(crossing.edge_left), body=crossing.offer(), more=asks)
        invite = right.expect("INVITE")
        assert invite["Session-Expires"] == "1800;refresher=uac"
        theirs = right.accept(invite)
        grants = [*ABLE, ("Require", "timer"), ("Session-Expires", f"{SHORT};refresher=uas")]
        right.reply(invite, 200, call=theirs, body=crossing.answer(), more=grants)
        final = left.expect(200)
        assert final["Session-Expires"] == f"{SHORT};refresher=uas"
        left.ack(ours, final)
        right.expect("ACK")
        update = left.expect("UPDATE", within=PATIENCE)  # the edge refreshes, at half the time
        assert update["Session-Expires"] == f"{SHORT};refresher=uac"
        assert not update.body
        left.reply(update, 200, more=[*ABLE, ("Session-Expires", f"{SHORT};refresher=uac")])
        bye = right.expect("BYE", within=PATIENCE)  # it said it would refresh, and did not
        assert bye["Reason"] == 'SIP;cause=408;text="Session expired"'
        right.reply(bye, 200)
        left.reply(left.expect("BYE"), 200)
    edge.wait_idle()


def test_too_short_a_session_is_refused(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        asks = [*ABLE, ("Session-Expires", "60")]
        ours = left.invite(crossing.uri(crossing.alias), crossing.hop, body=crossing.offer(), more=asks)
        refused = left.expect(422)
        assert refused["Min-SE"] == str(SHORT)
        left.ack(ours, refused)
        right.expect_nothing()
