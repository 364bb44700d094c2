"""Offer and answer (RFC 3264) as INVITE carries them (RFC 3261 13.2.1, RFC 6337 2.2).

A row reads: in this state, this message with a session description leads to that state. A message without a row breaks
the rules. Bodies of unreliable 1xx are previews of the answer and change nothing.
"""

from __future__ import annotations

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
}
