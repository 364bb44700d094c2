"""A number that is dialled as tel URI (RFC 3966), and what the callee's answers say of one leg and of the other."""

from __future__ import annotations

import pytest

from tests.system.calls.crossing import Crossing

pytestmark = pytest.mark.system


def test_a_number_is_called_and_the_callee_has_its_own_interval(crossing: Crossing) -> None:
    """RFC 4028 7.4: a 422 is met by another INVITE, of which the caller hears nothing."""
    with crossing.agents() as (left, right):
        ours = left.invite("tel:+47-22-33", crossing.hop, body=crossing.offer(), caller="tel:+46-8-1")
        first = right.expect("INVITE")
        assert first.uri.startswith("sip:desk@")
        assert first["From"].startswith("<sip:+4681@")
        right.reply(first, 422, more=[("Min-SE", "3600")])
        right.expect("ACK")
        second = right.expect("INVITE")
        assert (second["Min-SE"], second["Session-Expires"]) == ("3600", "3600;refresher=uac")
        theirs = right.accept(second)
        right.reply(second, 200, call=theirs, body=crossing.answer())
        right.expect("ACK")
        left.ack(ours, left.expect(200))
        left.bye(ours)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


def test_when_a_busy_callee_may_be_tried_again_reaches_the_caller(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        ours = left.invite("tel:+47", crossing.hop, body=crossing.offer())
        right.reply(right.expect("INVITE"), 486, more=[("Retry-After", "90 (in a meeting);duration=600")])
        right.expect("ACK")
        refused = left.expect(486)
        left.ack(ours, refused)
        assert refused["Retry-After"] == "90"
