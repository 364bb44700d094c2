"""Offer and answer (RFC 3264) as INVITE, reliable responses, PRACK and UPDATE carry them (RFC 3261 13.2.1, RFC 6337).

A row reads: in this state, this message with a session description leads to that state. A message without a row breaks
the rules. Bodies of unreliable 1xx are previews of the answer and change nothing. Who reads the table knows already
that a body counts: once an INVITE has had its answer, bodies of later responses to it repeat that and mean nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from b2bua.sip.leg import Leg

STABLE = "stable"
"""No offer is open."""
OURS = "ours"
"""We offered and wait for the answer."""
THEIRS = "theirs"
"""The peer offered and waits for ours."""

OFFER_ANSWER = {
    (STABLE, "send invite"): OURS,
    (STABLE, "receive invite"): THEIRS,
    (OURS, "receive 2xx"): STABLE,
    (THEIRS, "send 2xx"): STABLE,
    # A late offer: the INVITE had no description, the 2xx offers, the ACK answers
    (STABLE, "receive 2xx"): THEIRS,
    (STABLE, "send 2xx"): OURS,
    (THEIRS, "send ack"): STABLE,
    (OURS, "receive ack"): STABLE,
    # A reliable provisional response answers like a 2xx, or offers; then PRACK answers (RFC 3262 5)
    (OURS, "receive reliable"): STABLE,
    (THEIRS, "send reliable"): STABLE,
    (STABLE, "receive reliable"): THEIRS,
    (STABLE, "send reliable"): OURS,
    (THEIRS, "send prack"): STABLE,
    (OURS, "receive prack"): STABLE,
    # PRACK may offer anew, and UPDATE; their 2xx answers (RFC 3262 5, RFC 3311 5)
    (STABLE, "receive prack"): THEIRS,
    (STABLE, "receive update"): THEIRS,
    (STABLE, "send update"): OURS,
}


def negotiate(leg: Leg, message: str, session: bytes) -> bool:
    """Note a session description in a message of the leg; True if an ACK with an answer is now owed."""
    if session:
        leg.negotiation = OFFER_ANSWER.get((leg.negotiation, message), leg.negotiation)
    leg.ack_owed = message == "receive 2xx" and leg.negotiation == THEIRS
    if message == "receive 2xx" and not leg.ack_owed:
        leg.negotiation = STABLE  # an answer, or none at all: the ACK ends the exchange
    return leg.ack_owed
