"""Which failure of one side the other side hears, and what beside it."""

from __future__ import annotations

from b2bua.sip import Response

OWN_MATTER = {
    401: 500,  # a challenge is for us, whose credentials it asks for; the caller cannot answer it
    407: 500,
    405: 500,  # the method, the scheme, the extensions of the INVITE are ours
    415: 488,  # the body's type is ours too, but what the callee wants is another description
    416: 500,
    420: 500,
    421: 500,
    422: 500,  # each side has its own session timer (RFC 4028)
    428: 500,  # whom we name as the caller, nobody signs (RFC 8224); what the caller had signed did not pass
    430: 480,  # the way to a device broke, and there is no other one (RFC 5626 5.3.1)
    436: 500,
    437: 500,
    438: 500,
    440: 500,  # how far our INVITE was forked (RFC 5393)
    482: 500,  # the caller made no loop
    483: 500,
    491: 500,
    494: 500,  # what the next hop wants to agree on with us (RFC 3329)
    503: 500,  # RFC 3261 16.7, step 6: the callee's overload is not ours
    513: 500,
}
"""Statuses that concern only our own leg."""

RETRIABLE = frozenset({404, 413, 480, 486, 500, 503, 600, 603})
"""Refusals whose Retry-After tells when the callee may be had again (RFC 3261 20.33)."""

MAX_RETRY_AFTER = 3_600
"""Seconds of a callee's Retry-After that are believed: no caller is told to leave somebody in peace for years."""


def mapped(status: int) -> int:
    """Give the status to pass on for a final answer of the other side; a redirection is not followed."""
    if 300 <= status < 400:
        return 480
    return OWN_MATTER.get(status, status)


def retry_after(response: Response | None) -> list[tuple[str, str]]:
    """Give the header field that says when to try again, as it passes on; none where it means nothing."""
    again = response.retry_after if response is not None and response.status in RETRIABLE else None
    return [("Retry-After", str(min(again, MAX_RETRY_AFTER)))] if again is not None else []


PROGRESS = frozenset({180, 181, 182, 183})
"""Provisional answers that a caller is told of as they are; another one is told as 183 (RFC 3261 8.1.3.2)."""


def progress(status: int) -> int:
    """Give the provisional status to pass on."""
    return status if status in PROGRESS else 183


BESIDE: dict[int, list[tuple[str, str]]] = {415: [("Accept", "application/sdp")]}
"""Header fields that a refusal of ours must carry (RFC 3261 21.4.13)."""

REFUSALS = {"policy": 488, "limit": 488, "invalid": 488, "ports": 503, "kernel": 503, "unknown": 481}
"""What a caller hears where `gatewayd` refuses a lease, by the code of the refusal."""
