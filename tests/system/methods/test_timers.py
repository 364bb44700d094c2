"""Session timers across the edge; how a session runs out is in `tests/system/web/test_timers.py`."""

from __future__ import annotations

import pytest

from tests.system.calls.crossing import Crossing

pytestmark = pytest.mark.system

SHORT = 90  # RFC 4028 5: nobody may ask for less
ABLE = [("Supported", "timer"), ("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE")]


def test_too_short_a_session_is_refused(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        asks = [*ABLE, ("Session-Expires", "60")]
        ours = left.invite(crossing.uri(crossing.alias), crossing.hop, body=crossing.offer(), more=asks)
        refused = left.expect(422)
        assert refused["Min-SE"] == str(SHORT)
        left.ack(ours, refused)
        right.expect_nothing()
